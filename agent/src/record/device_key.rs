//! The key with which this device signs its records: made when the agent starts first, and bound to the machine, so that
//! a copy of the disk in another machine makes its own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fieldlink_evidence::Digest;
use fieldlink_identity::{SigningKey, SigningKeyError};

/// The private key, in OpenSSH's form.
const KEY: &str = "device-key";
/// The machine that it was made on.
const MACHINE: &str = "device-key.machine";

/// Reads the key in `directory`, or makes one. `machine` is the machine's ID, `name` what is printed behind the key.
pub(super) fn open(directory: &Path, machine: &str, name: &str) -> io::Result<SigningKey> {
    // machine-id(5): the ID itself is not to be written anywhere.
    let machine = Digest::of(format!("fieldlink device key\n{machine}").as_bytes()).to_string();
    let bound = read(&directory.join(MACHINE))?;
    let key = read(&directory.join(KEY))?;
    match (key, bound) {
        (Some(key), Some(bound)) if bound.trim() == machine => SigningKey::read(&key).map_err(unusable),
        (None, _) | (_, None) => make(directory, &machine, name),
        (Some(_), Some(_)) => {
            tracing::warn!("the device's key was made on another machine: this one makes its own");
            make(directory, &machine, name)
        }
    }
}

fn make(directory: &Path, machine: &str, name: &str) -> io::Result<SigningKey> {
    let key = SigningKey::generate(name).map_err(unusable)?;
    // Without the second file the first one counts for nothing.
    let _ = fs::remove_file(directory.join(MACHINE));
    write_private(&directory.join(KEY), key.to_openssh().map_err(unusable)?.as_bytes())?;
    write_private(&directory.join(MACHINE), format!("{machine}\n").as_bytes())?;
    tracing::info!(?key, "made a key for this device");
    Ok(key)
}

fn unusable(error: SigningKeyError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("could not use the device's key: {error}"))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file for our eyes only: whole, or not at all, and on the disk when this returns.
pub(super) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_copy_of_the_disk_makes_its_own_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let key = |machine: &str| {
            let key = open(directory.path(), machine, "scanner").expect("a key");
            key.public_line().expect("a line")
        };
        let first = key("one");
        assert_eq!(key("one"), first);
        let mode = |name: &str| {
            let metadata = fs::metadata(directory.path().join(name)).expect("it is there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!((mode(KEY), mode(MACHINE)), (0o600, 0o600));
        let text = fs::read_to_string(directory.path().join(MACHINE)).expect("text");
        assert!(!text.contains("one"));
        let copy = key("two");
        assert_ne!(copy, first);
        assert_eq!(key("two"), copy);
        fs::write(directory.path().join(KEY), "rubbish").expect("written");
        let error = open(directory.path(), "two", "scanner").expect_err("it is no key");
        assert!(error.to_string().contains("device's key"), "nobody takes another one silently: {error}");
    }
}
