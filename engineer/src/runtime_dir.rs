//! The directory of the sessions that are open: `<runtime>/ID/` for each, private to this user.
//!
//! A session lives as long as its program holds the lock in its directory. What a killed program
//! left behind is recognised by the free lock and removed by the next one that looks.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldlink_protocol::support_id::SupportId;

use crate::directories::Place;
use crate::exit::{Failure, Kind};
use crate::restart::{self, Restart};
use crate::ssh_config::aliases::{self, Record};
use crate::words::say;
use crate::{platform, private_file, runbook_file};

const LOCK: &str = "lock";
/// What stays of a session that is left to be come back to.
const KEPT: [&str; 3] = [LOCK, restart::FILE, runbook_file::FILE];

/// The directory of all sessions.
#[derive(Debug, Clone)]
pub(crate) struct RuntimeDirectory {
    path: PathBuf,
}

/// The sessions of one user.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Those that can be used.
    pub living: Vec<SupportId>,
    /// Those whose program was killed, and that can be come back to.
    pub broken_off: Vec<SupportId>,
}

/// The directory of one session, held by this program. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct SessionDirectory {
    runtime: RuntimeDirectory,
    path: PathBuf,
    /// Whether what is needed to come back stays.
    left: bool,
    _lock: File,
}

impl RuntimeDirectory {
    /// Opens the directory at `place`, creating it if there is none. One that others can get at is
    /// refused: they could have put anything there.
    pub(crate) fn open(place: &Place) -> anyhow::Result<Self> {
        place.create_private()?;
        Ok(Self { path: place.to_path_buf() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the session to `id` is, or would be.
    pub(crate) fn session(&self, id: SupportId) -> PathBuf {
        self.path.join(id.to_string())
    }

    /// The sessions that live, in the order of their IDs. Removes what dead ones left behind.
    pub(crate) fn sessions(&self) -> anyhow::Result<Vec<SupportId>> {
        Ok(self.look()?.living)
    }

    /// What is there, in the order of the IDs. Removes what dead sessions left behind.
    pub(crate) fn look(&self) -> anyhow::Result<Sessions> {
        let _lock = self.lock()?;
        let (mut sessions, mut died) = (Sessions::default(), false);
        for id in self.listed()? {
            let Some(_lock) = take_if_dead(&self.session(id)) else {
                sessions.living.push(id);
                continue;
            };
            died = true;
            match Restart::load(&self.session(id)) {
                Some(_) => sessions.broken_off.push(id),
                None => remove(&self.session(id))?,
            }
        }
        if died {
            self.write_aliases(&sessions.living)?;
        }
        Ok(sessions)
    }

    /// The session to `id` whose program was killed, if it can be come back to.
    pub(crate) fn abandoned(&self, id: SupportId) -> anyhow::Result<Option<Restart>> {
        let _lock = self.lock()?;
        let path = self.session(id);
        let dead = path.exists().then(|| take_if_dead(&path)).flatten();
        Ok(dead.and_then(|_lock| Restart::load(&path)))
    }

    /// Makes the directory of a new session to `id`.
    pub(crate) fn claim(&self, id: SupportId) -> Result<SessionDirectory, Failure> {
        let _lock = self.lock()?;
        let path = self.session(id);
        if path.exists() {
            let dead = private_file::patiently(|| take_if_dead(&path));
            let _dead = dead.ok_or_else(|| already_open(id))?;
            remove(&path)?;
        }
        let lock = create(&path).with_context(|| say!("could-not-create", path = path.display()))?;
        Ok(SessionDirectory { runtime: self.clone(), path, left: false, _lock: lock })
    }

    /// Takes over what a killed program left of the session to `id`. What it takes to come back is there at every moment:
    /// this program, too, may be killed at any.
    pub(crate) fn claim_again(&self, id: SupportId) -> Result<SessionDirectory, Failure> {
        let lock = self.lock()?;
        let path = self.session(id);
        let Ok(kept) = File::open(path.join(LOCK)) else {
            drop(lock);
            return self.claim(id);
        };
        private_file::patiently(|| kept.try_lock().ok()).ok_or_else(|| already_open(id))?;
        platform::check_private_directory(&path)
            .with_context(|| say!("could-not-use", path = path.display()))?;
        // Whatever fails from here on, the next one finds it as it was.
        let directory = SessionDirectory { runtime: self.clone(), path, left: true, _lock: kept };
        directory.remove_what_is_not_kept();
        Ok(directory)
    }

    /// Writes the file of all sessions anew.
    fn refresh_aliases(&self) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        let listed = self.listed()?;
        let living: Vec<_> =
            listed.into_iter().filter(|&id| take_if_dead(&self.session(id)).is_none()).collect();
        self.write_aliases(&living)
    }

    fn write_aliases(&self, living: &[SupportId]) -> anyhow::Result<()> {
        let records: Vec<_> = living.iter().filter_map(|&id| Record::load(&self.session(id))).collect();
        aliases::write(&self.path, &records)
    }

    fn listed(&self) -> anyhow::Result<Vec<SupportId>> {
        let entries = std::fs::read_dir(&self.path)
            .with_context(|| say!("could-not-list", path = self.path.display()))?;
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let id = |name: String| name.parse().ok().filter(|id: &SupportId| id.to_string() == name);
        let mut listed: Vec<SupportId> = entries.filter_map(name).filter_map(id).collect();
        listed.sort_unstable();
        Ok(listed)
    }

    /// A process that makes, judges or removes a session's directory holds this lock.
    fn lock(&self) -> anyhow::Result<File> {
        private_file::lock(&self.path.join(LOCK)).with_context(|| say!("sessions-directory-unusable"))
    }
}

impl SessionDirectory {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where programs reach this session.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// The session's own ssh_config.
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.path.join("ssh_config")
    }

    /// Publishes the session in the file of all sessions.
    pub(crate) fn publish(&self, record: &Record) -> anyhow::Result<()> {
        record.store()?;
        self.runtime.refresh_aliases()
    }

    /// Removes it, and the session from the file of all sessions.
    pub(crate) fn remove(mut self) -> anyhow::Result<()> {
        self.left = false;
        self.try_remove()
    }

    /// Leaves what is needed to come back to the session, and nothing else of it.
    pub(crate) fn leave(mut self) -> anyhow::Result<()> {
        self.left = true;
        self.remove_what_is_not_kept();
        self.runtime.refresh_aliases()
    }

    fn remove_what_is_not_kept(&self) {
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if !KEPT.iter().any(|kept| entry.file_name() == *kept) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Once: another program may have one of the same name after that.
    fn try_remove(&mut self) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.left, true) || !self.path.exists() {
            return Ok(());
        }
        remove(&self.path)?;
        self.runtime.refresh_aliases()
    }
}

