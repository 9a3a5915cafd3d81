//! Processes of the support account, wherever they are.
//!
//! A session's own are found by its control group. There should be no others: everything that could start one
//! is closed to the account. Should one have been overlooked, then a session has not ended while it runs, and
//! no other begins: it could attack the next engineer's session.

use std::path::Path;

use nix::unistd::User;

/// Those of one account. None are looked for if it is not Fieldlink's own: it may have a desktop session.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftoverProcesses {
    user: Option<u32>,
}

impl LeftoverProcesses {
    /// Of the account `user`, if it is Fieldlink's own.
    pub(super) fn of(user: &str) -> Self {
        let is_own = user == fieldlink_session::host::OWN_ACCOUNT;
        let found = is_own.then(|| User::from_name(user).ok().flatten()).flatten();
        Self { user: found.map(|user| user.uid.as_raw()) }
    }

    /// The first that is found, by its number and its program. An engineer may see to it that there is much to
    /// look through, so that is done on a thread of its own.
    pub(super) async fn find(&self) -> Option<String> {
        let user = self.user?;
        // A search that failed says nothing: a process may be there.
        let unknown = |_| Some("unknown".to_owned());
        tokio::task::spawn_blocking(move || Self::find_of(user)).await.unwrap_or_else(unknown)
    }

    fn find_of(user: u32) -> Option<String> {
        let processes = std::fs::read_dir("/proc").ok()?.flatten();
        let numbered =
            processes.filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
        numbered.map(|entry| entry.path()).find_map(|process| runs_as(&process, user))
    }
}

/// What runs there, if it runs as `user` (`proc(5)`: the real user stands first) and is not dead already.
fn runs_as(process: &Path, user: u32) -> Option<String> {
    // The name is the process's own choice, and need not be text.
    let status = std::fs::read(process.join("status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    let real: u32 = field("Uid:")?.parse().ok()?;
    let is_dead = matches!(field("State:"), Some("Z" | "X"));
    let described = || {
        let program = fieldlink_protocol::text::name(field("Name:").unwrap_or_default());
        format!("{} ({program})", field("Pid:").unwrap_or_default())
    };
    (real == user && !is_dead).then(described)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_text_hides_no_process() {
        let directory = tempfile::tempdir().expect("a directory");
        let status = b"Name:\t\xff\x1b]0;x\nState:\tS (sleeping)\nPid:\t42\nUid:\t993\t993\t993\t993\n";
        std::fs::write(directory.path().join("status"), status).expect("writable");
        let found = runs_as(directory.path(), 993);
        assert_eq!(found.as_deref(), Some("42 (\u{fffd}\u{fffd}]0;x)"));
        assert_eq!(runs_as(directory.path(), 994), None);
    }

    #[test]
    fn whoever_runs_as_the_account_is_found() {
        let me = nix::unistd::getuid().as_raw();
        assert!(LeftoverProcesses::find_of(me).is_some());
        assert_eq!(LeftoverProcesses::find_of(u32::MAX - 7), None);
        assert!(LeftoverProcesses::of("root").user.is_none(), "not Fieldlink's own");
        let own = runs_as(Path::new("/proc/self"), me).expect("this process");
        assert!(own.starts_with(&std::process::id().to_string()), "{own}");
    }
}
