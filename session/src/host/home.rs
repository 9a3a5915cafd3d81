//! The home directory of Fieldlink's own support account: new at the beginning of every session, so that
//! what one engineer left (a `.profile`, say) does not meet the next.
//!
//! The home lies in a directory that the account owns. The old one is renamed there, whole, whatever is in
//! it; a new one is made; what is left over is deleted while the session goes on. Only that account's, in
//! that place: the home of another account is never touched.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::io::Errno;

use super::environment::Account;
use super::mounts;

/// Permissions for the owner alone.
const PRIVATE: u32 = 0o700;

/// Gives Fieldlink's own account a new home; nothing for any other. If that cannot be (the file system is
/// read-only, say), the session does without one.
pub(super) fn prepare(account: &mut Account) {
    if !account.is_fieldlinks_own() {
        return;
    }
    if let Err(error) = renew(account.home()) {
        eprintln!(
            "fieldlink-session: could not empty {}: {error}: this session has no home directory",
            account.home().display()
        );
        account.do_without_home();
    }
}

/// Nothing of the old home has its old name any more when this returns.
fn renew(home: &Path) -> io::Result<()> {
    let (Some(place), Some(name)) = (home.parent(), home.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make_ordinary(place)?;
    let renewed = if is_empty(home) { Ok(()) } else { replace(home, place) };
    let (place, name) = (place.to_owned(), name.to_owned());
    // Without a thread it is deleted next time.
    let _ = thread::Builder::new().spawn(move || clear(&place, &name));
    renewed
}

/// Whether it is empty, and so need not be replaced: a full disk may not permit that.
fn is_empty(home: &Path) -> bool {
    let is_directory = fs::symlink_metadata(home).is_ok_and(|found| found.is_dir());
    is_directory
        && make_ordinary(home).is_ok()
        && fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_none())
}

fn replace(home: &Path, place: &Path) -> io::Result<()> {
    match fs::rename(home, leftover(place)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // A file system is mounted there.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            mounts::detach_own();
            fs::rename(home, leftover(place))?;
        }
        renamed => renamed?,
    }
    DirBuilder::new().mode(PRIVATE).create(home)?;
    make_ordinary(home)
}

/// A name that nothing has and nothing reads.
fn leftover(place: &Path) -> PathBuf {
    place.join(format!(".leftover-{:032x}", rand::random::<u128>()))
}

/// Opens it to its owner, whatever its permissions are. False if that fails.
fn make_accessible(directory: &Path) -> bool {
    fs::set_permissions(directory, Permissions::from_mode(PRIVATE)).is_ok()
}

/// As if it had just been made: its owner's alone, and what is made in it as its maker wants it (`acl(5)`:
/// what a default list says is inherited).
fn make_ordinary(directory: &Path) -> io::Result<()> {
    for list in ["system.posix_acl_default", "system.posix_acl_access"] {
        match rustix::fs::removexattr(directory, list) {
            // There is none, or there are none on this file system.
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    fs::set_permissions(directory, Permissions::from_mode(PRIVATE))
}

/// Deletes everything in `place` but `keep`. What belongs to another account stays, under a name that nothing
/// reads. However much there is and however deep it lies, this takes little memory and few descriptors.
fn clear(place: &Path, keep: &OsStr) {
    while sweep(place, keep).unwrap_or(false) {}
}

/// Goes over it once, and returns whether that has changed anything.
fn sweep(place: &Path, keep: &OsStr) -> io::Result<bool> {
    let mut has_changed = false;
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_name() != keep {
            let path = entry.path();
            has_changed |= if entry.file_type()?.is_dir() {
                dismantle(&path, place)
            } else {
                fs::remove_file(&path).is_ok()
            };
        }
    }
    Ok(has_changed)
}

/// Deletes a directory's files, and the directory. Directories with something in them are moved up to
/// `place` first, where they have their turn later.
fn dismantle(directory: &Path, place: &Path) -> bool {
    make_accessible(directory);
    let mut has_changed = false;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        has_changed |= match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir(&path).is_ok() || move_up(&path, place),
            _ => fs::remove_file(&path).is_ok(),
        };
    }
    fs::remove_dir(directory).is_ok() || has_changed
}

