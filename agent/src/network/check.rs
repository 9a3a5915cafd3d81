//! `fieldlink-agent check-network`: looks at everything once and says what it saw.
//!
//! It contacts the configured relay and the system bus, nothing else.

use std::time::Duration;

use fieldlink_protocol::endpoint;
use fieldlink_transport::{Dialer, Measurement, measure};
use tokio::time::{Instant, timeout};

use super::clock::Clock;
use super::reach::Reach;
use super::state::NetworkState;
use super::verdict::{self, Code, Verdict};
use super::watcher::Watcher;

/// How long NetworkManager may take to say something, from connecting to the bus on.
const MANAGER: Duration = Duration::from_secs(5);

/// What was seen, and what is concluded from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What is concluded from the rest.
    pub verdict: Verdict,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What NetworkManager said.
    pub network: NetworkState,
    /// What the measurement gave, if there was one.
    pub measurement: Option<Measurement>,
    /// What the clock said.
    pub clock: Clock,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name in the report: `networkmanager`, a step of dialling, or `measurement`.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What was found, or why it failed.
    pub detail: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It found what a session needs.
    Ok,
    /// It failed, or found something too bad for a session.
    Failed,
    /// It says nothing either way.
    Unknown,
}

impl Report {
    /// The program's exit code: 0 for N0 only, 10 and the verdict's number for the others (11 for N1).
    pub fn exit_code(&self) -> u8 {
        match self.verdict.code {
            Code::N0 => 0,
            code => 10 + code.number(),
        }
    }
}

/// Asks NetworkManager and the relay, at the same time.
pub async fn run(dialer: &Dialer) -> Report {
    let watcher = Watcher::start();
    let ((manager_step, state), (mut steps, reach)) = tokio::join!(ask_manager(&watcher), ask_relay(dialer));
    // Meanwhile more may have become known.
    let network = match state.borrow().clone() {
        NetworkState::Unasked => NetworkState::Silent("nothing was said in time".into()),
        network => network,
    };
    watcher.close().await;
    steps.insert(0, manager_step);
    let clock = Clock::read();
    let verdict = Verdict::of(&network, &reach, clock);
    let measurement = match reach {
        Reach::Answers(measurement) => measurement,
        Reach::Unasked | Reach::Failed(_) => None,
    };
    Report { verdict, steps, network, measurement, clock }
}

async fn ask_manager(watcher: &Watcher) -> (Step, tokio::sync::watch::Receiver<NetworkState>) {
    let (began, mut state) = (Instant::now(), watcher.state());
    // Cut short, it says that it was not asked; that is what is then known.
    let _ = timeout(MANAGER, state.wait_for(|state| *state != NetworkState::Unasked)).await;
    let outcome = if state.borrow().known().is_some() { Outcome::Ok } else { Outcome::Unknown };
    let detail = verdict::describe_manager(&state.borrow());
    (Step { name: "networkmanager", outcome, took: began.elapsed(), detail }, state)
}

async fn ask_relay(dialer: &Dialer) -> (Vec<Step>, Reach) {
    let (reports, dialled) = dialer.probe(endpoint::MEASURE).await;
    let step = |report: fieldlink_transport::StepReport| Step {
        name: report.step.name(),
        outcome: if report.ok { Outcome::Ok } else { Outcome::Failed },
        took: report.took,
        detail: report.detail,
    };
    let mut steps: Vec<_> = reports.into_iter().map(step).collect();
    let socket = match dialled {
        Ok(socket) => socket,
        Err(error) => {
            let reach = Reach::of_refusal(&error);
            if let (Reach::Answers(_), Some(last)) = (&reach, steps.last_mut()) {
                last.outcome = Outcome::Unknown;
            }
            return (steps, reach);
        }
    };
    let began = Instant::now();
    let measurement = measure(socket).await;
    steps.push(Step {
        name: "measurement",
        outcome: if verdict::is_good(&measurement) { Outcome::Ok } else { Outcome::Failed },
        took: began.elapsed(),
        detail: verdict::describe_measurement(&measurement),
    });
    (steps, Reach::Answers(Some(measurement)))
}
