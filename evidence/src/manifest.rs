//! The list of a record's files, as `sha256sum` writes and checks it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::digest::Digest;
use super::names::{is_listed, is_record_name};

/// The SSHSIG namespace of the device's signature over the manifest (OpenSSH's PROTOCOL.sshsig).
pub const EVIDENCE_NAMESPACE: &str = "fieldlink-evidence@v1";

/// Files and their hashes, in the order of their names. In text, a line each: the hash, two spaces, the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest(BTreeMap<String, Digest>);

/// A line of a manifest that is none, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It has another form.
    #[error("line {0} is not a hash, two spaces and the name of a file")]
    Line(usize),
    /// It names a file that cannot be in a record, or is not to be listed.
    #[error("line {0} names a file that no record lists")]
    Name(usize),
    /// It does not come after the line before it, by the file's name.
    #[error("line {0} is out of order or repeats a file")]
    Order(usize),
    /// The last line has no end.
    #[error("the last line is cut off")]
    Cut,
}

impl Manifest {
    /// Adds a file, or replaces its hash.
    pub fn add(&mut self, name: impl Into<String>, digest: Digest) {
        self.0.insert(name.into(), digest);
    }

    /// Files and hashes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.0.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// The hash of a file, if it is listed.
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.0.get(name).copied()
    }
}

impl Display for Manifest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, digest)| writeln!(f, "{digest}  {name}"))
    }
}

impl FromStr for Manifest {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        let whole = text.strip_suffix('\n').ok_or(ManifestError::Cut)?;
        let mut files: BTreeMap<String, Digest> = BTreeMap::new();
        for (number, line) in (1..).zip(whole.split('\n')) {
            let (digest, name) = line.split_once("  ").ok_or(ManifestError::Line(number))?;
            let digest = digest.parse().map_err(|_| ManifestError::Line(number))?;
            if !is_record_name(name) || !is_listed(name) {
                return Err(ManifestError::Name(number));
            }
            if files.last_key_value().is_some_and(|(last, _)| last.as_str() >= name) {
                return Err(ManifestError::Order(number));
            }
            files.insert(name.to_owned(), digest);
        }
        Ok(Self(files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_as_it_was_written_and_no_other_way() {
        let mut manifest = Manifest::default();
        manifest.add("events.jsonl", Digest::of(b"1"));
        manifest.add("device.pub", Digest::of(b"2"));
        let text = manifest.to_string();
        assert_eq!(text.parse(), Ok(manifest));
        let lines: Vec<&str> = text.lines().collect();
        let wrong = |text: &str| text.parse::<Manifest>().expect_err("it is wrong");
        assert_eq!(wrong(""), ManifestError::Cut);
        assert_eq!(wrong(text.trim_end()), ManifestError::Cut);
        assert_eq!(wrong(&format!("{}\n{}\n", lines[1], lines[0])), ManifestError::Order(2));
        assert_eq!(wrong(&format!("{0}\n{0}\n", lines[0])), ManifestError::Order(2));
        assert_eq!(wrong(&text.replace("  ", " *")), ManifestError::Line(1));
        for name in ["../x", ".x", "a b", "a/b", "SHA256SUMS.sig", "anchors.jsonl", ""] {
            assert_eq!(wrong(&text.replace("device.pub", name)), ManifestError::Name(1), "{name:?}");
        }
    }
}
