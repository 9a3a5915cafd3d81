//! Secrets that are planted for a diagnosis, and what comes out of one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Lines of a log, each with [`SECRETS`] in it and something that is to stay.
pub const LOG: &str = "\
scanner: lidar front at 1200 rpm
psk=planted-wifi-key
GET https://ada:planted-in-an-address@maker.example/scans 200
Authorization: Bearer planted-bearer-token
{\"user\":\"ada\",\"password\":\"planted-in-json\"}
-----BEGIN OPENSSH PRIVATE KEY-----
planted+private+key+0000000000000000
-----END OPENSSH PRIVATE KEY-----
scanner: lidar rear stands still
";

/// What is secret in it.
pub const SECRETS: &str = "planted";

/// The files of a diagnosis, without the directory that they are all in.
pub fn unpacked(archive: &Path) -> BTreeMap<String, String> {
    let file = File::open(archive).expect("there is a diagnosis");
    let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
    let files = tar.entries().expect("tar").map(|entry| {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").components().skip(1).collect::<std::path::PathBuf>();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        (path.to_string_lossy().into_owned(), text)
    });
    files.collect()
}

/// Panics if a secret is in one of them.
pub fn assert_redacted(files: &BTreeMap<String, String>) {
    for (name, text) in files {
        let leaked = text.lines().find(|line| line.contains(SECRETS));
        assert_eq!(leaked, None, "in {name}");
    }
}
