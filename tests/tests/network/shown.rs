//! An agent in the foreground, and what its client reads of the network.

use std::process::Command;
use std::time::{Duration, Instant};

use fieldlink_tests::programs::Running;

/// How soon after NetworkManager's signal the verdict must be there.
const SOON: Duration = Duration::from_secs(2);

/// Killed when dropped.
pub(crate) struct Agent {
    process: Running,
}

impl Agent {
    /// Starts it, and waits until the relay knows it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let process = Running::start(
            "the agent",
            command.env("FIELDLINK_LOG", "fieldlink_agent=info,fieldlink_transport::pipe=debug"),
        );
        let mut agent = Self { process };
        agent.process.wait_for("ready, waiting");
        agent
    }

    /// What the client reads out: support ID and PIN.
    pub(crate) fn credentials(&mut self) -> (String, String) {
        let shown = self.process.transcript();
        let value = |name: &str| {
            let line = shown.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in:\n{shown}")).trim().to_owned()
        };
        (value("Support ID"), value("PIN"))
    }

    /// Waits until it has written `words` into its log.
    pub(crate) fn logs(&mut self, words: &str) {
        self.process.wait_for(words);
    }

    /// Waits for a verdict with `words`, which must be there soon after `signal`.
    pub(crate) fn reads(&mut self, words: &str, signal: Instant) {
        loop {
            let line = self.process.wait_for(words);
            if line.contains("  Network  ") {
                break;
            }
        }
        let late = Instant::now().saturating_duration_since(signal);
        assert!(late < SOON, "{words:?} was read {late:?} after the signal:\n{}", self.process.transcript());
    }

    /// Waits until it says, or makes sure that it has said, that everything is to be dialled anew.
    pub(crate) fn dials_anew(&mut self) {
        let words = "everything dials anew";
        if !self.process.transcript().contains(words) {
            self.process.wait_for(words);
        }
    }
}
