//! What one run of the agent leaves for the next: small files in the runtime directory, which the kernel
//! empties at every boot, and one that outlives it. None of them opens anything by itself, and none holds a PIN.
//!
//! They help and never hinder: a directory that cannot be written does not stop a session.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldlink_identity::Proof;
use fieldlink_protocol::ids::{OperationId, SessionId};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use serde::{Deserialize, Serialize};

/// Longest file that is read, in bytes. A session ticket is about 400 bytes long.
const LONGEST: u64 = 32 * 1024;
/// Starts within this time count as one row of crashes.
const ROW: Duration = Duration::from_secs(60);
/// Starts in a row that are no reason to wait.
const FREE_STARTS: usize = 3;
/// Starts that are remembered: as many as the longest wait takes.
const MOST_STARTS: usize = FREE_STARTS + 5;
/// The longest wait before a start goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The files of one runtime directory, or of none, and the state directory beside it.
#[derive(Debug, Clone)]
pub struct StateFiles {
    /// Until the next boot.
    runtime: Option<PathBuf>,
    /// Beyond it.
    state: Option<PathBuf>,
}

/// Why it could not be noted that remote access starts by itself.
#[derive(Debug, thiserror::Error)]
pub enum Unnoted {
    /// systemd gave this service no runtime directory.
    #[error("this service has no runtime directory")]
    Nowhere,
    /// This device's own file system takes nothing.
    #[error("could not make {}: {error}", path.display())]
    Failed {
        /// The file that could not be made.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// A session that is under way: enough to tell the relay that it is over, and nothing of its keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionMark {
    /// The session that is under way.
    pub session: SessionId,
    /// Names it to the relay.
    pub ticket: Signed<SessionTicket>,
    /// The registration key that the ticket is for.
    #[serde(with = "hexadecimal")]
    pub key: Secret<32>,
}

impl StateFiles {
    /// Those in the directory that systemd made for this service.
    pub fn of_this_service() -> Self {
        Self { runtime: directory_of("RUNTIME_DIRECTORY"), state: state_directory() }
    }

    /// Those in `directory`.
    pub fn at(directory: &Path) -> Self {
        let directory = Some(directory.to_owned());
        Self { runtime: directory.clone(), state: directory }
    }

    /// None: nothing is remembered.
    pub fn nowhere() -> Self {
        Self { runtime: None, state: None }
    }

    /// Arms remote access that starts at boot: true once per boot, and only if that can be noted, so that
    /// no crash and no restart starts it again. The note is a name, which needs no room for contents.
    pub fn arm(&self, boot: &str) -> Result<bool, Unnoted> {
        let Some(directory) = &self.runtime else { return Err(Unnoted::Nowhere) };
        let path = directory.join(format!("armed-{boot}"));
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match new {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Unnoted::Failed { path, error }),
        }
    }

    /// Notes that a session is under way, or none.
    pub fn set_sessions(&self, sessions: &[SessionMark]) {
        let lines: Result<Vec<_>, _> = sessions.iter().map(serde_json::to_string).collect();
        match lines {
            Ok(lines) if !lines.is_empty() => {
                self.write("session", lines.join("\n").as_bytes());
            }
            _ => self.remove("session"),
        }
    }

