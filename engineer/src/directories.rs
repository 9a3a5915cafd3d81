//! Where this program's files are: found in the environment, and never made in a place that is another
//! user's, which is what the environment names under `su` without `-`, `sudo -E`, and in some CI systems.

use std::ffi::OsString;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::platform;
use crate::words::say;

/// The directories of one engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directories {
    /// `connect.toml` and the credential.
    pub config: Place,
    /// What is remembered across runs.
    pub state: Place,
    /// The sessions that are open.
    pub runtime: Place,
}

/// A directory, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    path: PathBuf,
    /// What must be there already; below it directories may be made.
    base: Option<PathBuf>,
    source: Source,
    /// Our own variable that could name another one.
    own: &'static str,
}

/// What names a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The environment variable of this name.
    Variable(&'static str),
    /// The runtime directory of the engineer's login.
    Login,
    /// This program, because the environment names no runtime directory.
    NoVariable,
    /// The system's list of users.
    Users,
    /// The program that started this one, by an argument.
    Caller,
}

impl Source {
    /// As the engineer reads it.
    fn words(self) -> String {
        match self {
            Self::Variable(name) => name.to_owned(),
            Self::Login => say!("place-from-login"),
            Self::NoVariable => say!("place-without-variable"),
            Self::Users => say!("place-from-users"),
            Self::Caller => say!("place-from-caller"),
        }
    }
}

/// Variables as they are set.
type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Directories {
    /// As the environment says.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        Self::find(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn find(variable: Variables<'_>) -> Result<Self, Failure> {
        let config = below_home(variable, "FIELDLINK_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")?;
        let state = below_home(variable, "FIELDLINK_STATE_DIR", "XDG_STATE_HOME", ".local/state")?;
        Ok(Self { config, state, runtime: runtime(variable)? })
    }
}

fn runtime(variable: Variables<'_>) -> Result<Place, Failure> {
    const OWN: &str = "FIELDLINK_RUNTIME_DIR";
    const STANDARD: &str = "XDG_RUNTIME_DIR";
    if let Some(place) = named(variable, OWN)? {
        return Ok(place);
    }
    if let Some(base) = absolute(variable, STANDARD) {
        return Ok(Place {
            path: base.join("fieldlink"),
            base: Some(base),
            source: Source::Variable(STANDARD),
            own: OWN,
        });
    }
    // A cron job's environment lacks the variable, and the directory is there all the same.
    if let Some(base) = platform::login_runtime_directory() {
        return Ok(Place { path: base.join("fieldlink"), base: Some(base), source: Source::Login, own: OWN });
    }
    let path = platform::fallback_runtime_directory();
    Ok(Place { path, base: None, source: Source::NoVariable, own: OWN })
}

fn below_home(
    variable: Variables<'_>,
    own: &'static str,
    standard: &'static str,
    below: &str,
) -> Result<Place, Failure> {
    if let Some(place) = named(variable, own)? {
        return Ok(place);
    }
    if let Some(base) = absolute(variable, standard) {
        return Ok(Place {
            path: base.join("fieldlink"),
            base: None,
            source: Source::Variable(standard),
            own,
        });
    }
    let (home, source) = match absolute(variable, "HOME") {
        Some(home) => (Some(home), Source::Variable("HOME")),
        None => (platform::home_directory(), Source::Users),
    };
    let home = home.ok_or_else(|| Failure::usage(say!("no-home", own = own)))?;
    Ok(Place { path: home.join(below).join("fieldlink"), base: Some(home), source, own })
}

/// Our own variables must hold a full path; a mistake is not passed over.
fn named(variable: Variables<'_>, name: &'static str) -> Result<Option<Place>, Failure> {
    match variable(name).map(PathBuf::from) {
        Some(path) if !path.is_absolute() => {
            Err(Failure::usage(say!("place-not-full", name = name, path = path.display())))
        }
        path => Ok(path.map(|path| Place { path, base: None, source: Source::Variable(name), own: name })),
    }
}

