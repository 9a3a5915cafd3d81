//! Processes of the support account, wherever they are.
//!
//! A session's own are found by its control group. There should be no others: everything that could start one
//! is closed to the account. Should one have been overlooked, then a session has not ended while it runs, and
//! no other begins: it would be the next engineer's enemy.

use std::path::Path;

use nix::unistd::User;

/// Those of one account; nothing to watch if that account may be somebody's desktop.
#[derive(Debug, Clone, Default)]
pub(super) struct Strays {
    user: Option<u32>,
}

impl Strays {
    /// Of the account `user`, if it is Fieldlink's own.
    pub(super) fn of(user: &str) -> Self {
        let is_own = user == crate::session_host::OWN_ACCOUNT;
        let found = is_own.then(|| User::from_name(user).ok().flatten()).flatten();
        Self { user: found.map(|user| user.uid.as_raw()) }
    }

    /// The first that is found, by its number and its program.
    pub(super) fn find(&self) -> Option<String> {
        let user = self.user?;
        let processes = std::fs::read_dir("/proc").ok()?.flatten();
        let numbered =
            processes.filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
        numbered.map(|entry| entry.path()).find_map(|process| runs_as(&process, user))
    }
}

/// What runs there, if it runs as `user` (`proc(5)`: the real user stands first) and is not dead already.
fn runs_as(process: &Path, user: u32) -> Option<String> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    let real: u32 = field("Uid:")?.parse().ok()?;
    let is_dead = matches!(field("State:"), Some("Z" | "X"));
    let described =
        || format!("{} ({})", field("Pid:").unwrap_or_default(), field("Name:").unwrap_or_default());
    (real == user && !is_dead).then(described)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_as_the_account_is_found() {
        let me = nix::unistd::getuid().as_raw();
        assert!(Strays { user: Some(me) }.find().is_some());
        assert_eq!(Strays { user: Some(u32::MAX - 7) }.find(), None);
        assert!(Strays::of("root").user.is_none(), "not Fieldlink's own");
        let own = runs_as(Path::new("/proc/self"), me).expect("this process");
        assert!(own.starts_with(&std::process::id().to_string()), "{own}");
    }
}