    /// The session that an earlier run did not bring to its end, once.
    pub fn take_sessions(&self) -> Vec<SessionMark> {
        let text = self.read("session").unwrap_or_default();
        self.remove("session");
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Keeps what the engineer of the latest session has signed, and the signature: for `ssh-keygen -Y verify`.
    pub fn set_engagement(&self, proof: Option<&Proof>) {
        match proof {
            Some(proof) => {
                self.write("engaged", proof.statement().as_bytes());
                self.write("engaged.sig", proof.armoured().as_bytes());
            }
            None => ["engaged", "engaged.sig"].into_iter().for_each(|name| self.remove(name)),
        }
    }

    /// Notes that an engineer has heard how this operation ended. Its record outlives the boot, and so does this.
    pub fn set_told_operation(&self, run: OperationId) {
        self.lasting().write("operation-told", run.to_string().as_bytes());
    }

    /// The latest operation of which that is noted.
    pub fn told_operation(&self) -> Option<OperationId> {
        self.lasting().read("operation-told")?.trim().parse().ok()
    }

    fn lasting(&self) -> Self {
        Self { runtime: self.state.clone(), state: None }
    }

    /// Notes that this boot is about to end, with a session that is to go on after it; or that it does not, after all.
    pub fn set_restarting(&self, is_restarting: bool) {
        match is_restarting {
            true => drop(self.write("restarting", b"")),
            false => self.remove("restarting"),
        }
    }

    /// Whether this is still that boot.
    pub fn is_restarting(&self) -> bool {
        self.read("restarting").is_some()
    }

    /// Notes why this run ends itself, for the client to read afterwards.
    pub fn set_last_words(&self, reason: Reason) {
        self.write("ended", reason.code().as_bytes());
    }

    /// Why the run before ended itself, once.
    pub fn take_last_words(&self) -> Option<Reason> {
        let code = self.read("ended")?;
        self.remove("ended");
        Reason::from_code(code.trim())
    }

    /// How long to hold off, because there were many starts lately. `now` is in time since boot.
    pub fn note_start(&self, now: Duration) -> Duration {
        let known = self.read("starts").unwrap_or_default();
        let (starts, wait) = with_start(&known, now);
        self.write("starts", starts.as_bytes());
        wait
    }

    /// Notes that this run ended as it should: the starts before it are no row of crashes.
    pub fn note_orderly_end(&self) {
        self.remove("starts");
    }

    fn read(&self, name: &str) -> Option<String> {
        let mut text = String::new();
        let file = File::open(self.runtime.as_ref()?.join(name)).ok()?;
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Whole or not at all.
    fn write(&self, name: &str, content: &[u8]) -> bool {
        let Some(directory) = &self.runtime else { return false };
        let (path, new) = (directory.join(name), directory.join(format!("{name}.new")));
        let written = write_private(&new, content).and_then(|()| std::fs::rename(&new, &path));
        if let Err(error) = &written {
            tracing::warn!(%error, path = %path.display(), "could not leave a note for the next start");
            // A part of it would take room, and say nothing.
            let _ = std::fs::remove_file(&new);
        }
        written.is_ok()
    }

    fn remove(&self, name: &str) {
        if let Some(directory) = &self.runtime {
            // It may not be there.
            let _ = std::fs::remove_file(directory.join(name));
        }
    }
}

/// The state directory that systemd made for this service.
pub(crate) fn state_directory() -> Option<PathBuf> {
    directory_of("STATE_DIRECTORY")
}

fn directory_of(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// The starts of the row that `now` belongs to, one a line, and the wait that follows from them. In a row
/// every start follows the one before it closely; the waits do not break it.
fn with_start(known: &str, now: Duration) -> (String, Duration) {
    let mut starts: Vec<u64> = known.lines().filter_map(|line| line.parse().ok()).collect();
    starts.push(now.as_secs());
    let is_gap = |pair: &[u64]| pair[1].saturating_sub(pair[0]) >= ROW.as_secs();
    let begin = starts.windows(2).rposition(is_gap).map_or(0, |gap| gap + 1);
    let row = &starts[begin.max(starts.len().saturating_sub(MOST_STARTS))..];
    let beyond = row.len().saturating_sub(FREE_STARTS);
    let wait = match u32::try_from(beyond) {
        Ok(0) => Duration::ZERO,
        Ok(beyond) => Duration::from_secs(1 << beyond.min(5)).min(LONGEST_WAIT),
        Err(_) => LONGEST_WAIT,
    };
    (row.iter().map(|start| format!("{start}\n")).collect(), wait)
}

/// The name of this boot of the kernel's.
pub(crate) fn boot_id() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

pub(crate) mod hexadecimal {
    use fieldlink_protocol::ids::AgentKey;
    use fieldlink_protocol::secret::Secret;
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    // `AgentKey` has 32 bytes, too, and is written in hexadecimal.
    pub(crate) fn serialize<S: Serializer>(key: &Secret<32>, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(AgentKey::from_bytes(*key.expose()).to_string());
        serializer.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<32>, D::Error> {
        Ok(Secret::new(*AgentKey::deserialize(deserializer)?.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_access_at_boot_is_armed_once_per_boot() {
        let directory = tempfile::tempdir().expect("a directory");
        let state_files = StateFiles::at(directory.path());
        let armed = |boot| state_files.arm(boot).expect("it can be noted");
        assert!(armed("one"));
        assert!(!armed("one"), "a crash is no boot");
        assert!(armed("two"));
        assert!(StateFiles::nowhere().arm("one").is_err(), "what cannot be noted is not armed");
        let gone = StateFiles::at(&directory.path().join("gone")).arm("one");
        assert!(gone.expect_err("no directory").to_string().contains("armed-one: "));
    }

    #[test]
    fn a_session_that_was_not_ended_is_found_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let state_files = StateFiles::at(directory.path());
        assert!(state_files.take_sessions().is_empty());
        let session = SessionId::random();
        let mark = SessionMark { session, ticket: Signed::from_text("ticket"), key: Secret::new([7; 32]) };
        state_files.set_sessions(std::slice::from_ref(&mark));
        let file = directory.path().join("session");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600);
        let found = state_files.take_sessions().pop().expect("there");
        assert_eq!((found.session, found.ticket.as_str(), found.key.expose()), (session, "ticket", &[7; 32]));
        assert!(state_files.take_sessions().is_empty());
    }

    #[test]
    fn where_nothing_can_be_written_everything_else_goes_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let state_files = StateFiles::at(directory.path());
        // A directory in the place of a file takes no writing, not even root's.
        for name in ["session.new", "ended.new", "starts.new"] {
            std::fs::create_dir(directory.path().join(name)).expect("writable");
        }
        let session = SessionId::random();
        let (ticket, key) = (Signed::from_text("t"), Secret::new([7; 32]));
        state_files.set_sessions(&[SessionMark { session, ticket, key }]);
        state_files.set_last_words(Reason::SessionProcessLost);
        assert!(state_files.note_start(Duration::from_secs(1)).is_zero());
        assert!(state_files.take_sessions().is_empty() && state_files.take_last_words().is_none());
        assert!(state_files.arm("one").expect("a name needs no room"));
    }

    #[test]
    fn last_words_are_read_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let state_files = StateFiles::at(directory.path());
        state_files.set_last_words(Reason::SessionProcessLost);
        assert_eq!(state_files.take_last_words(), Some(Reason::SessionProcessLost));
        assert_eq!(state_files.take_last_words(), None);
    }

    #[test]
    fn many_starts_in_a_row_are_slowed_down() {
        let (mut known, mut now) = (String::new(), 100);
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                let (starts, wait) = with_start(&known, Duration::from_secs(now));
                known = starts;
                // It crashes a second after it has waited.
                now += wait.as_secs() + 1;
                wait.as_secs()
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 30, 30, 30, 30, 30]);
        assert_eq!(known.lines().count(), MOST_STARTS);
        let later = now + 60;
        assert_eq!(with_start(&known, Duration::from_secs(later)), (format!("{later}\n"), Duration::ZERO));
    }
}
