//! The account that programs run as, and the environment they get.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Uid, User, access, gethostname, getuid};

use super::HostError;
use crate::wire::{MAX_VARIABLES, PROTOCOL_VERSION, Welcome, accepts_variable};

/// The account that Fieldlink's package makes.
pub const OWN_ACCOUNT: &str = "fieldlink-support";
/// Its home, in a directory with nothing else in it.
const OWN_HOME: &str = "/var/lib/fieldlink-support/home";

const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";
const ROOT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULT_SHELL: &str = "/bin/sh";

/// Environment of a program.
pub(super) type Environment = BTreeMap<OsString, OsString>;

/// The account this process runs as.
#[derive(Debug)]
pub(super) struct Account {
    uid: Uid,
    user: String,
    home: PathBuf,
    shell: PathBuf,
}

impl Account {
    pub(super) fn of_this_process() -> Result<Self, HostError> {
        let uid = getuid();
        let entry = User::from_uid(uid)
            .map_err(|error| HostError::Account(uid.as_raw(), error.desc()))?
            .ok_or(HostError::Account(uid.as_raw(), "no such account"))?;
        let named = !entry.shell.as_os_str().is_empty();
        Ok(Self {
            uid,
            user: entry.name,
            home: entry.dir,
            shell: if named { entry.shell } else { DEFAULT_SHELL.into() },
        })
    }

    /// Whether this is the account that Fieldlink's package made, as it made it.
    pub(super) fn is_fieldlinks_own(&self) -> bool {
        self.user == OWN_ACCOUNT && self.home == Path::new(OWN_HOME)
    }

    /// The home directory; the root if it does without one.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Makes the root the account's home, where it owns nothing.
    pub(super) fn do_without_home(&mut self) {
        self.home = "/".into();
    }

    /// The login shell; `/bin/sh` if the account's entry names none.
    pub(super) fn shell(&self) -> &Path {
        &self.shell
    }

    /// Where programs start: at home, or at the root if there is no such place.
    pub(super) fn directory(&self) -> &Path {
        let usable = self.home.is_dir() && access(&self.home, AccessFlags::X_OK).is_ok();
        if usable { &self.home } else { Path::new("/") }
    }

    /// The first message to the agent.
    pub(super) fn welcome(&self) -> Welcome {
        let hostname = gethostname().unwrap_or_default();
        Welcome {
            version: PROTOCOL_VERSION,
            user: self.user.clone(),
            home: self.home.to_string_lossy().into_owned(),
            shell: self.shell.to_string_lossy().into_owned(),
            hostname: hostname.to_string_lossy().into_owned(),
        }
    }

    /// Built from nothing, so that nothing of the agent's own environment gets out.
    pub(super) fn environment(&self, requested: &[(String, String)]) -> Environment {
        let path = if self.uid.is_root() { ROOT_PATH } else { PATH };
        let own: [(&str, &OsStr); 7] = [
            ("HOME", self.home.as_os_str()),
            ("USER", self.user.as_ref()),
            ("LOGNAME", self.user.as_ref()),
            ("SHELL", self.shell.as_os_str()),
            ("PATH", path.as_ref()),
            ("FIELDLINK_SESSION", "1".as_ref()),
            ("PWD", self.directory().as_os_str()),
        ];
        // The agent has filtered already; this process does not rely on that.
        let taken = requested.iter().filter(|(name, value)| accepts_variable(name, value));
        taken
            .take(MAX_VARIABLES)
            .map(|(name, value)| (name.into(), value.into()))
            .chain(own.map(|(name, value)| (name.into(), value.to_owned())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            uid: Uid::from_raw(1000),
            user: "support".to_owned(),
            home: "/no/such/home".into(),
            shell: "/bin/bash".into(),
        }
    }

    #[test]
    fn only_language_and_terminal_are_taken() {
        let requested = [
            ("LANG", "de_DE.UTF-8"),
            ("LC_ALL", "C"),
            ("LC_TIME", "a\0b"),
            ("LC_", "C"),
            ("LC_a=b", "C"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("HOME", "/tmp"),
            ("TERM", "xterm"),
        ];
        let requested = requested.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = account().environment(&requested);
        let names: Vec<&str> = environment.keys().filter_map(|name| name.to_str()).collect();
        let expected = "FIELDLINK_SESSION HOME LANG LC_ALL LOGNAME PATH PWD SHELL TERM USER";
        assert_eq!(names.join(" "), expected);
        assert_eq!(environment[OsStr::new("HOME")], "/no/such/home");
    }

    #[test]
    fn only_the_packages_account_in_its_place_is_fieldlinks_own() {
        let mut own = Account { user: OWN_ACCOUNT.into(), home: OWN_HOME.into(), ..account() };
        assert!(own.is_fieldlinks_own() && !account().is_fieldlinks_own());
        assert!(!Account { user: OWN_ACCOUNT.into(), ..account() }.is_fieldlinks_own());
        own.do_without_home();
        assert!(!own.is_fieldlinks_own());
        assert_eq!(own.environment(&[])[OsStr::new("HOME")], "/");
    }

    #[test]
    fn a_missing_home_is_no_obstacle() {
        assert_eq!(account().directory(), Path::new("/"));
    }
}