/// The XDG specification says to pass over relative paths.
fn absolute(variable: Variables<'_>, name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

impl Place {
    /// A directory that is named by the caller.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), base: None, source: Source::Caller, own: "FIELDLINK_RUNTIME_DIR" }
    }

    /// Makes the directory, for this user alone, if it is not there; what is there must be this user's.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        self.try_to_create().map_err(|error| self.complain(&error))
    }

    /// As [`Self::create`], and no other user may be able to enter it.
    pub(crate) fn create_private(&self) -> anyhow::Result<()> {
        let private = || self.try_to_create().and_then(|()| platform::check_private_directory(&self.path));
        private().map_err(|error| self.complain(&error))
    }

    /// Refuses a directory that is there and another user's.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let checked = match platform::check_own(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            checked => checked,
        };
        checked.map_err(|error| self.complain(&error))
    }

    fn try_to_create(&self) -> io::Result<()> {
        if let Some(base) = &self.base
            && !base.try_exists()?
        {
            return Err(io::Error::other(say!("base-missing", path = base.display())));
        }
        let there = self.path.ancestors().find(|path| path.symlink_metadata().is_ok());
        there.map_or(Ok(()), platform::check_own)?;
        match self.path.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(io::Error::other(say!("not-a-directory"))),
            Err(_) => platform::create_private_directory(&self.path),
        }
    }

    fn complain(&self, error: &io::Error) -> anyhow::Error {
        let Self { path, source, own, .. } = self;
        let advice = match *source {
            Source::Variable(name) if name != *own => say!("correct-the-variable", name = name, own = *own),
            _ => say!("name-your-own", own = *own),
        };
        anyhow::Error::msg(say!(
            "place-unusable",
            path = path.display(),
            source = source.words(),
            error = error.to_string(),
            advice = advice
        ))
    }
}

impl Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::exit::Kind;

    fn find(variables: &[(&str, &str)]) -> Result<Directories, Failure> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Directories::find(&|name| variables.get(name).map(OsString::from))
    }

    #[test]
    fn directories_follow_the_environment() {
        let found = find(&[("HOME", "/home/ada"), ("XDG_RUNTIME_DIR", "/run/user/7")]).expect("found");
        assert_eq!(&*found.config, Path::new("/home/ada/.config/fieldlink"));
        assert_eq!(&*found.state, Path::new("/home/ada/.local/state/fieldlink"));
        assert_eq!(&*found.runtime, Path::new("/run/user/7/fieldlink"));

        let found = find(&[
            ("FIELDLINK_CONFIG_DIR", "/c"),
            ("XDG_STATE_HOME", "/s"),
            ("FIELDLINK_RUNTIME_DIR", "/r"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
        ]);
        let found = found.expect("found");
        assert_eq!(
            (&*found.config, &*found.state, &*found.runtime),
            (Path::new("/c"), Path::new("/s/fieldlink"), Path::new("/r"))
        );
    }

    #[test]
    fn a_directory_that_cannot_be_meant_is_refused() {
        let relative = find(&[("HOME", "/h"), ("FIELDLINK_RUNTIME_DIR", "run")]).expect_err("relative");
        assert_eq!(relative.kind, Kind::Usage);
        assert!(relative.message.contains("FIELDLINK_RUNTIME_DIR"));
        assert!(find(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "relative")]).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn without_a_home_the_list_of_users_has_it() {
        let found = find(&[("HOME", "relative")]).expect("found");
        assert!(found.config.is_absolute() && found.config.ends_with(".config/fieldlink"));
    }

    #[test]
    fn every_complaint_names_the_variable_and_the_way_out() {
        let base = tempfile::tempdir().expect("a directory");
        let missing = base.path().join("missing").display().to_string();
        let places = find(&[("HOME", &missing), ("XDG_RUNTIME_DIR", &missing)]).expect("found");
        for (place, names) in [
            (&places.runtime, ["XDG_RUNTIME_DIR", "FIELDLINK_RUNTIME_DIR"]),
            (&places.config, ["HOME", "FIELDLINK_CONFIG_DIR"]),
            (&places.state, ["HOME", "FIELDLINK_STATE_DIR"]),
        ] {
            let complaint = place.create().expect_err("its base is missing").to_string();
            assert!(names.iter().all(|name| complaint.contains(name)), "{complaint}");
            assert!(complaint.contains("does not exist"), "{complaint}");
        }
        assert_eq!(std::fs::read_dir(base.path()).expect("listed").count(), 0, "nothing was made");
    }

    #[test]
    fn what_a_variable_of_our_own_names_is_made() {
        let base = tempfile::tempdir().expect("a directory");
        let wanted = base.path().join("a/b");
        let places = find(&[("FIELDLINK_RUNTIME_DIR", &wanted.display().to_string())]).expect("found");
        places.runtime.create_private().expect("made");
        assert!(wanted.is_dir());
    }
}
