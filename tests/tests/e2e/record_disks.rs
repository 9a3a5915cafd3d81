//! What becomes of a session and its record when the disk is full, stands still, or loses its power. On a disk of the
//! test's own: a file that is mounted, which takes root.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use fieldlink_evidence::{Directory, EVENTS, Entry, Event, Files, MANIFEST, Stop, Trust, check, recover};
use fieldlink_tests::disk::Disk;
use fieldlink_tests::programs::eventually;
use fieldlink_tests::record::{closed_in, events_of};
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner, ScannerOptions};

fn records(disk: &Disk) -> PathBuf {
    disk.place().join("fieldlink-agent/records")
}

/// The one record on it.
fn record_on(disk: &Disk) -> Option<PathBuf> {
    let entries = std::fs::read_dir(records(disk)).ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| path.is_dir())
}

fn closed_record(disk: &Disk) -> PathBuf {
    closed_in(&records(disk))
}

/// A scanner whose records are on the disk.
fn scanner_on(disk: &Disk, relay: &Relay) -> Scanner {
    let environment = vec![("XDG_STATE_HOME", disk.place().into())];
    Scanner::start_with(relay, ScannerOptions { environment, ..ScannerOptions::default() })
}

/// The recording stops, which both sides and the record say, and everything else goes on.
#[test]
fn a_full_disk_ends_the_recording_of_terminals_alone() {
    let Some(disk) = Disk::mount("a full disk", 8) else { return };
    let relay = Relay::start();
    let mut scanner = scanner_on(&disk, &relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut call = engineer.call(&scanner);
    let mut flood = call.tool("ssh");
    flood.args(["-tt", &call.alias, "head -c 20000000 /dev/zero | tr '\\0' x | fold"]).stdout(Stdio::null());
    assert!(flood.stdin(Stdio::null()).status().expect("ssh").success());
    scanner.process.wait_for("not recorded from here on");
    call.holder.wait_for("\"state\":\"recording-stopped\"");
    assert_eq!(call.output_of("echo after"), "after\n");
    call.end();
    let record = closed_record(&disk);
    check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong");
    let told = events_of(&record);
    assert!(told.contains(&Event::RecordingStopped { why: Stop::DiskFull }), "{told:?}");
    let place = |is_it: &dyn Fn(&Event) -> bool| told.iter().position(is_it).expect("told");
    let stopped = place(&|event| matches!(event, Event::RecordingStopped { .. }));
    let after = place(&|event| format!("{event:?}").contains("echo after"));
    let ended = place(&|event| matches!(event, Event::SessionEnded { .. }));
    assert!(stopped < after && after < ended, "{told:?}");
}

/// There is room for what the client says afterwards, however full the disk is by then.
#[test]
fn a_full_disk_takes_the_clients_word() {
    let Some(disk) = Disk::mount("a full disk and a word", 8) else { return };
    let relay = Relay::start();
    let mut scanner = scanner_on(&disk, &relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.call(&scanner).end();
    scanner.wait_until_off();
    let record = closed_record(&disk);
    let fill = std::fs::write(disk.place().join("everything"), vec![7; 16 << 20]);
    assert!(fill.is_err(), "it is full");
    // The last blocks, too.
    let rest = (0..4096)
        .find(|number| std::fs::write(disk.place().join(format!("rest-{number}")), [7; 1024]).is_err());
    assert!(rest.is_some(), "it is full");
    let words = "it beeps still. ".repeat(20);
    scanner.process.type_line(&format!("not, {words}"));
    scanner.process.wait_for("You said");
    eventually("it is in the record", PATIENCE, || {
        closed_in(&records(&disk)) == record
            && events_of(&record).iter().any(|event| matches!(event, Event::VerdictGiven { .. }))
            && record.join(MANIFEST).exists()
    });
    check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong");
}

/// Nothing can be written from the beginning: both sides hear of it, and the session is what it would be otherwise.
#[test]
fn a_record_that_cannot_be_begun_is_said_to_both_sides() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let records = scanner.records();
    std::fs::remove_dir(&records).and_then(|()| std::fs::write(&records, "")).expect("writable");
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut call = engineer.call(&scanner);
    scanner.process.wait_for("not recorded from here on");
    call.holder.wait_for("\"state\":\"recording-stopped\"");
    assert_eq!(call.output_of("echo fine"), "fine\n");
    call.end();
    scanner.wait_until_off();
}

/// Nobody at a keyboard notices; after a while the recording is given up, and both sides hear of it.
#[test]
fn a_disk_that_stands_still_holds_up_no_key() {
    let Some(disk) = Disk::mount("a disk that stands still", 32) else { return };
    let relay = Relay::start();
    let mut scanner = scanner_on(&disk, &relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut call = engineer.call(&scanner);
    let mut shell = Terminal::start(&call, &["-tt"]);
    shell.type_keys("echo before-$((40 + 2))\r");
    shell.wait_for("before-42");
    disk.freeze(true);
    let mut number = 0;
    // What the disk takes too long for is given up once something else is to be recorded.
    while call.holder.wait_for_within("\"state\":\"recording-stopped\"", Duration::from_millis(500)).is_none()
    {
        number += 1;
        assert!(number < 120, "it is given up");
        shell.type_keys(&format!("echo during-$(({number} + 1000))\r"));
        shell.wait_for(&format!("during-{}", number + 1000));
    }
    scanner.process.wait_for("not recorded from here on");
    shell.type_keys("echo still-$((40 + 2))\r");
    shell.wait_for("still-42");
    disk.freeze(false);
    call.end();
    let record = closed_record(&disk);
    check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong");
    assert!(events_of(&record).contains(&Event::RecordingStopped { why: Stop::DiskSlow }));
}

/// Whatever the disk holds at that moment is an account that is whole but for the last moment.
#[test]
fn a_power_cut_at_any_moment_leaves_a_whole_account() {
    let Some(disk) = Disk::mount("a power cut", 16) else { return };
    let relay = Relay::start();
    let scanner = scanner_on(&disk, &relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let mut worker = call.start("while :; do echo working; sleep 0.05; done");
    worker.wait_for("working");
    let record = record_on(&disk).expect("it is begun");
    let name = record.file_name().expect("a session").to_owned();
    for round in 0..8u64 {
        assert_eq!(call.output_of(&format!("echo {round}")), format!("{round}\n"));
        std::thread::sleep(Duration::from_millis(137 * (round % 5)));
        // What is on the disk; what is only in memory is lost.
        let mut image = Vec::new();
        let cut = SystemTime::now();
        File::open(disk.image()).and_then(|mut file| file.read_to_end(&mut image)).expect("readable");
        let (copy, place) = (disk.beside().join("copy"), disk.beside().join("place"));
        std::fs::write(&copy, image).expect("writable");
        let _ = std::fs::create_dir(&place);
        assert!(disk.mount_image(&copy, &place), "it is a disk");
        let found = place.join("fieldlink-agent/records").join(&name);
        let bytes = Directory::new(&found).read(EVENTS, u64::MAX).unwrap_or_default();
        let whole = recover(&bytes);
        disk.unmount(&place);
        let lines: Vec<_> = bytes[..whole.whole].split(|byte| *byte == b'\n').collect();
        let head = whole.chain.head().expect("at least its beginning");
        assert_eq!(lines.len() as u64, head.seq + 2);
        // Those that were done two seconds before are in it.
        let done = std::fs::read_to_string(record.join(EVENTS)).expect("readable");
        let due = done.lines().filter(|line| is_before(line, cut - Duration::from_secs(2))).count();
        assert!(head.seq + 1 >= due as u64, "round {round}: {} of {due}", head.seq + 1);
    }
    call.end();
}

/// Whether the line was written before `then`.
fn is_before(line: &str, then: SystemTime) -> bool {
    let entry: Entry = serde_json::from_str(line).expect("an entry");
    entry.at.time < fieldlink_evidence::Stamp::new(then, Duration::ZERO).time
}
