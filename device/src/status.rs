//! What every process on the device may read of remote access: the D-Bus properties, what the command line prints,
//! what the console shows. No PIN, and no sentence; every text from elsewhere is cleaned already.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::policy::{Function, Permission};
use serde::Serialize;

use crate::network_notice::NetworkNotice;
use crate::notice::{Notice, Person};
use crate::operation::Operation;
use crate::runbook::Runbook;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// The name on D-Bus and in JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What has this name, if this version knows it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// Where remote access stands.
    #[derive(Default)]
    Phase {
        /// Switched off.
        #[default]
        Off = "off",
        /// Switched on; the relay does not know of it yet.
        Connecting = "connecting",
        /// An engineer could connect now.
        Ready = "ready",
        /// An engineer who knows the PIN waits for the client's yes.
        Asking = "asking",
        /// The client said yes.
        Admitting = "admitting",
        /// The engineer works.
        Active = "active",
        /// The engineer works, and is out of reach for the moment.
        Interrupted = "interrupted",
        /// The device restarts, and the session is to go on afterwards.
        Restarting = "restarting",
        /// The device may lose its power, and the session is to go on once it is back.
        PowerOff = "power-off",
        /// The device has restarted, and the engineer's program comes back.
        Returning = "returning",
    }
}

named! {
    /// Which side is out of reach while a session is interrupted.
    Away {
        /// This device cannot reach the relay.
        Us = "us",
        /// The engineer's side, as far as we can tell.
        Them = "them",
    }
}

named! {
    /// Whether somebody is beside the device, as far as is not taken for granted.
    Beside {
        /// They are asked.
        Asked = "asked",
        /// They have not answered.
        Away = "away",
        /// They have not answered, and what the engineer sends is held until somebody does.
        Held = "held",
    }
}

named! {
    /// What kind of answer a question takes.
    QuestionKind {
        /// Whether an engineer may come in: yes or no.
        Consent = "consent",
        /// Whether the session may last longer: yes or no.
        Extension = "extension",
        /// One of the choices, or words if there are none.
        Text = "text",
        /// Something to do: done, or no.
        Step = "step",
        /// Whether a function may be used in this session: yes or no.
        Use = "use",
        /// Whether more data may go over a connection that may cost money: yes or no.
        Data = "data",
        /// Whether an operation may be started: yes or no.
        Operation = "operation",
        /// Whether the device may restart, and the session go on afterwards: yes or no.
        Restart = "restart",
        /// Whether the power may be cut, and the session go on afterwards: yes or no.
        PowerOff = "power-off",
        /// Whether the session goes on, now that the device has restarted: yes or no.
        Continue = "continue",
        /// A further engineer wants to work in the session.
        Join = "join",
        /// A further engineer wants to watch it.
        JoinToWatch = "join-to-watch",
        /// Somebody is to watch it with a link.
        Observe = "observe",
        /// The same, and they get a copy of the report at the end.
        ObserveAndReport = "observe-and-report",
    }
}

impl QuestionKind {
    /// Whether yes and no are the answers.
    pub fn is_yes_or_no(self) -> bool {
        match self {
            Self::Consent
            | Self::Extension
            | Self::Use
            | Self::Data
            | Self::Operation
            | Self::Restart
            | Self::PowerOff
            | Self::Continue
            | Self::Join
            | Self::JoinToWatch
            | Self::Observe
            | Self::ObserveAndReport => true,
            Self::Text | Self::Step => false,
        }
    }
}

/// The engineer who connects, or asks to, and in which session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// The session's ID.
    pub session: SessionId,
    /// The engineer.
    #[serde(flatten)]
    pub who: Person,
}

/// What an engineer who is let in may do, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Terms {
    /// Minutes that a session lasts, unless the client gives more.
    pub minutes: u32,
    /// What the device's owner never permits.
    pub never: Vec<Function>,
    /// What the client is asked about when it is to be used.
    pub asks: Vec<Function>,
    /// Where forwards may lead beside the device itself, as "host:port".
    pub reaches: Vec<String>,
    /// Days that the record of the session is kept on this device; 0: it is not recorded.
    pub retention_days: u32,
}

