//! Small files that no other user may read, replaced whole or not at all.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::secret::random_bytes;

use crate::platform;
use crate::words::say;

/// How often a lock is tried, and how long after one another.
const TRIES: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Largest file that is read, in bytes.
const LIMIT: u64 = 256 * 1024;

/// Puts `content` at `path` (0600) so that readers see the old file or the new one, complete.
pub(crate) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    swap(path, content, false).with_context(|| say!("could-not-write", path = path.display()))
}

/// As [`replace`], and when it returns, the new file survives a crash of the computer.
pub(crate) fn replace_durably(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    swap(path, content, true).with_context(|| say!("could-not-write", path = path.display()))
}

/// Finds out whether [`replace`] would work at `path`, and leaves what is there as it is.
pub(crate) fn rehearse(path: &Path) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".rehearsal");
    let beside = path.with_file_name(name);
    let tried = swap(&beside, &[b'.'; 4096], false).and_then(|()| fs::remove_file(&beside));
    tried.with_context(|| say!("could-not-write", path = path.display()))
}

fn swap(path: &Path, content: &[u8], durably: bool) -> std::io::Result<()> {
    let directory = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}", u64::from_ne_bytes(random_bytes())));
    let temporary = directory.join(name);
    let written = write_new(&temporary, content, durably).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    if durably { platform::sync_directory(directory) } else { Ok(()) }
}

fn write_new(path: &Path, content: &[u8], durably: bool) -> std::io::Result<()> {
    let mut file = platform::private_file().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    if durably { file.sync_all() } else { Ok(()) }
}

/// The text of the file at `path`, or `None` if there is none.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| say!("could-not-open", path = path.display())),
    };
    read_open(&file).with_context(|| say!("could-not-read", path = path.display())).map(Some)
}

/// As [`read`], for a secret: refuses a file that others can read.
pub(crate) fn read_secret(path: &Path) -> anyhow::Result<Option<String>> {
    if let Ok(file) = File::open(path) {
        platform::check_private_file(&file).with_context(|| say!("could-not-use", path = path.display()))?;
    }
    read(path)
}

fn read_open(file: &File) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(std::io::Error::other(say!("file-too-large")));
    }
    Ok(text)
}

/// Opens (and creates) the lock file at `path` and waits for the lock, which lasts as long as the file
/// is open.
pub(crate) fn lock(path: &Path) -> anyhow::Result<File> {
    let locked = || {
        let file = platform::private_file().read(true).write(true).create(true).open(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    };
    locked().with_context(|| say!("could-not-lock", path = path.display()))
}

/// Tries for a lock that may be held for a moment longer than by whoever had it: a program that is being started has what
/// its parent had open until it runs.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..TRIES {
        if let Some(locked) = attempt() {
            return Some(locked);
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_else() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("file");
        assert_eq!(read(&path).expect("nothing there"), None);
        for content in ["one", "two"] {
            replace(&path, content.as_bytes()).expect("written");
            assert_eq!(read_secret(&path).expect("private").as_deref(), Some(content));
        }
        assert_eq!(fs::read_dir(base.path()).expect("listed").count(), 1);
        let problem = replace(Path::new("/nowhere/at/all"), b"x").expect_err("no directory");
        assert!(format!("{problem:#}").starts_with("could not write /nowhere/at/all: "));
    }

    #[test]
    fn refuses_what_is_too_large() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("file");
        replace(&path, &vec![b' '; LIMIT as usize + 1]).expect("written");
        assert!(read(&path).is_err());
    }
}
