//! The end client, who uses `fieldlink` at the scanner.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Container, Person};
use crate::PATIENCE;
use crate::programs::{Running, run_with_input};

/// A user of a scanner, with its command line.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    scanner: &'a Container,
    person: Person<'a>,
}

/// A support ID and its PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Nine digits.
    pub support_id: String,
    /// Four digits.
    pub pin: String,
}

impl<'a> Client<'a> {
    /// The client at the screen.
    pub fn of(scanner: &'a Container) -> Self {
        Self::as_person(scanner, Person::Client)
    }

    /// Another user of the same command line.
    pub fn as_person(scanner: &'a Container, person: Person<'a>) -> Self {
        Self { scanner, person }
    }

    /// `fieldlink ARGUMENTS`.
    pub fn fieldlink(&self, arguments: &[&str]) -> Command {
        self.scanner.command(self.person, &[&["fieldlink"], arguments].concat())
    }

    /// Runs `fieldlink ARGUMENTS`, which may fail.
    pub fn try_to(&self, arguments: &[&str]) -> Output {
        run_with_input(&mut self.fieldlink(arguments), b"")
    }

    /// Starts `fieldlink ARGUMENTS`, and lets it go on.
    pub fn start_to(&self, arguments: &[&str]) -> Running {
        Running::start("fieldlink", &mut self.fieldlink(arguments))
    }

    /// The exit code of `fieldlink ARGUMENTS`.
    pub fn code_of(&self, arguments: &[&str]) -> Option<i32> {
        self.try_to(arguments).status.code()
    }

    /// Runs `fieldlink ARGUMENTS`, which must succeed; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.scanner.run_as(self.person, &[&["fieldlink"], arguments].concat())
    }

    /// The object that `fieldlink status --json` prints.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"])).expect("a JSON object")
    }

    /// The field `state` of it, such as `ready`.
    pub fn state(&self) -> String {
        state_of(&self.status()).to_owned()
    }

    /// What changes from now on.
    pub fn watch(&self) -> Watch {
        Watch { running: self.start_to(&["status", "--watch", "--json"]) }
    }

    /// Starts remote access, and reads what is on the screen once it is ready.
    pub fn start(&self) -> Pair {
        self.run(&["start"]);
        self.credentials()
    }

    /// What is on the screen.
    pub fn credentials(&self) -> Pair {
        let text = self.run(&["credentials", "--json"]);
        let value: Value = serde_json::from_str(&text).expect("a JSON object");
        let field = |name: &str| value[name].as_str().expect("text").to_owned();
        Pair { support_id: field("support_id"), pin: field("pin") }
    }
}

impl Pair {
    /// A PIN that is not the right one.
    pub fn wrong_pin(&self) -> String {
        let right: u32 = self.pin.parse().expect("four digits");
        format!("{:04}", (right + 1) % 10_000)
    }
}

/// `fieldlink status --watch --json`.
pub struct Watch {
    running: Running,
}

impl Watch {
    /// Waits for a status of which `wanted` is true.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_within(what, PATIENCE, wanted)
    }

    /// The same, for longer.
    pub fn until_within(&mut self, what: &str, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + patience;
        while let Some(line) = self.running.next_line(deadline.saturating_duration_since(Instant::now())) {
            match serde_json::from_str::<Value>(&line) {
                // Other objects tell of chat and warnings.
                Ok(status) if status["state"].is_string() && wanted(&status) => return status,
                _ => {}
            }
        }
        panic!("the client never saw {what}, but:\n{}", self.running.transcript())
    }

    /// Waits for a state.
    pub fn until_state(&mut self, state: &str) -> Value {
        self.until(state, |status| state_of(status) == state)
    }
}

/// The state in a status.
pub fn state_of(status: &Value) -> &str {
    status["state"].as_str().expect("a state")
}
