//! The sealed conversation with the agent: who we both are, the client's answer, heartbeats, the end.
//!
//! [`Conversation`] is pure: it takes bytes and times and gives events; [`channel`] moves them over
//! the control pipe.

pub(crate) mod channel;
mod closing;
mod pace;
mod questions;
pub(crate) mod requests;
mod talk;

use std::fmt::{Display, Formatter};
use std::time::{Duration, Instant};

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::live::LiveEvent;
use fieldlink_protocol::messages::control::{ClientPresence, FromAgent, Transfers};
use fieldlink_protocol::messages::observer::Seen;
use fieldlink_protocol::messages::operation::OperationState;
use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::messages::report::ReportPiece;
use fieldlink_protocol::messages::runbook::RunbookRun;
use fieldlink_protocol::messages::{Features, decode};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::Opener;
use fieldlink_protocol::{feature, limits, text};
use fieldlink_transport::PipeLink;

pub(crate) use closing::ReportWish;
pub(crate) use requests::{ControlHandle, ControlRequests, Undelivered, voice};
use serde::{Deserialize, Serialize};
pub(crate) use talk::ChannelEvent;

use crate::ssh_key::PublicKey;
use crate::words::say;

/// The agent's introduction, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentHello {
    /// The one host key to trust.
    pub host_key: PublicKey,
    /// The account to work as.
    pub user: String,
    /// The scanner's name, fit to be shown.
    pub hostname: String,
    /// What its software understands.
    pub features: Features,
}

/// What happened on the control pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The agent introduced itself.
    Hello(AgentHello),
    /// The client is being asked.
    Asking(Duration),
    /// The client said yes: so long does the session last.
    Admitted(Duration),
    /// So long does the session still last.
    Remaining(Duration),
    /// The client granted more time: so long does the session last now.
    Extended(Duration),
    /// What came of a question, fit to be shown.
    Answered {
        /// The question.
        request: u32,
        /// The answer.
        answer: Answer,
    },
    /// Whether the client is there.
    Presence(ClientPresence),
    /// Bytes that the session has moved, and what becomes of channels that carry much.
    Data(u64, Transfers),
    /// How long the quiet period lasts still; none: there is none.
    Quiet(Option<Duration>),
    /// What terminals show is not recorded any more.
    RecordingStopped,
    /// Percent that are left in the scanner's battery, if they are few.
    Battery(Option<u8>),
    /// Something of the scanner's health is worth a warning. **Not cleaned**.
    HealthWarned(Concern),
    /// How an operation of the scanner's stands.
    Operation(String, OperationState),
    /// Who takes part now; cleaned.
    People(Vec<Participant>),
    /// For one who only watches: what terminals show. **Not cleaned**.
    Live(LiveEvent),
    /// For one who only watches: what else happened. **Not cleaned**.
    Seen(Seen),
    /// The runbook that is gone through in this session.
    Runbook(RunbookRun),
    /// A line from the client, fit to be shown.
    Chat(String),
    /// The agent is out of reach. Told again when there is more to say.
    Interrupted(Trouble),
    /// The agent is heard again.
    Resumed,
    /// The session is over, and its report can be fetched.
    Closing(Reason),
    /// A piece of the report. **Not checked** against what was asked for.
    Report(ReportPiece),
    /// The agent ended it.
    End(Reason),
}

/// What is wrong with the connection to the agent, while another is being tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// What was last seen to go wrong, as a sentence part.
    pub problem: String,
    /// Connections that were tried since and failed.
    pub tries: u32,
}

impl Display for Trouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { problem, tries } = self;
        f.write_str(&say!("trouble", problem = problem, tries = u64::from(*tries)))
    }
}

/// Why the session must end at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken(pub Reason);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Introduced,
    Asking,
    Admitted,
    /// It is over, and stays for the report.
    Closing,
}

/// The engineer's half of the conversation.
pub(crate) struct Conversation {
    opener: Opener,
    phase: Phase,
    /// When the present phase must be over, until the client has said yes.
    patience: Instant,
    /// How long the session was said to last still, once it is admitted.
    left: Duration,
    heard: Instant,
    interrupted: bool,
    /// Whether the scanner stays for its report.
    offers_report: bool,
}

