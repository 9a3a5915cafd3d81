//! What the agent's memory comes to while a terminal shows more than anybody reads, and the size of the record.

use std::path::Path;
use std::time::Instant;

use fieldlink_tests::memory::{Peak, share};
use fieldlink_tests::record::closed_in;
use fieldlink_tests::{Engineer, Relay, Scanner, ScannerOptions};

use crate::recorded::output;
use crate::rows::{Better, Rows};

/// Bytes that the terminal shows.
const SHOWN: u64 = 200_000_000;
/// Seconds that it may take.
const TIME: f64 = 60.0;
/// How much the agent may grow, in MiB: what waits for the disk (16), and what is on its way to the engineer.
const GROWTH: f64 = 24.0;
/// Megabytes that a record has beside what terminals showed.
const BESIDE: f64 = 0.2;

/// As much as is recorded of one session, and all of it.
pub(crate) fn rows(rows: &mut Rows) {
    eprintln!("measuring the agent's memory while a terminal shows 200 MB …");
    for (what, megabytes) in [("100 MB of it recorded", 100), ("all recorded", 400)] {
        measure(rows, what, megabytes);
    }
}

fn measure(rows: &mut Rows, what: &str, megabytes: u64) {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    let settings = format!("record.session_megabytes = {megabytes}\n");
    let scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let call = engineer.call(&scanner);
    // What is there from the first terminal on.
    output(&call, 1 << 20);
    let agent = scanner.process.pid();
    let before = share(agent);
    let (peak, begin) = (Peak::of(agent), Instant::now());
    output(&call, SHOWN);
    let (took, most) = (begin.elapsed().as_secs_f64(), peak.most());
    let after = share(agent);
    call.end();
    let size = size(&closed_in(&scanner.records()));
    rows.info(&format!("agent before 200 MB, {what}"), before, "MiB PSS", Better::Lower);
    rows.info(&format!("agent meanwhile, at most, {what}"), most, "MiB PSS", Better::Lower);
    rows.info(&format!("agent afterwards, {what}"), after, "MiB PSS", Better::Lower);
    rows.goal(&format!("growth, {what}"), most - before, "MiB PSS", GROWTH, Better::Lower);
    rows.goal(&format!("200 MB shown, {what}"), took, "s", TIME, Better::Lower);
    let bound = megabytes as f64 + BESIDE;
    rows.goal(&format!("their record, {what}"), size, "MB", bound, Better::Lower);
}

/// Megabytes of all files of a record.
fn size(record: &Path) -> f64 {
    let entries = std::fs::read_dir(record).expect("readable");
    let sizes = entries.map(|entry| entry.expect("readable").metadata().expect("readable").len());
    sizes.sum::<u64>() as f64 / 1e6
}
