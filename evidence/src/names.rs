//! The files of a record.

/// The account: one event a line.
pub const EVENTS: &str = "events.jsonl";
/// The public key of the device, in OpenSSH's form.
pub const DEVICE_KEY: &str = "device.pub";
/// The hashes of all files but itself, the signature, the time stamp and the anchors.
pub const MANIFEST: &str = "SHA256SUMS";
/// The device's signature of the manifest: SSHSIG, armoured.
pub const SIGNATURE: &str = "SHA256SUMS.sig";
/// A time stamp of the manifest (RFC 3161), if there is one.
pub const TIME_STAMP: &str = "SHA256SUMS.tsr";
/// What the relay has signed of the account, one a line.
pub const ANCHORS: &str = "anchors.jsonl";

/// Longest name of a file in a record, in bytes.
const LONGEST: usize = 64;

/// Whether a file of a record may have this name: no directories, nothing hidden, nothing that a shell or `sha256sum`
/// would read otherwise.
pub fn is_record_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Whether the manifest lists this file.
pub(crate) fn is_listed(name: &str) -> bool {
    !matches!(name, MANIFEST | SIGNATURE | TIME_STAMP | ANCHORS)
}
