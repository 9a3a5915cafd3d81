//! What was written is accepted, and whatever is changed in it is found: by the crate and by the script, alike.

mod big;
mod deliberate;
mod forged;
mod judges;
mod random;
mod record;

use judges::{by_crate, by_hand};
use record::{another, honest};

#[test]
fn an_honest_record_is_whole() {
    let mut case = honest();
    let last = case.heads().len() - 1;
    let found = by_crate(&case).expect("whole");
    assert_eq!((found.session, found.events, found.closed_late), (case.session, last as u64 + 1, false));
    assert_eq!((found.anchors.checked, found.anchors.keys_are_pinned), (3, true));
    assert_eq!(found.anchors.last.expect("one").head.seq, last as u64);
    let claims: Vec<_> = found.engineers.iter().map(|one| (one.seat, one.claim.ticket.as_str())).collect();
    assert_eq!(claims, [(0, "T-1"), (1, "T-1"), (2, "T-1")]);
    let said = by_hand(&case).expect("whole");
    assert!(said.contains(&case.heads()[last].to_string()) && said.contains(&found.device_key), "{said}");

    accepted("another one, with other kinds of keys", &another());
    case.receipt = Some(case.heads()[9]);
    case.outside = [case.anchor(5), another().anchor(2)].to_vec();
    case.device_key = case.device.public_line().ok();
    case.anchor_key = case.relay.public_line().ok();
    case.put("SHA256SUMS.tsr", "not checked here");
    let found = by_crate(&case).expect("whole");
    assert_eq!(
        (found.receipt_covers, found.has_time_stamp, found.device_key_is_trusted),
        (Some(10), true, true)
    );
    assert_eq!((found.anchors.checked, found.anchors.kept_outside), (4, 1));
    assert!(!found.anchors.keys_are_pinned);
    let said = by_hand(&case).expect("whole");
    assert!(said.contains("the first 10 of"), "{said}");
}

/// Both find it; the crate says what.
fn refused(what: &str, case: &record::Case) -> fieldlink_evidence::Problem {
    let problem = by_crate(case).expect_err(what);
    let said = by_hand(case).expect_err(what);
    println!("{what}:\n  {problem}\n  {}", said.trim_end());
    problem
}

/// Both find nothing.
fn accepted(what: &str, case: &record::Case) {
    by_crate(case).unwrap_or_else(|problem| panic!("{what}: {problem}"));
    by_hand(case).unwrap_or_else(|said| panic!("{what}: {said}"));
}
