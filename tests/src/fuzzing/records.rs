//! The record of a session, from whoever says that it is one.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::LazyLock;

use fieldlink_evidence::{
    ANCHORS, Anchor, AnchorSource, DEVICE_KEY, Digest, EVENTS, EVIDENCE_NAMESPACE, Files, MANIFEST, Manifest,
    SIGNATURE, Trust, check, read_anchors, recover,
};
use fieldlink_identity::SigningKey;

/// What stands in the corpus for the line of the device's key.
const DEVICE: &str = "DEVICE";

/// Signs what is checked: what is behind the signature is looked at as well.
static KEY: LazyLock<(SigningKey, String)> = LazyLock::new(|| {
    let key = SigningKey::generate("fuzz").expect("a key");
    let line = key.public_line().expect("a line");
    (key, line)
});

struct Memory(BTreeMap<&'static str, Vec<u8>>);

impl Files for Memory {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().map(|name| (*name).to_owned()).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

/// Manifests, accounts, anchors; and a record, signed, whose events or anchors these are.
pub fn records(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(manifest) = text.parse::<Manifest>() {
        assert_eq!(manifest.to_string(), text, "a manifest has one form");
    }
    let torn = recover(data);
    assert_eq!(torn.whole + torn.torn, data.len());
    for kept in read_anchors(data, AnchorSource::Outside).unwrap_or_default() {
        let anchor = kept.line.parse::<Anchor>();
        assert!(anchor.is_ok_and(|anchor| anchor.to_string() == kept.line) || kept.check(&[]).is_err());
    }
    let events = text.replace(DEVICE, &KEY.1);
    for account in [chained(&events), chained(&format!("{}\n{}", events.trim_end(), closing()))] {
        let _ = check(&signed(account, data), &Trust::default());
    }
}

/// An account with these events, a line each.
fn chained(events: &str) -> Vec<u8> {
    let (mut account, mut prev) = (Vec::new(), Digest::NONE);
    for (seq, event) in events.lines().enumerate() {
        let line = format!(
            "{{\"seq\":{seq},\"prev\":\"{prev}\",\"time\":\"2026-12-01T00:00:00.000Z\",\"boot_ms\":7,\"event\":{event}}}\n"
        );
        prev = Digest::of(line.as_bytes());
        account.extend_from_slice(line.as_bytes());
    }
    account
}

/// The event that closes the record.
fn closing() -> String {
    let device = device_file();
    let (size, sha256) = (device.len(), Digest::of(&device));
    let seal = format!("{{\"size\":{size},\"sha256\":\"{sha256}\"}}");
    format!("{{\"type\":\"record-closed\",\"files\":{{\"{DEVICE_KEY}\":{seal}}},\"late\":false}}")
}

fn device_file() -> Vec<u8> {
    format!("{}\n", KEY.1).into_bytes()
}

/// A record with this account.
fn signed(account: Vec<u8>, anchors: &[u8]) -> Memory {
    let device = device_file();
    let mut manifest = Manifest::default();
    manifest.add(DEVICE_KEY, Digest::of(&device));
    manifest.add(EVENTS, Digest::of(&account));
    let manifest = manifest.to_string();
    let signature = KEY.0.sign(EVIDENCE_NAMESPACE, manifest.as_bytes()).expect("signed");
    Memory(BTreeMap::from([
        (DEVICE_KEY, device),
        (EVENTS, account),
        (MANIFEST, manifest.into_bytes()),
        (SIGNATURE, signature.into_bytes()),
        (ANCHORS, anchors.to_vec()),
    ]))
}
