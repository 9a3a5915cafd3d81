//! The steps of dialling, with the time each took.

use std::time::Duration;

use tokio::time::Instant;

use super::DialError;

/// What is done on the way to the relay, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialStep {
    /// Look up the addresses of the relay, or of the proxy in between.
    Resolve,
    /// Connect to one of them.
    Tcp,
    /// Have the proxy connect to the relay. Only where a proxy is used.
    Proxy,
    /// Secure the connection, and check whose certificate is shown.
    Tls,
    /// Have the relay speak our protocol.
    Upgrade,
}

impl DialStep {
    /// A short name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Tcp => "tcp",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
        }
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// Which one.
    pub step: DialStep,
    /// How long it took.
    pub took: Duration,
    /// What it found, such as `10.0.0.1, 10.0.0.2`, or why it failed.
    pub detail: String,
    /// Whether the next step could follow.
    pub ok: bool,
}

/// Collects the reports. Stands outside of what may be cut off by a time-out, so that the step that
/// was cut off is reported too.
#[derive(Default)]
pub(super) struct Steps {
    reports: Vec<StepReport>,
    running: Option<(DialStep, Instant)>,
}

impl Steps {
    /// Takes the time of `work`; `describe` says what it found.
    pub(super) async fn run<T>(
        &mut self,
        step: DialStep,
        work: impl Future<Output = Result<T, DialError>>,
        describe: impl FnOnce(&T) -> String,
    ) -> Result<T, DialError> {
        self.running = Some((step, Instant::now()));
        let outcome = work.await;
        match &outcome {
            Ok(found) => self.finish(true, describe(found)),
            Err(error) => self.finish(false, error.to_string()),
        }
        outcome
    }

    /// The step that runs.
    pub(super) fn running(&self) -> Option<DialStep> {
        self.running.map(|(step, _)| step)
    }

    /// The step that runs is given up because of `error`.
    pub(super) fn give_up(&mut self, error: &DialError) {
        self.finish(false, error.to_string());
    }

    fn finish(&mut self, ok: bool, detail: String) {
        if let Some((step, begun)) = self.running.take() {
            self.reports.push(StepReport { step, took: begun.elapsed(), detail, ok });
        }
    }

    /// What was done, in order.
    pub(super) fn into_reports(self) -> Vec<StepReport> {
        self.reports
    }
}