impl Terms {
    /// The functions that have this permission.
    pub fn with(&self, permission: Permission) -> impl Iterator<Item = Function> {
        Function::ALL.into_iter().filter(move |function| self.of(*function) == permission)
    }

    fn of(&self, function: Function) -> Permission {
        match function {
            never if self.never.contains(&never) => Permission::Never,
            asked if self.asks.contains(&asked) => Permission::Ask,
            _ => Permission::Allowed,
        }
    }
}

/// A time in which the engineer works alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietPeriod {
    /// Until when, in time since boot.
    pub until: Duration,
    /// What is done meanwhile; empty if the engineer has not said.
    pub text: String,
}

/// What the client is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// An answer must name it.
    pub id: QuestionId,
    /// How it is answered.
    pub kind: QuestionKind,
    /// How many minutes longer, for an extension.
    pub minutes: u32,
    /// More than how many megabytes were moved, if more data is the question.
    pub megabytes: u32,
    /// What the engineer wants to use, if that is the question.
    pub function: Option<Function>,
    /// What the operation is called that the engineer wants to start, by the code of the language.
    pub titles: BTreeMap<String, String>,
    /// The question or step, if it is one that there are words for; the choices are names then.
    pub ready: Option<Ready>,
    /// The question in the engineer's words, if it is one of theirs, or why they want more time.
    pub text: String,
    /// What to choose from.
    pub choices: Vec<String>,
    /// Who wants to join, if that is asked.
    pub who: Option<Person>,
    /// When no answer counts as none, in time since boot.
    #[serde(skip)]
    pub until: Duration,
}

impl Question {
    /// A question with nothing beside its kind.
    pub fn new(id: QuestionId, kind: QuestionKind, until: Duration) -> Self {
        Self {
            id,
            kind,
            minutes: 0,
            megabytes: 0,
            function: None,
            titles: BTreeMap::new(),
            ready: None,
            text: String::new(),
            choices: Vec::new(),
            who: None,
            until,
        }
    }
}

/// A picture of remote access, without anything that could change it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Where it stands.
    pub phase: Phase,
    /// While it is off: why.
    pub notice: Option<Notice>,
    /// While it is off: the session whose verdict is asked for.
    pub verdict_for: Option<SessionId>,
    /// How good the network is.
    pub network: NetworkNotice,
    /// While connecting: what went wrong last.
    pub problem: Option<String>,
    /// Wrong PINs so far.
    pub wrong_tries: u8,
    /// The engineer who connects, or asks to.
    pub visitor: Option<Visitor>,
    /// What they may do, or could.
    pub terms: Option<Terms>,
    /// When the session is over, in time since boot.
    pub deadline: Option<Duration>,
    /// While interrupted: which side is out of reach.
    pub away: Option<Away>,
    /// How often the engineer's program was started again and came back.
    pub returns: u32,
    /// Who takes part besides the engineer whose session it is.
    pub people: Vec<Participant>,
    /// Whether somebody is there, if that is a question.
    pub presence: Option<Beside>,
    /// While they are asked whether they are there: when no answer counts as none, in time since boot.
    pub presence_deadline: Option<Duration>,
    /// The quiet period of now.
    pub quiet: Option<QuietPeriod>,
    /// Bytes that the session has moved.
    pub data_used: u64,
    /// While somebody is connected: whether NetworkManager takes data for metered.
    pub is_metered: bool,
    /// While somebody is connected: percent that are left in this device's battery, if they are few.
    pub low_battery: Option<u8>,
    /// What the client is asked.
    pub question: Option<Question>,
    /// The operation that runs, or ran last: it may outlive the session.
    pub operation: Option<Operation>,
    /// The list of steps that the engineer goes through.
    pub runbook: Option<Runbook>,
}

impl Status {
    /// Whether an engineer is connected, or about to be.
    pub fn is_in_session(&self) -> bool {
        matches!(self.phase, Phase::Admitting | Phase::Active | Phase::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for phase in [Phase::Off, Phase::Connecting, Phase::Ready, Phase::Asking, Phase::Interrupted] {
            assert_eq!(Phase::from_name(phase.name()), Some(phase));
        }
        assert_eq!(Phase::from_name("asleep"), None);
    }
}
