//! How long the check of a long session's record takes. Run by hand:
//! `cargo test --release -p fieldlink-evidence --test tampering -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use fieldlink_evidence::*;

use super::judges::{by_crate_in, by_hand_in};
use super::record::{Case, honest};

const EVENTS: usize = 20_000;
const TERMINALS: usize = 4;
const CAST: usize = 15 << 20;
const SEALS: usize = 120;
const ANCHORS: usize = 200;

/// Two hours: 20,000 events, four recordings of 15 MB with a seal each minute, an anchor each 36 seconds.
fn big() -> Case {
    let mut case = honest();
    let mut events = case.events();
    for terminal in 0..TERMINALS {
        let file = format!("terminal-{}.cast", terminal + 3);
        let line = "[0.010, \"o\", \"scanning the left half of the object, 0.02 mm\\r\\n\"]\n";
        let content: Vec<u8> = line.bytes().cycle().take(CAST).collect();
        let mut hasher = Hasher::default();
        for piece in content.chunks(CAST / SEALS) {
            hasher.push(piece);
            let seal = Seal { size: hasher.size(), sha256: hasher.digest() };
            let event = Event::TerminalSealed { file: file.clone(), seal };
            events.push(serde_json::to_string(&event).expect("JSON"));
        }
        case.put(&file, content);
    }
    let said =
        "{\"type\":\"chat\",\"from\":0,\"text\":\"the next exposure is ready, please turn the table\"}";
    events.resize(EVENTS - 1, said.to_owned());
    case.close(events, |_, line| line);
    let seqs = (1..=ANCHORS).map(|number| number * (EVENTS / ANCHORS) - 1);
    let anchors = case.anchors(seqs);
    case.put_anchors(&anchors);
    case
}

#[test]
#[ignore = "takes a minute without optimisation"]
fn a_long_session_is_checked_at_once() {
    let (case, directory) = (big(), tempfile::tempdir().expect("a directory"));
    case.write(directory.path());
    let begun = Instant::now();
    let found = by_crate_in(&case, directory.path()).expect("whole");
    let by_crate = begun.elapsed();
    let begun = Instant::now();
    by_hand_in(&case, directory.path(), &[]).expect("whole");
    let by_hand = begun.elapsed();
    assert_eq!((found.events, found.anchors.checked), (EVENTS as u64, ANCHORS));
    println!("{EVENTS} events, 60 MB: the crate takes {by_crate:?}, the script {by_hand:?}");
    if cfg!(not(debug_assertions)) {
        assert!(by_crate < Duration::from_secs(3), "{by_crate:?}");
    }
}
