//! Files and directories that no other user may look into.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use crate::words::say;

/// Where sessions are kept if the environment names no runtime directory.
pub(crate) fn fallback_runtime_directory() -> PathBuf {
    PathBuf::from(format!("/tmp/fieldlink-{}", geteuid()))
}

/// The runtime directory that a login has made for this user, whether or not the environment names it.
pub(crate) fn login_runtime_directory() -> Option<PathBuf> {
    let path = PathBuf::from(format!("/run/user/{}", geteuid()));
    check_private_directory(&path).is_ok().then_some(path)
}

/// This user's home, as the list of users has it.
pub(crate) fn home_directory() -> Option<PathBuf> {
    User::from_uid(geteuid()).ok()?.map(|user| user.dir).filter(|home| home.is_absolute())
}

/// Refuses what is another user's, so that nothing is made there. What is root's may be for every user:
/// there the permissions decide.
pub(crate) fn check_own(path: &Path) -> io::Result<()> {
    let owner = fs::metadata(path)?.uid();
    let (ours, root) = (geteuid().as_raw(), 0);
    if owner == ours || owner == root { Ok(()) } else { Err(foreign(&path.display().to_string(), owner)) }
}

fn foreign(what: &str, owner: u32) -> io::Error {
    let (owner, ours) = (owner.to_string(), geteuid().to_string());
    io::Error::other(say!("belongs-to-another", what = what, owner = owner, ours = ours))
}

/// Creates `path`, and what is missing above it, for this user alone. An existing one is left as it
/// is: see [`check_private_directory`].
pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Checks that `path` is a real directory that belongs to this user and that no other user can enter.
pub(crate) fn check_private_directory(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(io::Error::other(say!("directory-is-link")));
    }
    if !metadata.is_dir() {
        return Err(io::Error::other(say!("not-a-directory")));
    }
    check_private(&metadata, || path.display().to_string(), 0o700)
}

/// Checks that an open file belongs to this user and that no other user can read it.
pub(crate) fn check_private_file(file: &File) -> io::Result<()> {
    check_private(&file.metadata()?, || say!("file-meant"), 0o600)
}

fn check_private(metadata: &Metadata, what: impl FnOnce() -> String, wanted: u32) -> io::Result<()> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(foreign(&what(), metadata.uid()));
    }
    match metadata.mode() & 0o7777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => {
            let (mode, wanted) = (format!("{mode:04o}"), format!("{wanted:o}"));
            Err(io::Error::other(say!("others-can-get-at-it", mode = mode, wanted = wanted)))
        }
    }
}

/// Options that create a file for this user alone and follow no symbolic link.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
    options
}

/// Gives `file` the owner and the mode of the file that `other` describes.
pub(crate) fn give_same_owner(file: &File, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        fchown(file, Some(other.uid()), Some(other.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(other.mode() & 0o7777))
}

/// Makes a renamed or created entry of `path` survive a crash.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_private_from_open() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("a/b");
        create_private_directory(&path).expect("created");
        assert!(check_private_directory(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).expect("chmod");
        let problem = check_private_directory(&path).expect_err("open to a group").to_string();
        assert!(problem.contains("0750") && problem.contains("chmod 700"), "{problem}");

        let link = base.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(check_private_directory(&link).is_err());
        assert!(private_file().create(true).write(true).open(&link).is_err());
    }
}
