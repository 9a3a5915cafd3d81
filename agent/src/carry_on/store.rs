//! The file in the state directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::OFlag;
use nix::unistd::Uid;
use zeroize::Zeroizing;

use super::{CarryOn, NotCarriedOn, Stored, VERSION};

/// The longest file that is read, in bytes: a proof as numbers, and everything beside it.
const LONGEST: u64 = 128 * 1024;
const NAME: &str = "carry-on.json";
/// What others may do with it.
const OTHERS: u32 = 0o077;
/// Identifies this computer (`machine-id(5)`).
const MACHINE_ID: &str = "/etc/machine-id";

/// Where sessions are written down that are to go on after a restart.
#[derive(Debug, Clone)]
pub(crate) struct CarryOnStore(PathBuf);

/// Whether what is being written is still wanted. The disk may take longer than anybody waits: what is late must not be
/// found by the next run. Dropped, it is not wanted.
#[derive(Debug)]
pub(crate) struct Wanted(Arc<Mutex<bool>>);

/// The writer's end of [`Wanted`].
#[derive(Debug)]
pub(crate) struct IsWanted(Arc<Mutex<bool>>);

impl Wanted {
    pub(crate) fn new() -> (Self, IsWanted) {
        let wanted = Arc::new(Mutex::new(true));
        (Self(wanted.clone()), IsWanted(wanted))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl IsWanted {
    /// It stays wanted for as long as the answer is held.
    fn check(&self) -> io::Result<MutexGuard<'_, bool>> {
        let wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *wanted {
            true => Ok(wanted),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, "it is not wanted any more")),
        }
    }
}

impl CarryOnStore {
    /// In the directory that systemd made for this service.
    pub(crate) fn of_this_service() -> Option<Self> {
        let directory = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        directory.filter(|path| path.is_absolute()).map(|path| Self::at(&path))
    }

