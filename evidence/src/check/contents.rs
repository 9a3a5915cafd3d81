//! The manifest, its signature, and the files that it lists.

use std::collections::BTreeMap;
use std::io::Read;

use fieldlink_identity::{DetachedSignature, TrustedKey};

use super::problem::Problem;
use crate::digest::Hasher;
use crate::event::Seal;
use crate::files::Files;
use crate::manifest::{EVIDENCE_NAMESPACE, Manifest, ManifestError};
use crate::names::{ANCHORS, DEVICE_KEY, EVENTS, MANIFEST, SIGNATURE, TIME_STAMP};

/// Longest manifest, in bytes: some ten thousand files.
const LONGEST_MANIFEST: u64 = 1024 * 1024;
/// Longest of the small files: keys, signatures, certificates and statements.
pub(super) const LONGEST_SMALL: u64 = 16 * 1024;
/// Bytes that are read at once.
pub(super) const PIECE: usize = 64 * 1024;

/// How the line of an ed25519 key begins: its type, and what of its encoding is the same for all of them.
const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI";
/// Digits of it in base64 that are not.
const ED25519_DIGITS: usize = 43;

/// A manifest that the device has signed, and its files, which have the hashes that it lists.
pub(super) struct Contents {
    pub(super) device_key: TrustedKey,
    /// The line of `device.pub`, without its end.
    pub(super) device_line: String,
    pub(super) has_anchors: bool,
    pub(super) has_time_stamp: bool,
    seals: BTreeMap<String, Seal>,
}

impl Contents {
    pub(super) fn check(files: &dyn Files, trusted: Option<&TrustedKey>) -> Result<Self, Problem> {
        let names = files.names().map_err(|error| Problem::unreadable(".", &error))?;
        let has = |name: &str| names.iter().any(|known| known == name);
        if !has(MANIFEST) {
            return Err(Problem::NotClosed);
        }
        let text = read_text(files, MANIFEST, LONGEST_MANIFEST)?;
        let manifest: Manifest = text.parse()?;
        if let Some(absent) = [DEVICE_KEY, EVENTS].into_iter().find(|name| manifest.get(name).is_none()) {
            return Err(Problem::NotListed(absent));
        }
        let (device_key, device_line) = check_signature(files, &text, trusted)?;
        check_names(files, &names, &manifest)?;
        let seals = manifest.iter().map(|(name, digest)| {
            let seal = seal(files, name)?;
            if seal.sha256 == digest { Ok((name.to_owned(), seal)) } else { Err(Problem::Hash(name.into())) }
        });
        let seals = seals.collect::<Result<_, _>>()?;
        Ok(Self {
            device_key,
            device_line,
            has_anchors: has(ANCHORS),
            has_time_stamp: has(TIME_STAMP),
            seals,
        })
    }

    /// What is known of a listed file.
    pub(super) fn seal(&self, name: &str) -> Option<Seal> {
        self.seals.get(name).copied()
    }

    /// The listed files without the account, which cannot name itself.
    pub(super) fn without_account(&self) -> impl Iterator<Item = (&str, Seal)> {
        let others = self.seals.iter().filter(|(name, _)| *name != EVENTS);
        others.map(|(name, seal)| (name.as_str(), *seal))
    }

    pub(super) fn into_seals(self) -> BTreeMap<String, Seal> {
        self.seals
    }
}

/// Whose the record is, if they have signed it.
fn check_signature(
    files: &dyn Files,
    manifest: &str,
    trusted: Option<&TrustedKey>,
) -> Result<(TrustedKey, String), Problem> {
    let line = read_text(files, DEVICE_KEY, LONGEST_SMALL)?;
    let line = line.strip_suffix('\n').ok_or(Problem::DeviceKey)?;
    let key = read_key(line).ok_or(Problem::DeviceKey)?;
    let armoured = read_text(files, SIGNATURE, LONGEST_SMALL)?;
    let signature = DetachedSignature::read_canonical(&armoured).map_err(|_| Problem::DeviceSignature)?;
    if !signature.is_of(&key, EVIDENCE_NAMESPACE, manifest.as_bytes()) {
        return Err(Problem::DeviceSignature);
    }
    match trusted.filter(|trusted| !signature.names(trusted)) {
        Some(trusted) => {
            Err(Problem::OtherDevice { found: key.fingerprint(), expected: trusted.fingerprint() })
        }
        None => Ok((key, line.to_owned())),
    }
}

/// Checks that the directory holds what the manifest lists and what lies beside it, each as a plain file.
fn check_names(files: &dyn Files, names: &[String], manifest: &Manifest) -> Result<(), Problem> {
    let beside = [MANIFEST, SIGNATURE, TIME_STAMP, ANCHORS];
    let belongs = |name: &str| manifest.get(name).is_some() || beside.contains(&name);
    // Sorted, so that always the same one is named.
    if let Some(extra) = names.iter().filter(|name| !belongs(name)).min() {
        return Err(Problem::Extra(extra.clone()));
    }
    if let Some((absent, _)) = manifest.iter().find(|(name, _)| !names.iter().any(|known| known == name)) {
        return Err(Problem::Missing(absent.to_owned()));
    }
    names.iter().try_for_each(|name| open(files, name).map(drop))
}

/// The key in the line of a `.pub` file, if it is an ed25519 key in the one form of it.
pub(super) fn read_key(line: &str) -> Option<TrustedKey> {
    let (digits, rest) = line.strip_prefix(ED25519)?.split_at_checked(ED25519_DIGITS)?;
    let is_base64 = digits.bytes().all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(&digit));
    let is_comment = rest.is_empty() || rest.starts_with(' ') && !rest.contains(char::is_control);
    let key = &line[..line.len() - rest.len()];
    if is_base64 && is_comment { TrustedKey::from_line(key).ok() } else { None }
}

pub(super) fn open<'a>(files: &'a dyn Files, name: &str) -> Result<Box<dyn Read + 'a>, Problem> {
    files.open(name).map_err(|error| Problem::unreadable(name, &error))
}

/// A small file that is text.
pub(super) fn read_text(files: &dyn Files, name: &str, most: u64) -> Result<String, Problem> {
    let bytes = files.read(name, most).map_err(|error| Problem::unreadable(name, &error))?;
    // What is no text, nobody has written who writes these.
    String::from_utf8(bytes).map_err(|_| match name {
        MANIFEST => Problem::Manifest(ManifestError::Line(1)),
        DEVICE_KEY => Problem::DeviceKey,
        SIGNATURE => Problem::DeviceSignature,
        _ => Problem::Unreadable { file: name.to_owned(), error: "it is no text".to_owned() },
    })
}

/// Hands `take` what is in a file, piece by piece, until it has had enough.
pub(super) fn read_pieces(
    files: &dyn Files,
    name: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (mut reader, mut piece) = (open(files, name)?, vec![0; PIECE]);
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&piece[..length])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Problem::unreadable(name, &error)),
        }
    }
}

/// Size and hash of a file.
fn seal(files: &dyn Files, name: &str) -> Result<Seal, Problem> {
    let mut hasher = Hasher::default();
    read_pieces(files, name, |piece| {
        hasher.push(piece);
        Ok(())
    })?;
    Ok(Seal { size: hasher.size(), sha256: hasher.digest() })
}
