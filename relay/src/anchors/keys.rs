//! The two keys in the state directory: the one that signs, and the one that will. Those who check anchors are given both,
//! so that a rotation surprises nobody.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use fieldlink_identity::{SigningKey, SigningKeyError};
use fieldlink_protocol::secret::random_bytes;
use zeroize::Zeroizing;

/// No key is nearly as long, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file, or its directory.
    #[error("could not use the anchor keys: {0}")]
    File(#[from] io::Error),
    /// Others can use it.
    #[error("could not use the anchor key {0}: other accounts can read it; run: chmod 600")]
    Open(&'static str),
    /// What stands in the file.
    #[error("could not use the anchor key {0}: {1}")]
    Key(&'static str, SigningKeyError),
}

/// Both keys.
#[derive(Debug)]
pub struct AnchorKeys {
    /// Signs.
    pub current: SigningKey,
    /// Will sign after the next rotation.
    pub next: SigningKey,
}

impl AnchorKeys {
    /// The file of the one that signs.
    pub const CURRENT: &str = "anchor-key";
    /// The file of the one that will.
    pub const NEXT: &str = "anchor-key.next";

    /// Reads both in `directory`; draws those that are missing.
    pub fn open(directory: &Path) -> Result<Self, KeyFileError> {
        let _lock = lock(directory)?;
        Ok(Self { current: current(directory)?, next: next(directory)? })
    }

    /// The one that signs; drawn if it is missing.
    pub fn open_current(directory: &Path) -> Result<SigningKey, KeyFileError> {
        if let Some(key) = read(directory, Self::CURRENT)? {
            return Ok(key);
        }
        let _lock = lock(directory)?;
        current(directory)
    }

    /// Has the next one sign from now on, and draws another next one. What has signed so far is deleted.
    pub fn rotate(directory: &Path) -> Result<Self, KeyFileError> {
        let _lock = lock(directory)?;
        next(directory)?;
        fs::rename(directory.join(Self::NEXT), directory.join(Self::CURRENT))?;
        sync(directory)?;
        Ok(Self { current: current(directory)?, next: next(directory)? })
    }

    /// The public halves, as lines of `.pub` files: the one that signs, then the next one.
    pub fn public_lines(&self, node: &str) -> Result<[String; 2], KeyFileError> {
        Ok([
            public_line(&self.current, Self::CURRENT, &format!("fieldlink-relay {node}, signs anchors"))?,
            public_line(&self.next, Self::NEXT, &format!("fieldlink-relay {node}, will sign anchors next"))?,
        ])
    }
}

/// Where the first was lost, the next one, which others know already, takes its place.
fn current(directory: &Path) -> Result<SigningKey, KeyFileError> {
    if let Some(key) = read(directory, AnchorKeys::CURRENT)? {
        return Ok(key);
    }
    if read(directory, AnchorKeys::NEXT)?.is_none() {
        return draw(directory, AnchorKeys::CURRENT);
    }
    fs::rename(directory.join(AnchorKeys::NEXT), directory.join(AnchorKeys::CURRENT))?;
    sync(directory)?;
    let key = read(directory, AnchorKeys::CURRENT)?;
    key.ok_or_else(|| io::Error::from(ErrorKind::NotFound).into())
}

fn next(directory: &Path) -> Result<SigningKey, KeyFileError> {
    read(directory, AnchorKeys::NEXT)?.map_or_else(|| draw(directory, AnchorKeys::NEXT), Ok)
}

/// One process at a time makes or moves keys.
fn lock(directory: &Path) -> io::Result<File> {
    let directory = File::open(directory)?;
    directory.lock()?;
    Ok(directory)
}

fn read(directory: &Path, name: &'static str) -> Result<Option<SigningKey>, KeyFileError> {
    let file = match File::open(directory.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(KeyFileError::Open(name));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text)?;
    SigningKey::read(&text).map(Some).map_err(|error| KeyFileError::Key(name, error))
}

/// A new key, whole in its file or not at all, also when the computer fails.
fn draw(directory: &Path, name: &'static str) -> Result<SigningKey, KeyFileError> {
    let unfit = |error| KeyFileError::Key(name, error);
    let key = SigningKey::generate("fieldlink-relay").map_err(unfit)?;
    let text = key.to_openssh().map_err(unfit)?;
    let begun = directory.join(format!(".{name}.{:016x}", u64::from_ne_bytes(random_bytes())));
    let written = write(&begun, text.as_bytes()).and_then(|()| fs::rename(&begun, directory.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&begun);
    }
    written?;
    sync(directory)?;
    Ok(key)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Kind and key, and as a comment what it is to those who are given it.
fn public_line(key: &SigningKey, name: &'static str, comment: &str) -> Result<String, KeyFileError> {
    let line = key.public_line().map_err(|error| KeyFileError::Key(name, error))?;
    let key: Vec<&str> = line.split(' ').take(2).collect();
    Ok(format!("{} {comment}", key.join(" ")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn lines(keys: &AnchorKeys) -> [String; 2] {
        keys.public_lines("main")
            .expect("lines")
            .map(|line| line.split(", ").next().expect("a part").to_owned())
    }

    #[test]
    fn they_are_made_once_and_the_next_one_takes_over() {
        let root = tempfile::tempdir().expect("a directory");
        let first = lines(&AnchorKeys::open(root.path()).expect("made"));
        assert_eq!(lines(&AnchorKeys::open(root.path()).expect("kept")), first);
        let rotated = lines(&AnchorKeys::rotate(root.path()).expect("rotated"));
        assert_eq!(rotated[0], first[1]);
        assert!(!first.contains(&rotated[1]));
        assert_eq!(lines(&AnchorKeys::open(root.path()).expect("kept")), rotated);
        let mut names: Vec<_> = fs::read_dir(root.path())
            .expect("listed")
            .map(|entry| entry.expect("an entry"))
            .inspect(|entry| {
                let mode = entry.metadata().expect("there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            })
            .map(|entry| entry.file_name().into_string().expect("text"))
            .collect();
        names.sort();
        assert_eq!(names, [AnchorKeys::CURRENT, AnchorKeys::NEXT], "nothing else is left");
    }

    #[test]
    fn where_the_first_is_lost_the_one_that_others_know_signs() {
        let root = tempfile::tempdir().expect("a directory");
        let first = lines(&AnchorKeys::open(root.path()).expect("made"));
        fs::remove_file(root.path().join(AnchorKeys::CURRENT)).expect("removed");
        let again = lines(&AnchorKeys::open(root.path()).expect("mended"));
        assert_eq!(again[0], first[1]);
    }

    #[test]
    fn what_others_can_read_and_what_is_no_key_is_not_used() {
        let root = tempfile::tempdir().expect("a directory");
        AnchorKeys::open(root.path()).expect("made");
        let path = root.path().join(AnchorKeys::CURRENT);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        assert!(matches!(AnchorKeys::open_current(root.path()), Err(KeyFileError::Open("anchor-key"))));
        fs::remove_file(&path).expect("removed");
        write(&path, b"no key").expect("written");
        let error = AnchorKeys::open(root.path()).expect_err("no key").to_string();
        assert!(error.contains("anchor-key") && error.contains("OpenSSH"), "{error}");
    }
}