/// A directory that is moved has its `..` rewritten, which its permissions must allow.
fn move_up(directory: &Path, place: &Path) -> bool {
    make_accessible(directory);
    fs::rename(directory, leftover(place)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("readable");
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
    }

    fn forbid(directory: &Path, mode: u32) {
        fs::set_permissions(directory, Permissions::from_mode(mode)).expect("own");
    }

    fn wait_until_cleared(place: &Path) {
        for _ in 0..2_000 {
            if names(place) == ["home"] {
                return;
            }
            thread::park_timeout(std::time::Duration::from_millis(5));
        }
        panic!("left: {:?}", names(place));
    }

    #[test]
    fn the_next_home_is_another_one() {
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("kept"), "x").expect("writable");
        let place = tempfile::tempdir().expect("a directory");
        let home = place.path().join("home");
        renew(&home).expect("a first home");
        fs::write(home.join(".profile"), "evil").expect("writable");
        fs::create_dir_all(home.join("a/b/c")).expect("writable");
        fs::write(home.join("a/b/c/d"), "x").expect("writable");
        symlink(outside.path(), home.join("link")).expect("writable");
        fs::write(place.path().join(".leftover-of-an-earlier-start"), "x").expect("writable");
        renew(&home).expect("a second home");
        assert_eq!(names(&home), [""; 0]);
        wait_until_cleared(place.path());
        assert!(outside.path().join("kept").exists(), "a link is not followed");
        assert_eq!(fs::metadata(&home).expect("there").permissions().mode() & 0o777, PRIVATE);
    }

    #[test]
    fn directories_without_permissions_and_deep_ones_are_deleted_too() {
        let place = tempfile::tempdir().expect("a directory");
        let home = place.path().join("home");
        fs::create_dir_all(home.join("closed/inner/innermost")).expect("writable");
        fs::write(home.join("closed/inner/innermost/data"), "x").expect("writable");
        for (directory, mode) in [("closed/inner", 0), ("closed", 0o500), (".", 0o500)] {
            forbid(&home.join(directory), mode);
        }
        // Longer than a path may be.
        let mut deep = place.path().join("deep");
        fs::create_dir(&deep).expect("writable");
        for _ in 0..5_000 {
            fs::create_dir(place.path().join("outer")).expect("writable");
            fs::rename(&deep, place.path().join("outer/inner")).expect("own");
            deep = place.path().join("deep");
            fs::rename(place.path().join("outer"), &deep).expect("own");
        }
        forbid(place.path(), 0o500);
        renew(&home).expect("a new home");
        assert_eq!(names(&home), [""; 0]);
        wait_until_cleared(place.path());
    }

    /// A list that permits other accounts everything and the owner nothing: version 2, then tag, permissions and ID
    /// of each entry (`linux/posix_acl_xattr.h`).
    fn make_odd(directory: &Path) {
        let entry = |tag: u16, permissions: u16| {
            [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &u32::MAX.to_le_bytes()].concat()
        };
        let list = [&2_u32.to_le_bytes()[..], &entry(1, 0), &entry(4, 0), &entry(32, 7)].concat();
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(directory, "system.posix_acl_default", &list, flags).expect("own");
    }

    #[test]
    fn what_is_made_in_it_is_the_next_engineers() {
        let place = tempfile::tempdir().expect("a directory");
        let home = place.path().join("home");
        renew(&home).expect("a first home");
        for is_left_empty in [true, false] {
            make_odd(place.path());
            make_odd(&home);
            if !is_left_empty {
                fs::write(home.join("x"), "x").expect("writable");
            }
            renew(&home).expect("another home");
            fs::write(home.join("new"), "x").expect("writable");
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&home), mode(&home.join("new")) & 0o607), (PRIVATE, 0o604), "{is_left_empty}");
            fs::remove_file(home.join("new")).expect("own");
        }
    }

    #[test]
    fn whatever_stands_in_its_place_makes_way() {
        let place = tempfile::tempdir().expect("a directory");
        let home = place.path().join("home");
        symlink("/etc", &home).expect("writable");
        renew(&home).expect("instead of a link");
        fs::remove_dir(&home).expect("empty");
        fs::write(&home, "x").expect("writable");
        renew(&home).expect("instead of a file");
        assert!(fs::symlink_metadata(&home).expect("there").is_dir());
        // Empty, but closed: the same one is opened.
        forbid(&home, 0);
        renew(&home).expect("as it is");
        assert_eq!(fs::metadata(&home).expect("there").permissions().mode() & 0o777, PRIVATE);
        wait_until_cleared(place.path());
    }
}
