//! What it costs that a session is recorded: beside the same on a scanner that records nothing. And how long it takes to
//! check what was recorded.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use fieldlink_evidence::{
    CastWriter, Chain, DEVICE_KEY, Device, Digest, Directory, EVENTS, EVIDENCE_NAMESPACE, Event, MANIFEST,
    Manifest, SIGNATURE, Seal, Stamp, TerminalShape, Terms, Trust, check,
};
use fieldlink_identity::SigningKey;
use fieldlink_protocol::ids::SessionId;
use fieldlink_tests::engineer::random_file;
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Call, Engineer, Relay, Scanner, ScannerOptions};

use crate::flooded;
use crate::rows::{Better, Rows};
use crate::traffic::median;
use crate::watched::keys;

/// Rounds of each side, which take turns.
const ROUNDS: usize = 7;
/// Bytes of the file that is copied.
const FILE: usize = 256 << 20;
/// What a gigabit line carries of a file, in kbit/s, as sftp keeps to it: the fastest that a scanner has.
const GIGABIT: &str = "940000";
/// Bytes that a terminal shows.
const SHOWN: u64 = 64 << 20;
/// A session of two hours: an event every third of a second, and what a busy terminal shows.
const EVENTS_OF_TWO_HOURS: usize = 20_000;
const SHOWN_IN_TWO_HOURS: usize = 60_000_000;

/// Copies, output and keys with recording and without; memory while a terminal is flooded; and a check.
pub(crate) fn rows(rows: &mut Rows) {
    flooded::rows(rows);
    eprintln!("measuring what is recorded, beside what is not …");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    let settings = "record.session_megabytes = 20000\nrecord.total_megabytes = 20000\n".to_owned();
    let recording = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let nowhere = vec![("XDG_STATE_HOME", "/dev/null".into())];
    let plain =
        Scanner::start_with(&relay, ScannerOptions { environment: nowhere, ..ScannerOptions::default() });
    let (with, without) = (engineer.call(&recording), engineer.call(&plain));
    let file = engineer.home().join("out");
    random_file(&file, FILE);
    // As fast as it goes, the hash of each byte is work on top for cores that have all ends of the copy to do; at the pace
    // of a line, the scanner has time for it.
    for (name, pace) in [("sftp", &[][..]), ("sftp at 1 Gbit/s", &["-l", GIGABIT][..])] {
        let copy =
            |call: &Call<'_>, scanner: &Scanner| sftp(call, pace, &file, &scanner.directory().join("there"));
        let [with_copies, without_copies] = in_turns(|| copy(&with, &recording), || copy(&without, &plain));
        rows.info(&format!("{name}, both ways, recorded"), with_copies, "MiB/s", Better::Higher);
        let ratio = with_copies / without_copies;
        rows.goal(&format!("{name}, recorded / not"), ratio, "x", 0.95, Better::Higher);
    }
    let [with_output, without_output] = in_turns(|| output(&with, SHOWN), || output(&without, SHOWN));
    rows.goal("what a terminal shows, recorded", with_output, "MiB/s", 50.0, Better::Higher);
    rows.info("what a terminal shows, not recorded", without_output, "MiB/s", Better::Higher);
    let keyboard = |call: &Call<'_>| {
        let mut keyboard = call.tool("ssh");
        keyboard.args(["-tt", &call.alias, "stty raw -echo; printf R; exec cat"]);
        keys(&mut keyboard) * 1e6
    };
    let [with_keys, without_keys] = in_turns(|| keyboard(&with), || keyboard(&without));
    rows.info("a key and its echo, recorded", with_keys, "µs", Better::Lower);
    rows.goal("a key and its echo, recorded / not", with_keys / without_keys, "x", 1.05, Better::Lower);
    let directory = tempfile::tempdir().expect("a directory");
    write_two_hours(directory.path());
    let begin = Instant::now();
    check(&Directory::new(directory.path()), &Trust::default()).expect("nothing is wrong");
    rows.goal("the check of two hours", begin.elapsed().as_secs_f64(), "s", 2.0, Better::Lower);
}

