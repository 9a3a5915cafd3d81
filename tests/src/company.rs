//! How further engineers, and others who watch, come into a session.

use fieldlink_testbed::engineer::wait_until_active;
use fieldlink_testbed::programs::{Running, eventually};
use fieldlink_testbed::{Call, Engineer, PATIENCE, Relay, Scanner};

/// Starts one of `engineer`'s programs.
pub fn start(engineer: &Engineer, arguments: &[&str]) -> Running {
    Running::start("fieldlink-connect", engineer.connect().args(arguments))
}

/// The exit code of a program, once it has ended.
pub fn code(mut running: Running) -> i32 {
    running.wait_for_end().code().expect("it was not killed")
}

/// What an engineer is told of who is there comes beside what the others are told.
pub fn wait_for_status(engineer: &Engineer, wanted: &str) {
    eventually(wanted, PATIENCE, || {
        let output = engineer.connect().arg("status").output().expect("it runs");
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains(wanted)
    });
}

/// A join code, as it is read out.
pub fn join_code(engineer: &Engineer) -> String {
    let mut sharing = start(engineer, &["share", "--engineer"]);
    let code_line = sharing.wait_for(" - ");
    assert_eq!(code(sharing), 0);
    code_line
}

/// The half of a join code that is no secret.
pub fn address(code: &str) -> String {
    code.chars().filter(char::is_ascii_digit).take(9).collect()
}

/// Starts to join with a code.
pub fn start_joining(engineer: &Engineer, code: &str, further: &[&str]) -> Running {
    let mut command = engineer.connect();
    command.args(["join", "--json"]).args(further);
    let mut running = Running::start("fieldlink-connect", &mut command);
    running.type_line(code);
    running
}

/// Joins with the client's consent.
pub fn join<'a>(engineer: &'a Engineer, scanner: &mut Scanner, name: &str, code: &str) -> Call<'a> {
    let mut holder = start_joining(engineer, code, &[]);
    scanner.process.wait_for(&format!("{name} (Demo Company) wants to"));
    scanner.process.type_line("y");
    wait_until_active(&mut holder);
    Call::joined(engineer, &address(code), holder)
}

/// A link for `name`, with the client's consent.
pub fn link(engineer: &Engineer, scanner: &mut Scanner, name: &str) -> String {
    let mut sharing = start(engineer, &["share", "--observer", name]);
    scanner.process.wait_for(name);
    scanner.process.type_line("y");
    let link = sharing.wait_for("https://");
    assert_eq!(code(sharing), 0);
    link
}

/// Somebody without a login, and their computer.
pub struct Partner(pub Engineer);

impl Default for Partner {
    fn default() -> Self {
        Self::new()
    }
}

impl Partner {
    /// On a computer of their own.
    pub fn new() -> Self {
        Self(Engineer::new())
    }

    /// Watches, as a script would.
    pub fn watch(&self, relay: &Relay, link: &str) -> Running {
        let mut command = self.0.connect();
        command.args(["watch", "--json", "--ca-file"]).arg(relay.authority());
        let mut running = Running::start("fieldlink-connect", &mut command);
        running.type_line(link);
        running
    }
}
