//! The home directory of Fieldlink's own support account: empty at the beginning of every session, so that
//! what one engineer left (a `.profile`, say) does not meet the next.
//!
//! Only that account's, in that place: nobody else's home is ever touched.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use super::environment::Account;

/// The account that Fieldlink's package makes.
pub(super) const OWN_ACCOUNT: &str = "fieldlink-support";
/// Its home.
pub(super) const OWN_HOME: &str = "/var/lib/fieldlink-support";

/// What is on its way out has this name, and a number.
const LEFTOVER: &str = ".fieldlink-leftover-";

/// Empties the home of Fieldlink's own account; nothing for any other. If it cannot be emptied (the file
/// system is read-only, say), the session does without a home.
pub(super) fn prepare(account: &mut Account) {
    if !account.is_fieldlinks_own() {
        return;
    }
    if let Err(error) = empty(account.home()) {
        eprintln!(
            "fieldlink-session: could not empty {}: {error}: this session has no home directory",
            account.home().display()
        );
        account.do_without_home();
    }
}

/// Nothing has its old name any more when this returns; deleting goes on in a thread, because there may be
/// much of it.
fn empty(home: &Path) -> io::Result<()> {
    let mut leftovers = Vec::new();
    for (name, number) in names(home)?.into_iter().zip(0..) {
        leftovers.push(if is_leftover(&name) { name } else { set_aside(home, &name, number)? });
    }
    if !leftovers.is_empty() {
        let home = home.to_owned();
        // Without a thread it is deleted next time.
        let _ = thread::Builder::new().spawn(move || {
            for name in leftovers {
                delete(&home.join(name));
            }
        });
    }
    Ok(())
}

fn names(home: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(home)?.map(|entry| Ok(entry?.file_name())).collect()
}

fn is_leftover(name: &OsString) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(LEFTOVER))
}

/// Renames an entry, within the directory: that needs no right to the entry itself.
fn set_aside(home: &Path, name: &OsString, number: u32) -> io::Result<OsString> {
    for attempt in 0u32.. {
        let aside = OsString::from(format!("{LEFTOVER}{number}-{attempt}"));
        if fs::symlink_metadata(home.join(&aside)).is_ok() {
            continue;
        }
        fs::rename(home.join(name), home.join(&aside))?;
        return Ok(aside);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Deletes what it can. What belongs to somebody else stays, under a name that nothing reads.
fn delete(path: &Path) {
    let is_directory = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let _ = if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_keeps_its_name() {
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("kept"), "x").expect("writable");
        let home = tempfile::tempdir().expect("a directory");
        let here = |name: &str| home.path().join(name);
        fs::write(here(".profile"), "evil").expect("writable");
        fs::create_dir_all(here("a/b/c")).expect("writable");
        fs::write(here("a/b/c/d"), "x").expect("writable");
        std::os::unix::fs::symlink(outside.path(), here("link")).expect("writable");
        // What an earlier start did not get to the end of.
        fs::write(here(".fieldlink-leftover-0-0"), "x").expect("writable");
        empty(home.path()).expect("emptied");
        let left = names(home.path()).expect("readable");
        assert!(left.iter().all(is_leftover), "{left:?}");
        for _ in 0..1_000 {
            if names(home.path()).expect("readable").is_empty() {
                break;
            }
            thread::yield_now();
            thread::park_timeout(std::time::Duration::from_millis(5));
        }
        assert!(names(home.path()).expect("readable").is_empty());
        assert!(outside.path().join("kept").exists(), "a link is not followed");
    }
}
