//! A wall clock that is set during a session changes nothing of it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use fieldlink_evidence::report::{Account, Gap, text};
use fieldlink_evidence::{Directory, Event};
use fieldlink_protocol::reason::Reason;
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::Running;
use fieldlink_tests::record::{check_both, closed_in, events_of};
use fieldlink_tests::{Call, Engineer, Relay, Scanner, ScannerOptions};
use fieldlink_words::Language;

/// Puts itself before the C library's `clock_gettime`: the wall clock is off by the seconds in a file; every other
/// clock is as it is.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    long done = syscall(SYS_clock_gettime, id, now);
    const char *path = getenv("FIELDLINK_TEST_CLOCK");
    int file = done == 0 && id == CLOCK_REALTIME && path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        char text[32] = {0};
        if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        close(file);
    }
    return (int)done;
}
"#;

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// A wall clock of its own for the programs that get its environment.
pub(super) struct WallClock {
    library: PathBuf,
    file: PathBuf,
}

impl WallClock {
    /// In `directory`; nothing where there is no C compiler.
    pub(super) fn in_directory(directory: &Path) -> Option<Self> {
        let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
        std::fs::write(&source, SHIM).expect("writable");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        let is_built = compile.status().is_ok_and(|status| status.success());
        let clock = Self { library, file: directory.join("offset") };
        clock.set(0);
        is_built.then_some(clock)
    }

    pub(super) fn set(&self, seconds: i64) {
        std::fs::write(&self.file, seconds.to_string()).expect("writable");
    }

    pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![("LD_PRELOAD", self.library.clone().into()), ("FIELDLINK_TEST_CLOCK", self.file.clone().into())]
    }
}

#[test]
fn a_clock_that_is_set_by_years_ends_and_lengthens_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(clock) = WallClock::in_directory(directory.path()) else {
        eprintln!("skipped  a clock that is set: it needs a C compiler");
        return;
    };
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let session = "length_seconds = 600".to_owned();
    let options = ScannerOptions { environment: clock.environment(), session, ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--ticket", "T-1", "--no-shell", "--json"]);
    command.envs(clock.environment());
    let mut holder = Running::start("fieldlink-connect", &mut command);
    holder.type_line(&scanner.pin);
    wait_until_active(&mut holder);
    let call = Call::of(&engineer, &scanner, holder);
    let mut running = call.start("while read line; do echo got-$line; done");
    // Forward and back by years, within the time for which the relay's certificate is valid.
    for (number, seconds) in [YEAR, 0, 5 * YEAR, 2 * YEAR, 0].into_iter().enumerate() {
        clock.set(seconds);
        running.type_line(&number.to_string());
        running.wait_for(&format!("got-{number}"));
        assert_eq!(call.output_of("echo new"), "new\n", "a new connection at {seconds}");
    }
    call.end();
    let why = scanner.wait_until_off();
    assert!(why.contains("the engineer ended it"), "{why}");
    // What is shown of the time is what has really passed.
    let transcript = scanner.process.transcript();
    assert!(transcript.contains("for 10 minutes at most"), "{transcript}");
}

/// Gives the files of a record an age.
fn age(record: &Path, days: f64) {
    let then = SystemTime::now() - Duration::from_secs_f64(days * DAY as f64);
    for entry in std::fs::read_dir(record).expect("readable") {
        let file = File::options().write(true).open(entry.expect("readable").path()).expect("ours");
        file.set_modified(then).expect("it can be set");
    }
}

/// Half a day before an older record is due to go, the clock jumps a day forward and two back, and a session is recorded.
#[test]
fn a_clock_that_jumps_in_a_session_is_told_in_its_record_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(clock) = WallClock::in_directory(directory.path()) else { return };
    let (relay, state) = (Relay::start(), directory.path().join("state"));
    let (records, engineer) = (state.join("fieldlink-agent/records"), Engineer::enrolled(&relay, "Ada"));
    let scanner = |clock: &[(&'static str, OsString)]| {
        let environment = [clock, &[("XDG_STATE_HOME", state.clone().into())]].concat();
        Scanner::start_with(&relay, ScannerOptions { environment, ..Default::default() })
    };
    let first = scanner(&[]);
    engineer.call(&first).end();
    let older = closed_in(&records);
    drop(first);
    age(&older, 89.5);

    let mut scanner = scanner(&clock.environment());
    let call = engineer.call(&scanner);
    for seconds in [DAY, -DAY] {
        clock.set(seconds);
        assert_eq!(call.output_of(&format!("echo {seconds}")), format!("{seconds}\n"));
    }
    let status = engineer.connect().arg("status").output().expect("it runs").stdout;
    let status = String::from_utf8_lossy(&status);
    assert!(["59 min", "60 min"].iter().any(|left| status.contains(left)), "an hour is an hour: {status}");
    call.end();
    let why = scanner.wait_until_off();
    assert!(why.contains("the engineer ended it"), "{why}");
    std::fs::rename(&older, directory.path().join("older")).expect("it is still there");
    let record = closed_in(&records);
    assert!(!records.join("deleted.jsonl").exists());

    check_both(&record);
    let events = events_of(&record);
    let ended = Event::SessionEnded { reason: Reason::EngineerEnded, hearsay: false };
    assert!(events.contains(&Event::SessionBegan { seconds: 3600 }) && events.contains(&ended), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::TimeLeft { .. })), "{events:?}");
    let account = Account::read(&Directory::new(&record)).expect("a record");
    assert!(account.seconds().is_some_and(|seconds| seconds < 120), "{:?}", account.seconds());
    let steps = account.gaps.iter().map(|gap| match gap {
        Gap::ClockStep { seconds, .. } => *seconds,
        gap => panic!("{gap:?}"),
    });
    assert_eq!(steps.collect::<Vec<_>>(), [DAY, -2 * DAY]);
    let report = text(&account, Language::English);
    for step in ["set forward by 24 h 0 min.", "set back by 48 h 0 min."] {
        assert!(report.contains(&format!("The device's clock was {step}")), "{report}");
    }
}
