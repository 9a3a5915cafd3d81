//! Lists that `ssh-keygen -k` makes.

use proptest::prelude::*;

use super::*;
use crate::{RevocationError, RevocationList};

fn is_revoked(workshop: &Workshop, lines: &str) -> bool {
    let list = RevocationList::read(&workshop.revoke(lines)).expect("a list");
    list.revokes(&workshop.certificate("ada"))
}

#[test]
fn whatever_ssh_keygen_can_revoke_is_revoked() {
    let workshop = Workshop::new();
    workshop.certify("ada", "-5m:+8h");
    let key = workshop.public_key("ada");
    let authority = workshop.public_key("ca");
    let sparse: String = (1..200).step_by(3).map(|serial| format!("serial: {serial}\n")).collect();
    for (lines, revoked) in [
        ("", false),
        ("serial: 7", true),
        ("serial: 8", false),
        ("serial: 5-9", true),
        ("serial: 8-900", false),
        (sparse.as_str(), true),
        ("id: Ada Lovelace (Scans Ltd)", true),
        ("id: Ada", false),
        (&format!("key: {key}"), true),
        (&format!("sha1: {key}"), true),
        (&format!("sha256: {key}"), true),
        (&format!("key: {authority}"), true),
    ] {
        assert_eq!(is_revoked(&workshop, lines), revoked, "{lines}");
    }
}

#[test]
fn another_authoritys_numbers_are_not_ours() {
    let workshop = Workshop::new();
    workshop.certify("ada", "-5m:+8h");
    workshop.key("other", &["-t", "ed25519"]);
    std::fs::rename(workshop.path("ca.pub"), workshop.path("kept")).expect("moved");
    std::fs::copy(workshop.path("other.pub"), workshop.path("ca.pub")).expect("copied");
    assert!(!is_revoked(&workshop, "serial: 7"));
}

#[test]
fn what_is_not_understood_is_no_list() {
    let workshop = Workshop::new();
    let list = workshop.revoke("serial: 7\nid: Ada");
    let read = |bytes: &[u8]| RevocationList::read(bytes).map(drop);
    assert_eq!(read(&list), Ok(()));
    assert_eq!(read(b"ssh-ed25519 AAAA ada\n"), Err(RevocationError::Foreign));
    assert_eq!(read(b""), Err(RevocationError::Foreign));
    assert_eq!(read(&list[..list.len() - 1]), Err(RevocationError::Damaged));
    assert_eq!(read(&[&list[..], &[4, 0, 0, 0, 0]].concat()), Err(RevocationError::Unsupported(4)));
    assert_eq!(read(&[&list[..], &[9]].concat()), Err(RevocationError::Damaged));
    let harmless = [&list[..], b"\xff\0\0\0\x0a\0\0\0\x01x\0\0\0\0\0"].concat();
    assert_eq!(read(&harmless), Ok(()));
    let critical = [&list[..], b"\xff\0\0\0\x0a\0\0\0\x01x\x01\0\0\0\0"].concat();
    assert_eq!(read(&critical), Err(RevocationError::Unsupported(255)));
    assert_eq!(read(&vec![0; RevocationList::LENGTH + 1]), Err(RevocationError::TooLong));
}

proptest! {
    #[test]
    fn reads_anything_without_panicking(bytes in prop::collection::vec(any::<u8>(), 0..200), is_list in any::<bool>()) {
        let head = b"SSHKRL\n\0\0\0\0\x01".iter().copied().filter(|_| is_list);
        let _ = RevocationList::read(&head.chain(bytes).collect::<Vec<_>>());
    }

    #[test]
    fn proofs_of_anything_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Proof::read(&bytes).is_err());
        prop_assert!(Certificate::read(&bytes).is_err());
    }
}
