//! What everyone on the device may know of remote access: the D-Bus properties, what the command line
//! prints, what the console shows. No PIN; and every text from elsewhere is cleaned already.

use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::messages::questions;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;
use serde::Serialize;

use crate::control::Teller;
use crate::network::{Code, Verdict};
use crate::rules::{Active, Asked, Request, State};

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
    /// Whoever makes this request.
    pub fn of(request: &Request) -> Self {
        Self {
            session: request.session,
            engineer: text::name(&request.engineer.name),
            company: text::name(&request.engineer.company),
            ticket: text::name(&request.ticket),
            partner: request.partner.as_deref().map(text::name),
        }
    }

    /// One line: who, and what for.
    pub fn describe(&self) -> String {
        let Self { engineer, company, ticket, partner, .. } = self;
        let partner = partner.as_ref().map_or_else(String::new, |name| format!(", partner {name}"));
        format!("{engineer} ({company}), ticket {ticket}{partner}")
    }
}

impl Question {
    fn consent(id: QuestionId, visitor: &Visitor, until: Duration) -> Self {
        let text = format!("Allow {}?", visitor.describe());
        Self { id, kind: QuestionKind::Consent, text, choices: Vec::new(), until }
    }

    fn of(asked: &Asked) -> Self {
        let (kind, text, choices) = match &asked.question {
            questions::Question::Extension { minutes } => {
                let text = format!("The engineer asks for {minutes} more minutes. Agree?");
                (QuestionKind::Extension, text, Vec::new())
            }
            questions::Question::Text { text, choices } => {
                (QuestionKind::Text, text.clone(), choices.clone())
            }
        };
        Self { id: asked.id, kind, text, choices, until: asked.until }
    }
}

impl Status {
    /// What a state looks like from outside.
    pub fn of(state: &State, notice: Option<&Notice>, problem: Option<&str>, network: &Verdict) -> Self {
        let mut status = Self { network: describe_network(network), ..Self::default() };
        match state {
            State::Off => status.notice = notice.map(Notice::line),
            State::Open { pair, registered, .. } => {
                status.phase = if *registered { Phase::Ready } else { Phase::Connecting };
                status.problem = problem.filter(|_| !registered).map(text::sentence);
                status.wrong_tries = pair.failures();
            }
            // The client reads nothing of an engineer who has not proven the pipe yet.
            State::Greeting { pair, .. } => {
                (status.phase, status.wrong_tries) = (Phase::Ready, pair.failures());
            }
            State::Asking { request, question, until, .. } => {
                status.phase = Phase::Asking;
                let visitor = status.visitor.insert(Visitor::of(request));
                status.question = Some(Question::consent(*question, visitor, *until));
            }
            State::Admitting { request, .. } => {
                (status.phase, status.visitor) = (Phase::Admitting, Some(Visitor::of(request)));
            }
            State::Active(active) => status.show_session(active, problem.is_some()),
        }
        status
    }

    fn show_session(&mut self, active: &Active, are_we_away: bool) {
        self.phase = if active.interrupted.is_some() { Phase::Interrupted } else { Phase::Active };
        self.visitor = Some(Visitor::of(&active.request));
        self.deadline = Some(active.deadline);
        let away = if are_we_away { Away::Us } else { Away::Them };
        self.away = active.interrupted.as_ref().map(|_| away);
        self.returns = active.returns.count;
        self.question = active.asked.as_ref().map(Question::of);
    }

    /// Whether an engineer is there, or about to be.
    pub fn is_in_session(&self) -> bool {
        matches!(self.phase, Phase::Admitting | Phase::Active | Phase::Interrupted)
    }
}

/// Before the relay has answered, nobody is to read "N0" over the phone.
fn describe_network(verdict: &Verdict) -> Line {
    let code = match verdict.code {
        Code::N0 if !verdict.is_proven => String::new(),
        code => code.to_string(),
    };
    Line { code, sentence: text::sentence(&verdict.sentence) }
}

/// Why remote access went off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A session ended, or access was switched off.
    Ended(Reason),
    /// The relay says so, and names somebody else as the cause, which it may have made up.
    Hearsay(Reason),
    /// The PIN was tried wrongly too often; the last to try it was this one.
    Burnt(Box<Request>),
    /// Nobody used it.
    Idle,
}

