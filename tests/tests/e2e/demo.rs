//! `make demo`, as a person plays it in a terminal, and that it leaves nothing.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::programs::{eventually, path_of};
use fieldlink_tests::scanner::descendants_of;
use fieldlink_tests::terminal::Terminal;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A demo in a terminal, and the directory that it may write in.
struct Demo {
    terminal: Terminal,
    directory: TempDir,
}

impl Demo {
    /// Starts it, and reads the PIN off the scanner's screen.
    fn start() -> (Self, String) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(path_of("demo"));
        command.env("TMPDIR", directory.path());
        let mut terminal = Terminal::run(&command);
        terminal.wait_for("│  PIN          ");
        let pin = terminal.wait_for_within("\r\n", PATIENCE);
        terminal.wait_for("PIN: ");
        (Self { terminal, directory }, pin)
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path()).expect("readable");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    fn pid(&self) -> u32 {
        self.terminal.child.id()
    }

    /// Waits for its end; the exit code.
    fn wait(&mut self) -> i32 {
        let mut status = None;
        eventually("the demo has ended", Duration::from_secs(30), || {
            status = self.terminal.child.try_wait().expect("it can be waited for");
            status.is_some()
        });
        let status = status.expect("just found");
        status.code().unwrap_or_else(|| panic!("killed by {:?}", status.signal()))
    }
}

fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("there").permissions().mode() & 0o777
}

#[test]
fn both_sides_are_played_one_after_the_other_on_one_screen() {
    let (mut demo, pin) = Demo::start();
    let right: u32 = pin.parse().expect("four digits");
    demo.terminal.type_password(&format!("{:04}", (right + 1) % 10_000));
    demo.terminal.wait_for("not accepted");
    demo.terminal.wait_for("PIN: ");
    demo.terminal.type_password(&pin);
    demo.terminal.wait_for("now you are the client");
    // A line that is neither is asked again, and nothing of the engineer's comes in between.
    for answer in ["maybe", "yes"] {
        let between = demo.terminal.wait_for_within("Type yes or no", PATIENCE);
        assert!(!between.contains("waiting for the client"), "{between:?}");
        demo.terminal.type_keys(&format!("{answer}\r"));
    }
    demo.terminal.wait_for("`exit` ends the call");
    demo.terminal.wait_for("connected to");
    demo.terminal.type_keys("echo in-the-sh''ell\r");
    demo.terminal.wait_for("in-the-shell");
    demo.terminal.type_keys("exit\r");
    demo.terminal.wait_for("The call is over");
    assert_eq!(demo.wait(), 0);
    assert!(demo.entries().is_empty(), "{:?}", demo.entries());
}

#[test]
fn broken_off_it_leaves_neither_files_nor_processes() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (mut demo, _) = Demo::start();
        let [directory] = &demo.entries()[..] else { panic!("one directory: {:?}", demo.entries()) };
        assert_eq!(mode(directory), 0o700);
        let started = descendants_of(demo.pid());
        assert!(started.len() >= 3, "relay, agent and fieldlink-connect: {started:?}");
        kill(Pid::from_raw(demo.pid().cast_signed()), signal).expect("it runs");
        assert_eq!(demo.wait(), 128 + signal as i32);
        assert!(demo.entries().is_empty(), "{signal}: {:?}", demo.entries());
        let left: Vec<_> = started.into_iter().filter(|&pid| is_alive(pid)).collect();
        assert_eq!(left, [0; 0], "{signal}");
    }
}

#[test]
fn ctrl_c_while_the_client_is_asked_leaves_nothing() {
    let (mut demo, pin) = Demo::start();
    demo.terminal.type_password(&pin);
    demo.terminal.wait_for("Type yes or no");
    let started = descendants_of(demo.pid());
    demo.terminal.type_keys("\u{3}");
    assert_eq!(demo.wait(), 130);
    assert!(demo.entries().is_empty(), "{:?}", demo.entries());
    assert!(!started.into_iter().any(is_alive));
}
