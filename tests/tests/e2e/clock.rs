//! A wall clock that is set during a session changes nothing of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::Running;
use fieldlink_tests::{Call, Engineer, Relay, Scanner, ScannerOptions};

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

const YEAR: i64 = 365 * 86_400;

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