impl Drop for SessionDirectory {
    fn drop(&mut self) {
        let _ = self.try_remove();
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    platform::create_private_directory(path)?;
    platform::check_private_directory(path)?;
    let lock = platform::private_file().read(true).write(true).create_new(true).open(path.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// The lock of a session's directory, if no program holds it; `None` if its program lives.
fn take_if_dead(path: &Path) -> Option<Option<File>> {
    match File::open(path.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok().then_some(Some(lock)),
        // Its program died before it had made the lock.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| say!("could-not-remove", path = path.display()))
        }
        _ => Ok(()),
    }
}

/// Why there is no second session to one scanner.
pub(crate) fn already_open(id: SupportId) -> Failure {
    Failure::new(Kind::Busy, say!("session-already-open", grouped = id.grouped(), id = id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> (tempfile::TempDir, RuntimeDirectory) {
        let base = tempfile::tempdir().expect("a directory");
        let runtime = RuntimeDirectory::open(&Place::at(&base.path().join("run"))).expect("opened");
        (base, runtime)
    }

    #[test]
    fn one_session_per_scanner() {
        let (_base, runtime) = runtime();
        let id = SupportId::random();
        let first = runtime.claim(id).expect("free");
        assert_eq!(runtime.claim(id).expect_err("taken").kind, Kind::Busy);
        assert_eq!(runtime.sessions().expect("listed"), [id]);
        let path = first.path().to_owned();
        first.remove().expect("removed");
        assert!(!path.exists());
        drop(runtime.claim(id).expect("free again"));
        assert!(!path.exists() && runtime.sessions().expect("listed").is_empty());
    }

    #[test]
    fn what_a_killed_program_left_is_removed() {
        let (_base, runtime) = runtime();
        let (id, other) = (SupportId::random(), SupportId::random());
        for dead in [id, other] {
            let path = runtime.session(dead);
            create(&path).expect("created, and unlocked again");
            std::fs::write(path.join("id_ed25519"), "a key").expect("written");
        }
        let again = runtime.claim(id).expect("the dead one gives way");
        assert!(!again.path().join("id_ed25519").exists());
        assert_eq!(runtime.sessions().expect("listed"), [id]);
        assert!(!runtime.session(other).exists());
    }

    #[test]
    fn a_session_to_come_back_to_is_kept() {
        let (_base, runtime) = runtime();
        let id = SupportId::random();
        let restart = Restart {
            session: fieldlink_protocol::ids::SessionId::random(),
            ticket: "T-1".into(),
            partner: None,
            joining: None,
            session_ticket: fieldlink_protocol::ticket::Signed::from_text("k.b.t"),
            key: fieldlink_protocol::secret::Secret::random(),
            alive: crate::moment::Moment::now(),
            restarting: false,
        };
        let mut living = runtime.claim(id).expect("free");
        restart.store(living.path()).expect("stored");
        assert!(runtime.abandoned(id).expect("looked").is_none(), "it lives");
        std::fs::write(living.path().join("id_ed25519"), "a key").expect("written");
        assert_eq!(runtime.claim_again(id).expect_err("it lives").kind, Kind::Busy);
        // As if it was killed.
        living.left = true;
        drop(living);
        let again = runtime.claim_again(id).expect("taken over");
        assert!(Restart::load(again.path()).is_some(), "it is there while another tries");
        assert!(!again.path().join("id_ed25519").exists());
        assert_eq!(runtime.claim(id).expect_err("it lives").kind, Kind::Busy);
        again.leave().expect("left");
        let seen = runtime.look().expect("listed");
        assert_eq!((&*seen.living, &*seen.broken_off), (&[][..], &[id][..]));
        let found = runtime.abandoned(id).expect("looked").expect("kept");
        assert_eq!(found.session, restart.session);
        drop(runtime.claim(id).expect("the next session takes the place"));
        assert!(runtime.abandoned(id).expect("looked").is_none());
    }

    #[test]
    fn foreign_entries_are_left_alone() {
        let (_base, runtime) = runtime();
        for name in ["notes", "123456789012", "000 000 000"] {
            std::fs::create_dir(runtime.path().join(name)).expect("made");
        }
        assert!(runtime.sessions().expect("listed").is_empty());
        assert!(runtime.path().join("000 000 000").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(base.path(), std::fs::Permissions::from_mode(0o755)).expect("chmod");
        let problem =
            format!("{:#}", RuntimeDirectory::open(&Place::at(base.path())).expect_err("open to all"));
        assert!(problem.contains("chmod 700"), "{problem}");
    }
}
