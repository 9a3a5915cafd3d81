//! How soon nothing of the engineer's gets through any more once nobody is beside the device.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner};

use crate::rows::{Better, Rows};
use crate::traffic::median;

/// Rounds, each with a session of its own.
const ROUNDS: usize = 5;
/// More than passes before the upload is held.
const BYTES: usize = 1 << 30;
/// For so long nothing may have come before it counts as held.
const STILL: Duration = Duration::from_millis(500);

/// An upload by scp is held by `presence = "required"`, and goes on afterwards.
pub(crate) fn rows(rows: &mut Rows) {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    let near = engineer.home().join("upload");
    random_file(&near, BYTES);
    let held: Vec<f64> = (0..ROUNDS).map(|_| round(&relay, &engineer, &near) * 1e3).collect();
    rows.goal("required presence holds an upload", median(held), "ms", 200.0, Better::Lower);
}

/// Seconds from the line that the client reads to the last byte that arrives.
fn round(relay: &Relay, engineer: &Engineer, near: &Path) -> f64 {
    eprintln!("measuring how soon an upload is held …");
    let options = ScannerOptions {
        settings: "presence = \"required\"\n".into(),
        session: "presence_seconds = 2\npresence_patience_seconds = 1".into(),
        ..ScannerOptions::default()
    };
    let mut scanner = Scanner::start_with(relay, options);
    let call = engineer.call(&scanner);
    let far = scanner.directory().join("upload");
    let mut scp = call.tool("scp");
    scp.arg("-q").arg(near).arg(format!("{}:{}", call.alias, far.display())).stdout(Stdio::null());
    let mut upload = scp.spawn().expect("scp starts");
    scanner.process.wait_for("the engineer has to wait");
    let (told, arrived) = (Instant::now(), || far.metadata().map_or(0, |data| data.len()));
    let (mut last, mut length) = (told, arrived());
    while last.elapsed() < STILL && told.elapsed() < PATIENCE {
        let now = arrived();
        if now != length {
            (last, length) = (Instant::now(), now);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(length > 0 && length < BYTES as u64, "it was held on its way: {length}");
    scanner.process.type_line("");
    let is_going_on = || arrived() > length;
    fieldlink_tests::programs::eventually("it goes on", PATIENCE, is_going_on);
    upload.kill().expect("it runs");
    upload.wait().expect("it ends");
    last.duration_since(told).as_secs_f64()
}
