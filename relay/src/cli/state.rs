//! The operator's commands on the store of a relay that runs as a service.
//!
//! The service has an account of its own (`DynamicUser=`), and its state directory lies behind one that only
//! root may enter. A command that root gives must not leave files there that the service cannot open, so
//! it becomes the directory's owner first, and sees nothing but that directory (`chroot(2)`).

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, anyhow};
use nix::unistd::{Gid, Uid, chdir, chroot, geteuid, setgid, setgroups, setuid};

use crate::config::Config;
use crate::store::{Database, StoreError};

/// Opens the store that `config` names, as its owner; makes it if there is none.
pub(super) fn open(config: &Config) -> anyhow::Result<Database> {
    in_directory(config, |directory, shown| Ok(Database::open_shown_as(directory, shown)?))
}

/// Whether this version can use that store, if there is one already.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    in_directory(config, |directory, shown| Ok(Database::check(directory, shown)?))
}

/// Does something in the state directory, as its owner: with the directory as this process sees it then, and as errors are
/// to name it.
pub(super) fn in_directory<T>(
    config: &Config,
    act: impl FnOnce(&Path, &Path) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let directory = &config.state_directory;
    let owner = std::fs::metadata(directory).map(|found| (found.uid(), found.gid()));
    match owner {
        Ok((user, group)) if geteuid().is_root() && user != 0 => {
            become_owner(directory, Uid::from_raw(user), Gid::from_raw(group))
                .with_context(|| format!("could not become the owner of {}", directory.display()))?;
            act(Path::new("/"), directory)
        }
        Ok((user, _)) if !geteuid().is_root() && user != geteuid().as_raw() => Err(only_root(directory)),
        // The service manager keeps it below a directory that only root may enter.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(only_root(directory)),
        _ => act(directory, directory),
    }
}

/// The same, for a command that makes no sense without a store.
pub(super) fn open_existing(config: &Config) -> anyhow::Result<Database> {
    let file = config.state_directory.join(Database::FILE);
    match std::fs::metadata(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::Missing(file).into()),
        _ => open(config),
    }
}

fn only_root(directory: &Path) -> anyhow::Error {
    anyhow!("could not open the store in {}: it is another account's; run this as root", directory.display())
}

fn become_owner(directory: &Path, user: Uid, group: Gid) -> nix::Result<()> {
    chroot(directory)?;
    chdir("/")?;
    setgroups(&[])?;
    setgid(group)?;
    setuid(user)
}