    /// In `directory`.
    pub(crate) fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Writes it down so that it outlives a loss of power, if it is wanted for so long.
    pub(crate) fn write(&self, stored: &Stored, is_wanted: &IsWanted) -> io::Result<()> {
        let text = Zeroizing::new(serde_json::to_vec(stored)?);
        let (path, new) = (self.0.join(NAME), self.0.join("carry-on.json.new"));
        // One that was left half-way is in the way.
        let _ = std::fs::remove_file(&new);
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            let still = is_wanted.check()?;
            std::fs::rename(&new, &path)?;
            drop(still);
            self.sync()
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
            let _ = self.forget();
        }
        written
    }

    /// Removes it, durably.
    pub(crate) fn forget(&self) -> io::Result<()> {
        match std::fs::remove_file(self.0.join(NAME)) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// What was written down, once: it is removed before it is used.
    pub(crate) fn take(&self) -> Option<Result<CarryOn, NotCarriedOn>> {
        self.take_on(&machine_id().unwrap_or_default())
    }

    fn take_on(&self, machine: &str) -> Option<Result<CarryOn, NotCarriedOn>> {
        let read = self.read();
        if matches!(&read, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            return None;
        }
        if self.forget().is_err() {
            return Some(Err(NotCarriedOn::NotRemoved));
        }
        let text = match read {
            Ok(Some(text)) => text,
            Ok(None) | Err(_) => return Some(Err(NotCarriedOn::Exposed)),
        };
        let Ok(stored) = serde_json::from_slice::<Stored>(&text) else {
            return Some(Err(NotCarriedOn::Malformed));
        };
        Some(match () {
            () if stored.version != VERSION => Err(NotCarriedOn::Malformed),
            // Nothing of it is ours to say to anybody.
            () if machine.is_empty() || stored.machine != machine => Err(NotCarriedOn::OtherMachine),
            () => Ok(CarryOn::new(stored)),
        })
    }

    /// None: others could have read it, or put it there.
    fn read(&self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(self.0.join(NAME))?;
        let metadata = file.metadata()?;
        let is_ours = metadata.is_file()
            && metadata.uid() == Uid::effective().as_raw()
            && metadata.mode() & OTHERS == 0
            && metadata.nlink() == 1;
        if !is_ours {
            return Ok(None);
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(LONGEST).read_to_end(&mut text)?;
        Ok(Some(text))
    }
}

/// This computer's.
pub(crate) fn machine_id() -> io::Result<String> {
    Ok(std::fs::read_to_string(MACHINE_ID)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Duration;

    use fieldlink_protocol::credential::EngineerIdentity;
    use fieldlink_protocol::ids::{EngineerId, RunId, SessionId};
    use fieldlink_protocol::secret::Secret;
    use fieldlink_protocol::ticket::Signed;

    use super::super::ToCarry;
    use super::*;
    use crate::rules::{Continuity, Request, SeatId};

    /// It began with another engineer.
    const CONTINUITY: Continuity =
        Continuity { session: SessionId::from_bytes([9; 16]), seat: SeatId(1), last_seat: 2 };

    fn stored() -> Stored {
        let (session, run) = (SessionId::from_bytes([1; 16]), RunId::from_bytes([2; 16]));
        let id = EngineerId::from_bytes([3; 16]);
        let engineer = EngineerIdentity { id, name: "Ada".into(), company: "Scans AG".into() };
        let request =
            Request { session, run, engineer, ticket: "T-7".into(), partner: None, engagement: None };
        let to_carry = ToCarry {
            continuity: CONTINUITY,
            request: &request,
            support_id: "482 913 077".parse().expect("one"),
            session_ticket: Signed::from_text("ticket"),
            key: Secret::new([4; 32]),
            restart_key: Secret::new([5; 32]),
            left: (Duration::from_secs(2280), Duration::from_secs(3600)),
        };
        Stored::of(to_carry, "machine".into())
    }

    fn write(store: &CarryOnStore) -> io::Result<()> {
        let (_wanted, is_wanted) = Wanted::new();
        store.write(&stored(), &is_wanted)
    }

    fn place() -> (tempfile::TempDir, CarryOnStore, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, path) = (CarryOnStore::at(directory.path()), directory.path().join(NAME));
        (directory, store, path)
    }

    fn refused(store: &CarryOnStore, machine: &str) -> Option<NotCarriedOn> {
        match store.take_on(machine) {
            Some(Err(why)) => Some(why),
            Some(Ok(_)) => panic!("it was taken"),
            None => None,
        }
    }

    #[test]
    fn it_is_taken_once_and_gone_before_it_is_used() {
        let (_directory, store, path) = place();
        assert!(store.take_on("machine").is_none());
        write(&store).expect("room");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let Some(Ok(carry_on)) = store.take_on("machine") else { panic!("it is in order") };
        assert!(!path.exists());
        let (session, ticket, key) = carry_on.registration();
        assert_eq!(
            (session, ticket.as_str(), key.expose()),
            (SessionId::from_bytes([1; 16]), "ticket", &[4; 32])
        );
        assert_eq!(carry_on.restart_key().expose(), &[5; 32]);
        let now = Duration::from_secs(50);
        let carried = carry_on.carried((Duration::from_secs(60), Duration::from_secs(30)), now);
        assert_eq!((carried.deadline.as_secs(), carried.most_deadline.as_secs()), (110, 3710));
        assert_eq!(carried.continuity, CONTINUITY);
        assert_eq!((carried.until.as_secs(), carried.request.ticket.as_str()), (80, "T-7"));
        assert!(store.take_on("machine").is_none(), "once");
    }

    #[test]
    fn what_a_version_before_wrote_goes_on_too() {
        let (_directory, store, path) = place();
        write(&store).expect("room");
        let mut stored: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
        let fields = stored.as_object_mut().expect("an object");
        for name in ["record", "seat", "last_seat"] {
            fields.remove(name).expect("there");
        }
        std::fs::write(&path, stored.to_string()).expect("written");
        let Some(Ok(carry_on)) = store.take_on("machine") else { panic!("it is in order") };
        let (session, ..) = carry_on.registration();
        assert_eq!(carry_on.continuity(), Continuity { session, seat: SeatId::FIRST, last_seat: 0 });
    }

    #[test]
    fn what_is_written_too_late_is_not_found() {
        let (_directory, store, path) = place();
        let (wanted, is_wanted) = Wanted::new();
        drop(wanted);
        assert!(store.write(&stored(), &is_wanted).is_err());
        assert!(!path.exists() && store.take_on("machine").is_none());
    }

    #[test]
    fn what_is_not_ours_is_refused_and_gone() {
        let (directory, store, path) = place();
        let again = || write(&store).expect("room");
        again();
        assert_eq!(refused(&store, "another"), Some(NotCarriedOn::OtherMachine));
        again();
        assert_eq!(refused(&store, ""), Some(NotCarriedOn::OtherMachine), "nothing is known of this one");
        again();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("ours");
        assert_eq!(refused(&store, "machine"), Some(NotCarriedOn::Exposed), "others could have read it");
        again();
        let kept = directory.path().join("kept");
        std::fs::hard_link(&path, &kept).expect("a second name");
        assert_eq!(refused(&store, "machine"), Some(NotCarriedOn::Exposed), "it could be used twice");
        symlink(&kept, &path).expect("a link");
        assert_eq!(refused(&store, "machine"), Some(NotCarriedOn::Exposed));
        assert!(!path.exists() && std::fs::symlink_metadata(&path).is_err());
        for junk in ["", "{}", "{\"version\":1}", "\u{0}"] {
            std::fs::write(&path, junk).expect("writable");
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
            assert_eq!(refused(&store, "machine"), Some(NotCarriedOn::Malformed), "{junk:?}");
        }
        assert!(!path.exists());
    }

    #[test]
    fn what_cannot_be_written_or_removed_carries_nothing_on() {
        let (directory, store, path) = place();
        // A directory in the place of the file takes no writing, and no removing, not even by root.
        std::fs::create_dir(&path).expect("writable");
        std::fs::write(path.join("in"), "").expect("writable");
        assert!(write(&store).is_err());
        assert_eq!(refused(&store, "machine"), Some(NotCarriedOn::NotRemoved));
        assert!(write(&CarryOnStore::at(&directory.path().join("gone"))).is_err());
    }
}
