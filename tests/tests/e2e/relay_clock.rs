//! The clock of the relay's computer is set while a session runs.

use std::path::{Path, PathBuf};

use fieldlink_tests::{Engineer, Relay, RelayOptions, Scanner};
use tempfile::TempDir;

/// A wall clock that one process sees (libfaketime); what does not step, it sees as it is.
struct WallClock {
    directory: TempDir,
    library: PathBuf,
}

impl WallClock {
    /// `None`, and a line that says so, where the library is missing.
    fn new() -> Option<Self> {
        let architecture = std::env::consts::ARCH;
        let places = [format!("/usr/lib/{architecture}-linux-gnu/faketime"), "/usr/lib/faketime".into()];
        let library =
            places.iter().map(|place| Path::new(place).join("libfaketimeMT.so.1")).find(|path| path.exists());
        let Some(library) = library else {
            eprintln!("skipped: libfaketime is missing (the package faketime)");
            return None;
        };
        let clock = Self { directory: tempfile::tempdir().expect("a directory"), library };
        clock.set("+0");
        Some(clock)
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("time")
    }

    /// Sets it, as the library reads it: `+1y`, `@1970-01-02 00:00:00`.
    fn set(&self, time: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, time).and_then(|()| std::fs::rename(&new, self.file())).expect("written");
    }

    fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let yes = PathBuf::from("1");
        vec![
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file()),
            ("FAKETIME_NO_CACHE", yes.clone()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", yes.clone()),
            ("DONT_FAKE_MONOTONIC", yes.clone()),
            ("NO_FAKE_STAT", yes),
        ]
    }
}

#[test]
fn a_relays_clock_that_is_set_ends_no_session() {
    let Some(clock) = WallClock::new() else { return };
    let options = RelayOptions { environment: clock.environment(), ..RelayOptions::default() };
    let mut relay = Relay::start_with(options);
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    for time in ["+1h", "+1y", "-1h", "-1y", "@1970-01-02 00:00:00"] {
        clock.set(time);
        // A new pipe: its tickets are issued and judged now.
        assert_eq!(call.output_of("echo open"), "open\n", "{time}");
        relay.crash();
        relay.launch();
        assert_eq!(call.output_of("echo again"), "again\n", "over a restart, {time}");
    }
    call.end();
    clock.set("+0");
    let rows = relay.audit();
    assert_eq!((rows.len(), &rows[0]["reason"]), (1, &"engineer-ended".into()));
}
