//! What a terminal shows beyond every bound takes neither the agent's memory nor the disk.

use std::io::Read;
use std::process::Stdio;

use fieldlink_evidence::{Event, Stop};
use fieldlink_tests::memory::{Peak, share};
use fieldlink_tests::record::{check_both, events_of, record_of};
use fieldlink_tests::{Engineer, Relay, Scanner, ScannerOptions};

/// Bytes that the terminal shows, and megabytes of them that may be recorded.
const SHOWN: usize = 60_000_000;
const RECORDED: u64 = 5;
/// MiB by which the agent may grow meanwhile: what waits for the disk (16), and what is on its way to the engineer.
const GROWTH: f64 = 24.0;

#[test]
fn a_flood_past_the_bound_leaves_the_agents_memory_as_it_is() {
    let relay = Relay::start();
    let settings = format!("record.session_megabytes = {RECORDED}\n");
    let scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo before"), "before\n");
    let agent = scanner.process.pid();
    let (before, peak) = (share(agent), Peak::of(agent));
    let mut flood = call.tool("ssh");
    let command = format!("stty raw; yes 'a line of what a program prints' | head -c {SHOWN}");
    flood.args(["-tt", &call.alias, &command]);
    let flood = flood.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut flood = flood.spawn().expect("ssh");
    let mut shown = Vec::new();
    flood.stdout.take().expect("piped").read_to_end(&mut shown).expect("readable");
    assert!(flood.wait().expect("it ends").success());
    assert_eq!(shown.len(), SHOWN, "the engineer has all of it");
    let most = peak.most();
    assert!(most < before + GROWTH, "{before} MiB before, {most} MiB meanwhile");
    call.holder.wait_for("\"state\":\"recording-stopped\"");
    assert_eq!(call.output_of("echo after"), "after\n");
    call.end();

    let record = record_of(&scanner);
    let findings = check_both(&record);
    let recorded = findings.files.iter().filter(|(name, _)| name.ends_with(".cast"));
    let recorded: u64 = recorded.map(|(_, seal)| seal.size).sum();
    assert!(recorded <= RECORDED * 1_000_000 + 100_000, "{recorded} bytes");
    let events = events_of(&record);
    let place = |is_it: &dyn Fn(&Event) -> bool| events.iter().position(is_it).expect("it is told");
    // Where the disk cannot even keep up until then, that is why.
    let stopped =
        place(&|event| matches!(event, Event::RecordingStopped { why: Stop::Bound | Stop::DiskSlow }));
    assert!(stopped < place(&|event| format!("{event:?}").contains("echo after")), "{events:?}");
}
