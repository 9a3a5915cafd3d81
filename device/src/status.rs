//! What everyone on the device may know of remote access: the D-Bus properties, what the command line
//! prints, what the console shows. No PIN; and every text from elsewhere is cleaned already.

use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, SessionId};
use serde::Serialize;

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
    }
}

named! {
    /// Who is out of reach while a session is interrupted.
    Away {
        /// This device cannot reach the relay.
        Us = "us",
        /// The engineer's side, as far as we can tell.
        Them = "them",
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
    }
}

named! {
    /// What the client is told beside the status: the codes of the signal `Warning`.
    WarningCode {
        /// The end of the session is near.
        TimeLeft = "time-left",
        /// The session lasts longer now.
        MoreTime = "more-time",
        /// It cannot last any longer.
        NoMoreTime = "no-more-time",
        /// A wrong PIN was tried.
        WrongPin = "wrong-pin",
        /// Somebody was not let in.
        Refused = "refused",
        /// A question was answered.
        Answered = "answered",
        /// A question was not answered in time.
        NoAnswer = "no-answer",
        /// A question was taken back.
        Withdrawn = "withdrawn",
        /// A line of chat waits for the connection.
        Delayed = "delayed",
    }
}

impl WarningCode {
    /// Whether it says what became of the question that was open.
    pub fn closes_question(self) -> bool {
        match self {
            Self::TimeLeft | Self::WrongPin | Self::Delayed => false,
            Self::MoreTime
            | Self::NoMoreTime
            | Self::Refused
            | Self::Answered
            | Self::NoAnswer
            | Self::Withdrawn => true,
        }
    }
}

/// A short code that can be read out over the phone, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Line {
    /// The code; empty if there is none (yet).
    pub code: String,
    /// One sentence for the client.
    pub sentence: String,
}

/// Who connects, or wants to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// The session.
    pub session: SessionId,
    /// The engineer's name.
    pub engineer: String,
    /// Their company.
    pub company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
}

/// What the client is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// An answer must name it.
    pub id: QuestionId,
    /// How it is answered.
    pub kind: QuestionKind,
    /// The question.
    pub text: String,
    /// What to choose from.
    pub choices: Vec<String>,
    /// When no answer counts as none, in time since boot.
    #[serde(skip)]
    pub until: Duration,
}

/// A picture of remote access, without anything that could change it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Where it stands.
    pub phase: Phase,
    /// While it is off: why.
    pub notice: Option<Line>,
    /// How good the network is.
    pub network: Line,
    /// While connecting: what went wrong last.
    pub problem: Option<String>,
    /// Wrong PINs so far.
    pub wrong_tries: u8,
    /// Who connects.
    pub visitor: Option<Visitor>,
    /// When the session is over, in time since boot.
    pub deadline: Option<Duration>,
    /// While interrupted: who is away.
    pub away: Option<Away>,
    /// How often the engineer's program was started again and came back.
    pub returns: u32,
    /// What the client is asked.
    pub question: Option<Question>,
}

impl Visitor {
    /// One line: who, and what for.
    pub fn describe(&self) -> String {
        let Self { engineer, company, ticket, partner, .. } = self;
        let partner = partner.as_ref().map_or_else(String::new, |name| format!(", partner {name}"));
        format!("{engineer} ({company}), ticket {ticket}{partner}")
    }
}

impl Status {
    /// Whether an engineer is there, or about to be.
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
