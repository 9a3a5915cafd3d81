//! The steps of dialling, with the time each took.

use std::time::Duration;

use tokio::time::Instant;

use super::DialError;
use super::race::AttemptId;
use super::route::Route;

/// What is done on the way to the relay, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// What is said of an address that falls silent in this step.
    const fn silence(self) -> &'static str {
        match self {
            Self::Resolve | Self::Tcp => "no answer",
            Self::Proxy => "takes the connection, and leads nowhere",
            Self::Tls => "takes the connection, then says nothing",
            Self::Upgrade => "secures the connection, then says nothing",
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

/// The steps of one attempt.
pub(super) struct Trace {
    pub(super) route: Route,
    reports: Vec<StepReport>,
    /// The step that runs, or that failed or was left in the middle.
    running: Option<(DialStep, Instant)>,
    error: Option<DialError>,
    problem: Option<String>,
}

impl Trace {
    pub(super) fn begin(route: Route) -> Self {
        let running = Some((DialStep::Tcp, Instant::now()));
        Self { route, reports: Vec::new(), running, error: None, problem: None }
    }

    /// `step` begins.
    pub(super) fn next(&mut self, step: DialStep) {
        self.running = Some((step, Instant::now()));
    }

    /// The step that runs is done; `detail` is what it found.
    pub(super) fn finish(&mut self, step: DialStep, detail: String) {
        if let Some((_, begun)) = self.running.take() {
            self.reports.push(StepReport { step, took: begun.elapsed(), detail, ok: true });
        }
    }

    /// The step that runs has failed.
    pub(super) fn fail(&mut self, error: DialError) {
        self.problem = Some(error.at_address());
        self.report_failure(error.to_string());
        self.error = Some(error);
    }

    /// Nothing more is waited for, because of `error`, which is what the attempt's last report is to say.
    pub(super) fn give_up(&mut self, error: &DialError) {
        match self.reports.last_mut().filter(|report| !report.ok) {
            Some(report) => report.detail = error.to_string(),
            None => self.report_failure(error.to_string()),
        }
    }

    fn report_failure(&mut self, detail: String) {
        if let Some((step, begun)) = self.running {
            self.reports.push(StepReport { step, took: begun.elapsed(), detail, ok: false });
        }
    }

    /// The step that runs or failed.
    pub(super) fn running(&self) -> Option<DialStep> {
        self.running.map(|(step, _)| step)
    }

    /// What was wrong, as far as is known.
    pub(super) fn problem(&self) -> String {
        let silence = || self.running().map_or("not needed", DialStep::silence).to_owned();
        self.problem.clone().unwrap_or_else(silence)
    }

    pub(super) fn take_error(&mut self) -> Option<DialError> {
        self.error.take()
    }

    pub(super) fn reports(&self) -> &[StepReport] {
        &self.reports
    }

    /// How much its end says: the further it got, the more; an error more than silence; of TLS's errors, those
    /// about a certificate most.
    fn weight(&self) -> (Option<DialStep>, u8) {
        let kind = match &self.error {
            None => 0,
            Some(DialError::Tls(..)) => 1,
            Some(DialError::OutdatedTls(..)) => 2,
            Some(_) => 3,
        };
        (self.running(), kind)
    }
}

/// The attempt whose end says most; the earlier of two.
pub(super) fn best_of(traces: &[Trace]) -> Option<AttemptId> {
    let numbered = traces.iter().enumerate().rev();
    numbered.max_by_key(|(_, trace)| trace.weight()).map(|(number, _)| AttemptId(number))
}