impl Conversation {
    /// A conversation that begins at `now`.
    pub(crate) fn new(opener: Opener, now: Instant) -> Self {
        let patience = now + limits::HANDSHAKE;
        let left = Duration::ZERO;
        Self {
            opener,
            phase: Phase::Opening,
            patience,
            left,
            heard: now,
            interrupted: false,
            offers_report: false,
        }
    }

    /// Takes bytes as they come off the pipe; gives what they mean.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) -> Result<Vec<Heard>, Broken> {
        self.opener.receive(bytes);
        let mut events = Vec::new();
        while let Some(message) = self.opener.open_next().map_err(|_| Broken(Reason::Tampered))? {
            self.heard = now;
            if std::mem::take(&mut self.interrupted) {
                events.push(Heard::Resumed);
            }
            // It was sealed by the scanner's program: a relay has no part in what is wrong with it.
            let message = decode(&message).map_err(|_| Broken(Reason::Incompatible))?;
            events.push(self.understand(message, now)?);
        }
        Ok(events)
    }

    fn understand(&mut self, message: FromAgent, now: Instant) -> Result<Heard, Broken> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        match (message, self.phase) {
            (FromAgent::End { reason }, _) => Ok(Heard::End(reason)),
            (FromAgent::Hello { host_key, user, hostname, features, .. }, Phase::Opening) => {
                self.enter(Phase::Introduced, now + limits::HANDSHAKE);
                let host_key = host_key.parse().map_err(|_| Broken(Reason::Incompatible))?;
                let hostname = text::name(&hostname);
                self.offers_report = features.has(feature::REPORT);
                Ok(Heard::Hello(AgentHello { host_key, user, hostname, features }))
            }
            (FromAgent::Asking { seconds: asked }, Phase::Introduced) => {
                let asked = seconds(asked).min(limits::CONSENT);
                self.enter(Phase::Asking, now + asked + limits::HANDSHAKE);
                Ok(Heard::Asking(asked))
            }
            (FromAgent::Admitted { seconds: lasts }, Phase::Introduced | Phase::Asking) => {
                self.phase = Phase::Admitted;
                self.left = seconds(lasts);
                Ok(Heard::Admitted(self.left))
            }
            (FromAgent::Heartbeat { seconds: left }, Phase::Introduced | Phase::Asking) => {
                Ok(Heard::Remaining(seconds(left)))
            }
            (FromAgent::Closing { reason }, Phase::Admitted) => {
                self.phase = Phase::Closing;
                Ok(Heard::Closing(reason))
            }
            (FromAgent::Report { piece }, Phase::Closing) => Ok(Heard::Report(piece)),
            (FromAgent::Heartbeat { seconds: left }, Phase::Closing) => Ok(Heard::Remaining(seconds(left))),
            (FromAgent::Heartbeat { seconds: left }, Phase::Admitted) => Ok(self.remains(seconds(left))),
            (FromAgent::Answered { request, answer }, Phase::Admitted) => {
                Ok(Heard::Answered { request, answer: clean(answer) })
            }
            (FromAgent::Presence { state }, Phase::Admitted) => Ok(Heard::Presence(state)),
            (FromAgent::Data { bytes, transfers }, Phase::Admitted) => Ok(Heard::Data(bytes, transfers)),
            (FromAgent::Quiet { seconds: left }, Phase::Admitted) => {
                Ok(Heard::Quiet((left > 0).then(|| seconds(left))))
            }
            (FromAgent::RecordingStopped {}, Phase::Admitted) => Ok(Heard::RecordingStopped),
            (FromAgent::Battery { percent }, Phase::Admitted) => Ok(Heard::Battery(percent)),
            (FromAgent::HealthWarned { concern }, Phase::Admitted) => Ok(Heard::HealthWarned(concern)),
            (FromAgent::Operation { operation, state }, Phase::Admitted) => {
                Ok(Heard::Operation(operation, state))
            }
            (FromAgent::People { people }, Phase::Admitted) => Ok(Heard::People(clean_people(people))),
            (FromAgent::Live { event }, Phase::Admitted) => Ok(Heard::Live(event)),
            (FromAgent::Seen { event }, Phase::Admitted) => Ok(Heard::Seen(event)),
            (FromAgent::Runbook { run }, Phase::Admitted) => Ok(Heard::Runbook(run)),
            (FromAgent::Chat { text }, Phase::Admitted) => Ok(Heard::Chat(text::clean(&text, limits::CHAT))),
            _ => Err(Broken(Reason::Incompatible)),
        }
    }

    /// Time only passes, unless the client grants some. The scanner counts in whole seconds.
    fn remains(&mut self, left: Duration) -> Heard {
        let before = std::mem::replace(&mut self.left, left);
        if left > before + Duration::from_secs(1) { Heard::Extended(left) } else { Heard::Remaining(left) }
    }

    fn enter(&mut self, phase: Phase, patience: Instant) {
        self.phase = phase;
        self.patience = patience;
    }

    /// What the mere passing of time means. Call it at every [`Self::deadline`].
    pub(crate) fn wait(&mut self, now: Instant) -> Result<Option<Heard>, Broken> {
        if !self.was_admitted() && now >= self.patience {
            let asked = self.phase == Phase::Asking;
            return Err(Broken(if asked { Reason::NoAnswer } else { Reason::Silence }));
        }
        if now >= self.heard + limits::INTERRUPTION {
            return Err(Broken(Reason::Silence));
        }
        if self.interrupted || now < self.heard + limits::HEARTBEAT_LOST {
            return Ok(None);
        }
        self.interrupted = true;
        let problem = say!("nothing-comes-through");
        Ok(Some(Heard::Interrupted(Trouble { problem, tries: 0 })))
    }

    /// Whether the agent is out of reach.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// What it means that the pipe under the conversation has lost its connection, or has one again.
    pub(crate) fn link(&mut self, link: &PipeLink, now: Instant) -> Option<Heard> {
        match link {
            // A connection alone is no sign of life: a relay could give us one after another and keep
            // back what is said on them.
            PipeLink::Up if now >= self.heard + limits::HEARTBEAT_LOST => None,
            PipeLink::Up => std::mem::take(&mut self.interrupted).then_some(Heard::Resumed),
            PipeLink::Down { problem, tries } if self.was_admitted() => {
                self.interrupted = true;
                let problem = text::sentence(problem);
                Some(Heard::Interrupted(Trouble { problem, tries: *tries }))
            }
            PipeLink::Down { .. } => None,
        }
    }

    /// When [`Self::wait`] has something to say next, unless something is heard before.
    pub(crate) fn deadline(&self) -> Instant {
        let silence = if self.interrupted { limits::INTERRUPTION } else { limits::HEARTBEAT_LOST };
        let silence = self.heard + silence;
        if self.was_admitted() { silence } else { silence.min(self.patience) }
    }

    fn was_admitted(&self) -> bool {
        matches!(self.phase, Phase::Admitted | Phase::Closing)
    }

    /// Whether the scanner can say that there is a report, if it is told the end.
    pub(crate) fn may_have_report(&self) -> bool {
        self.phase == Phase::Admitted && self.offers_report && !self.interrupted
    }
}

fn clean(answer: Answer) -> Answer {
    match answer {
        Answer::Text { text, language } => {
            Answer::Text { text: text::clean(&text, limits::CHAT), language: text::name(&language) }
        }
        Answer::Choice { choice, language } => {
            Answer::Choice { choice: text::name(&choice), language: text::name(&language) }
        }
        other => other,
    }
}

fn clean_people(people: Vec<Participant>) -> Vec<Participant> {
    let clean = |person: Participant| Participant {
        name: text::name(&person.name),
        company: text::name(&person.company),
        ..person
    };
    people.into_iter().map(clean).collect()
}

#[cfg(test)]
mod tests;
