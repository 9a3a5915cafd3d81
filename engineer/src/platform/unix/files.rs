//! Files and directories that nobody else may look into.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid, getuid};

/// Where sessions are kept if the environment names no runtime directory.
pub fn fallback_runtime_directory() -> PathBuf {
    PathBuf::from(format!("/tmp/fieldlink-{}", geteuid()))
}

/// Creates `path`, and what is missing above it, for this user alone. An existing one is left as it
/// is: see [`check_private_directory`].
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Checks that `path` is a real directory that belongs to this user and that nobody else can enter.
pub fn check_private_directory(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is not a directory: remove it"));
    }
    check_private(&metadata, 0o700)
}

/// Checks that an open file belongs to this user and that nobody else can read it.
pub fn check_private_file(file: &File) -> io::Result<()> {
    check_private(&file.metadata()?, 0o600)
}

fn check_private(metadata: &Metadata, wanted: u32) -> io::Result<()> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    match metadata.mode() & 0o7777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(io::Error::other(format!(
            "others can get at it (its mode is {mode:04o}): make it private with chmod {wanted:o}"
        ))),
    }
}

/// Options that create a file for this user alone and follow no symbolic link.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
    options
}

/// This user's home directory, as the system knows it.
pub fn home_directory() -> io::Result<PathBuf> {
    let user = User::from_uid(getuid())?;
    Ok(user.ok_or_else(|| io::Error::other("the system does not know this user"))?.dir)
}

/// Gives `file` the owner and the mode of the file that `other` describes.
pub fn give_same_owner(file: &File, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        fchown(file, Some(other.uid()), Some(other.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(other.mode() & 0o7777))
}

/// Makes a renamed or created entry of `path` survive a crash.
pub fn sync_directory(path: &Path) -> io::Result<()> {
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