/// The medians of both.
fn in_turns(mut one: impl FnMut() -> f64, mut other: impl FnMut() -> f64) -> [f64; 2] {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ones.push(one());
        others.push(other());
    }
    [median(ones), median(others)]
}

/// MiB/s, there and back.
fn sftp(call: &Call<'_>, options: &[&str], file: &Path, there: &Path) -> f64 {
    let back = file.with_file_name("back");
    let batch =
        format!("put {} {}\nget {} {}\n", file.display(), there.display(), there.display(), back.display());
    let mut sftp = call.tool("sftp");
    sftp.args(options).args(["-b", "-", &call.alias]);
    let begin = Instant::now();
    assert!(run_with_input(&mut sftp, batch.as_bytes()).status.success());
    2.0 * (FILE >> 20) as f64 / begin.elapsed().as_secs_f64()
}

/// MiB/s that a terminal shows, in lines as a program prints them.
pub(crate) fn output(call: &Call<'_>, bytes: u64) -> f64 {
    let mut ssh = call.tool("ssh");
    ssh.args([
        "-tt",
        &call.alias,
        &format!(
            "stty raw; yes 'a line of what a program prints, with a number 0123456789' | head -c {bytes}"
        ),
    ]);
    let begin = Instant::now();
    let mut child =
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("ssh");
    let mut shown = child.stdout.take().expect("taken over");
    let (mut buffer, mut total) = (vec![0; 256 << 10], 0);
    while total < bytes {
        match shown.read(&mut buffer).expect("readable") {
            0 => break,
            count => total += count as u64,
        }
    }
    assert_eq!(total, bytes, "it all arrived");
    let took = begin.elapsed().as_secs_f64();
    let _ = child.wait();
    bytes as f64 / f64::from(1 << 20) / took
}

fn write_two_hours(directory: &Path) {
    let key = SigningKey::generate("bench").expect("a key");
    let line = key.public_line().expect("a line");
    let write = |name: &str, content: &[u8]| std::fs::write(directory.join(name), content).expect("writable");
    let (mut cast, mut recording) =
        CastWriter::begin(TerminalShape { cols: 80, rows: 24 }, "", Duration::ZERO, 0);
    for at in 0.. {
        let shown = cast.output(Duration::from_millis(at), &[b'x'; 900]);
        recording.extend(shown.expect("whole characters"));
        if recording.len() > SHOWN_IN_TWO_HOURS {
            break;
        }
    }
    write("terminal-0.cast", &recording);
    write(DEVICE_KEY, format!("{line}\n").as_bytes());
    let mut chain = Chain::default();
    let mut account = Vec::new();
    let mut tell = |event| account.extend(chain.append(Stamp::new(SystemTime::now(), Duration::ZERO), event));
    let device = Device { name: "bench".into(), key: line.clone(), software: "bench".into() };
    let terms = Terms {
        language: None,
        minutes: 60,
        never: vec![],
        asks: vec![],
        reaches: vec![],
        retention_days: 90,
    };
    let (session, random) = (SessionId::random(), "00".repeat(32));
    tell(Event::RecordBegan { format: 1, session, random, device, terms, anchor_keys: vec![] });
    (0..EVENTS_OF_TWO_HOURS).for_each(|_| tell(Event::Chat { from: None, text: "a line".repeat(20) }));
    let seal = |content: &[u8]| Seal { size: content.len() as u64, sha256: Digest::of(content) };
    let files: BTreeMap<String, Seal> = [
        (DEVICE_KEY.to_owned(), seal(format!("{line}\n").as_bytes())),
        ("terminal-0.cast".to_owned(), seal(&recording)),
    ]
    .into();
    tell(Event::RecordClosed { files: files.clone(), late: false });
    let mut manifest = Manifest::default();
    files.iter().for_each(|(name, seal)| manifest.add(name, seal.sha256));
    manifest.add(EVENTS, Digest::of(&account));
    write(EVENTS, &account);
    write(MANIFEST, manifest.to_string().as_bytes());
    let signature = key.sign(EVIDENCE_NAMESPACE, manifest.to_string().as_bytes()).expect("signed");
    write(SIGNATURE, signature.as_bytes());
}
