//! `ssh-config`: how to use plain ssh with a scanner, and whether it does as it should, as things are.

use std::path::{Path, PathBuf};

use crate::args::SshConfigArguments;
use crate::directories::Directories;
use crate::exit::Failure;
use crate::printing::{print, print_answer};
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_config::check::{self, Standing};
use crate::ssh_config::closed::Closed;
use crate::ssh_config::include::{self, Change, Place};
use crate::ssh_config::{aliases, dialect, include_line};
use crate::words::say;
use crate::{own_program, platform, private_file};

/// What the engineer's own configuration has to do with us.
struct Ours {
    runtime: RuntimeDirectory,
    /// The file that the line includes. It stays when the runtime directory is emptied.
    file: PathBuf,
    line: String,
    user_config: PathBuf,
}

impl Ours {
    fn find(directories: &Directories) -> Result<Self, Failure> {
        let runtime = RuntimeDirectory::open(&directories.runtime)?;
        directories.config.create()?;
        let file = directories.config.join(aliases::FILE);
        let line = include_line(&file).map_err(anyhow::Error::from)?;
        Ok(Self { runtime, file, line, user_config: include::user_config()? })
    }

    /// The files that lines of ours include; an earlier version named that of the open sessions.
    fn files(&self) -> [PathBuf; 2] {
        [self.file.clone(), self.sessions()]
    }

    fn sessions(&self) -> PathBuf {
        self.runtime.path().join(aliases::FILE)
    }

    /// Writes the file that the line includes. It stays for good, and every ssh of this engineer's reads it, so
    /// it has only what every ssh knows; with `unsupported`, what the local one does not, all that a session's
    /// block has.
    fn write(&self, unsupported: Option<&[String]>) -> anyhow::Result<()> {
        let program = own_program::path()?;
        let runtime = self.runtime.path().to_owned();
        let closed = Closed { runtime, program, tickets: Vec::new() };
        let (include, block) = (include_line(&self.sessions())?, closed.block(unsupported)?);
        let text = format!(
            "# Written by fieldlink-connect ssh-config: the open sessions, and what is said without one.\n{include}\n{block}"
        );
        private_file::replace(&self.file, text.as_bytes())
    }

    /// What ssh makes of `name`. Without a session there is for a moment what a session's block has, so that it
    /// is seen whether something is in its way.
    async fn check(&self, name: &str, is_open: bool) -> anyhow::Result<Standing> {
        if is_open {
            return check::check(&self.file, name).await;
        }
        self.write(Some(&dialect::unsupported().await?))?;
        let standing = check::check(&self.file, name).await;
        self.write(None)?;
        standing
    }
}

pub(super) async fn run(arguments: &SshConfigArguments) -> Result<u8, Failure> {
    let ours = Ours::find(&Directories::from_environment()?)?;
    if arguments.uninstall {
        return uninstall(&ours);
    }
    ours.write(None)?;
    if arguments.install {
        refuse_a_place_of_everyones(&ours)?;
        let change = include::install(&ours.user_config, &ours.files(), &ours.line)?;
        print_answer(&told(change, &ours.user_config));
    } else {
        print_answer(&say!("include-line", file = ours.user_config.display(), line = &ours.line));
    }
    judge(&ours).await
}

/// ssh refuses a configuration that includes another user's file, and in /tmp every user can put one.
fn refuse_a_place_of_everyones(ours: &Ours) -> Result<(), Failure> {
    if ours.runtime.path() != platform::fallback_runtime_directory() {
        return Ok(());
    }
    Err(Failure::usage(say!("include-line-refused", path = ours.runtime.path().display())))
}

fn uninstall(ours: &Ours) -> Result<u8, Failure> {
    let change = include::uninstall(&ours.user_config, &ours.files())?;
    // Without the line nothing reads it.
    let _ = std::fs::remove_file(&ours.file);
    print_answer(&told(change, &ours.user_config));
    Ok(0)
}

fn told(change: Change, file: &Path) -> String {
    let file = file.display();
    match change {
        Change::None => say!("include-line-unchanged", file = file),
        Change::Added => say!("include-line-added", file = file),
        Change::Moved => say!("include-line-moved", file = file),
        Change::Removed => say!("include-line-removed", file = file),
    }
}

async fn judge(ours: &Ours) -> Result<u8, Failure> {
    let sessions = ours.runtime.sessions()?;
    let mut names: Vec<_> = sessions.iter().flat_map(|&id| aliases::names(ours.runtime.path(), id)).collect();
    if names.is_empty() {
        names.push("scanner".into());
    }
    for name in &names {
        let problem = match ours.check(name, !sessions.is_empty()).await? {
            Standing::Confirmed => continue,
            Standing::NotIncluded => missing(ours)?,
            Standing::Weakened(differences) => check::advice(&differences),
        };
        print(&say!("checked", problem = problem));
        return Ok(1);
    }
    if sessions.is_empty() {
        print(&say!("checked-without-session"));
    } else {
        let commands: Vec<_> = names.iter().map(|name| format!("ssh {name}")).collect();
        print(&say!("checked-and-safe", commands = commands.join(", ")));
    }
    Ok(0)
}

/// Why the line has no effect.
fn missing(ours: &Ours) -> anyhow::Result<String> {
    let file = ours.user_config.display();
    Ok(match include::place(&ours.user_config, &ours.files())? {
        Place::Missing => say!("include-line-missing", file = file),
        Place::Behind(number) => say!("include-line-behind", number = number.to_string(), file = file),
        Place::First => say!("include-line-not-read", file = file),
    })
}
