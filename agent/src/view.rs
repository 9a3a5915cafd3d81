//! What the client is shown of the rules' state: a status, with every text from elsewhere cleaned.

use std::time::Duration;

use fieldlink_device::status::{Away, Line, Phase, Question, QuestionKind, Status, Visitor};
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;

use crate::network::{Code, Verdict};
use crate::rules::{Active, Asked, Request, State};
use crate::session::control::Teller;

/// What a state looks like from outside.
pub fn status_of(state: &State, notice: Option<&Notice>, problem: Option<&str>, network: &Verdict) -> Status {
    let mut status = Status { network: describe_network(network), ..Status::default() };
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
            let visitor = status.visitor.insert(visitor_of(request));
            status.question = Some(consent(*question, visitor, *until));
        }
        State::Admitting { request, .. } => {
            (status.phase, status.visitor) = (Phase::Admitting, Some(visitor_of(request)));
        }
        State::Active(active) => show_session(&mut status, active, problem.is_some()),
    }
    status
}

fn show_session(status: &mut Status, active: &Active, are_we_away: bool) {
    status.phase = if active.interrupted.is_some() { Phase::Interrupted } else { Phase::Active };
    status.visitor = Some(visitor_of(&active.request));
    status.deadline = Some(active.deadline);
    let away = if are_we_away { Away::Us } else { Away::Them };
    status.away = active.interrupted.as_ref().map(|_| away);
    status.returns = active.returns.count;
    status.question = active.asked.as_ref().map(question_of);
}

/// Who makes this request.
pub fn visitor_of(request: &Request) -> Visitor {
    Visitor {
        session: request.session,
        engineer: text::name(&request.engineer.name),
        company: text::name(&request.engineer.company),
        ticket: text::name(&request.ticket),
        partner: request.partner.as_deref().map(text::name),
    }
}

fn consent(id: QuestionId, visitor: &Visitor, until: Duration) -> Question {
    let text = format!("Allow {}?", visitor.describe());
    Question { id, kind: QuestionKind::Consent, text, choices: Vec::new(), until }
}

fn question_of(asked: &Asked) -> Question {
    let (kind, text, choices) = match &asked.question {
        questions::Question::Extension { minutes } => {
            let text = format!("The engineer asks for {minutes} more minutes. Agree?");
            (QuestionKind::Extension, text, Vec::new())
        }
        questions::Question::Text { text, choices } => (QuestionKind::Text, text.clone(), choices.clone()),
    };
    Question { id: asked.id, kind, text, choices, until: asked.until }
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
                    visitor_of(request).describe()
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
    use fieldlink_protocol::ids::{EngineerId, RunId, SessionId};

    use super::*;

    #[test]
    fn everything_from_elsewhere_is_cleaned() {
        let name = |text: &str| text.to_owned();
        let visitor = visitor_of(&Request {
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
        let question = consent(QuestionId::random(), &visitor, Duration::ZERO);
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
}