impl Notice {
    /// What `teller` says.
    pub fn told(reason: Reason, teller: Teller) -> Self {
        match teller {
            Teller::Relay if !reason.is_relays_own() => Self::Hearsay(reason),
            Teller::Relay | Teller::Party => Self::Ended(reason),
        }
    }

    /// The reason that the other sides are told. Hearsay is not passed on under our own seal.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Ended(reason) => *reason,
            Self::Hearsay(_) => Reason::RelayEnded,
            Self::Burnt(_) => Reason::Burnt,
            Self::Idle => Reason::AgentStopped,
        }
    }

    /// Why, as a part of a sentence.
    pub fn cause(&self) -> String {
        match self {
            Self::Hearsay(reason) => format!("the support service says: {}", reason.sentence()),
            other => to_client(other.reason()).to_owned(),
        }
    }

    fn line(&self) -> Line {
        let (code, sentence) = match self {
            Self::Ended(reason) | Self::Hearsay(reason) => {
                (reason.code(), format!("Remote access has ended: {}.", self.cause()))
            }
            Self::Burnt(request) => (
                Reason::Burnt.code(),
                format!(
                    "Three wrong PINs were tried, the last one by {}. The support ID and PIN are no longer valid.",
                    Visitor::of(request).describe()
                ),
            ),
            Self::Idle => ("idle", "Nobody connected for a while.".to_owned()),
        };
        Line { code: code.to_owned(), sentence }
    }
}

/// A reason as the one reads it who sits before the device.
fn to_client(reason: Reason) -> &'static str {
    match reason {
        Reason::ClientEnded => "you ended it",
        Reason::AgentStopped => "it was switched off on this device",
        Reason::AgentRestarted => "it failed on this device and was started again",
        Reason::SessionProcessLost => "what runs the engineer's programs failed on this device",
        Reason::BurntByRefusals => "an engineer was not let in twice, which uses up the support ID and PIN",
        Reason::BurntByWithdrawals => {
            "you were asked too often without being able to answer, which uses up the support ID and PIN"
        }
        Reason::ScannerFailed => "this device could not let the engineer in",
        reason => reason.sentence(),
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::EngineerIdentity;
    use fieldlink_protocol::ids::{EngineerId, RunId};

    use super::*;

    #[test]
    fn everything_from_elsewhere_is_cleaned() {
        let name = |text: &str| text.to_owned();
        let visitor = Visitor::of(&Request {
            session: SessionId::random(),
            run: RunId::random(),
            engineer: EngineerIdentity {
                id: EngineerId::random(),
                name: name("Ada\u{1b}[2J"),
                company: name("Scans \u{202e}AG"),
            },
            ticket: name("T-7\u{1b}]0;x\u{7}"),
            partner: Some(name("Reseller\r\n")),
        });
        let question = Question::consent(QuestionId::random(), &visitor, Duration::ZERO);
        assert_eq!(
            question.text,
            "Allow Ada\u{fffd}[2J (Scans \u{fffd}AG), ticket T-7\u{fffd}]0;x\u{fffd}, partner Reseller\u{fffd}\u{fffd}?"
        );
    }

    #[test]
    fn what_the_relay_says_is_told_as_its_word() {
        let line = |reason, teller| Notice::told(reason, teller).line().sentence;
        assert_eq!(line(Reason::ClientEnded, Teller::Party), "Remote access has ended: you ended it.");
        let hearsay = Notice::told(Reason::ClientEnded, Teller::Relay);
        assert_eq!(
            hearsay.line().sentence,
            "Remote access has ended: the support service says: the client ended it."
        );
        assert_eq!(hearsay.reason(), Reason::RelayEnded, "the engineer must not read it as ours");
        assert_eq!(
            line(Reason::Revoked, Teller::Relay),
            "Remote access has ended: the engineer's access was withdrawn."
        );
    }

    #[test]
    fn names_lead_back() {
        for phase in [Phase::Off, Phase::Connecting, Phase::Ready, Phase::Asking, Phase::Interrupted] {
            assert_eq!(Phase::from_name(phase.name()), Some(phase));
        }
        assert_eq!(Phase::from_name("asleep"), None);
    }
}
