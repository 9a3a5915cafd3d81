//! What the client is shown of the rules' state: a status, with every text from elsewhere cleaned.

use std::time::Duration;

use fieldlink_device::notice::{Notice, Person};
use fieldlink_device::status::{Away, Phase, Question, QuestionKind, Status, Visitor};
use fieldlink_device::words::{Language, Words};
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions;
use fieldlink_protocol::text;

use crate::network::Verdict;
use crate::rules::{Active, Asked, Ending, Request, Rules, State};

/// What the rules' state looks like from outside. `notice` says why it is off, if it is.
pub(crate) fn status_of(rules: &Rules, notice: Option<&Notice>, network: &Verdict) -> Status {
    let mut status = Status { network: network.notice.clone(), ..Status::default() };
    let relay = rules.relay();
    match rules.state() {
        State::Off => status.notice = notice.cloned(),
        State::Open { pair, .. } => {
            status.phase = if relay.is_registered() { Phase::Ready } else { Phase::Connecting };
            status.problem = relay.problem().map(text::sentence);
            status.wrong_tries = pair.failures();
        }
        // The client reads nothing of an engineer who has not proven the pipe yet.
        State::Greeting { pair, .. } => {
            (status.phase, status.wrong_tries) = (Phase::Ready, pair.failures());
        }
        State::Asking { request, question, until, .. } => {
            status.phase = Phase::Asking;
            status.visitor = Some(visitor_of(request));
            status.question = Some(consent(*question, *until));
        }
        State::Admitting { request, .. } => {
            (status.phase, status.visitor) = (Phase::Admitting, Some(visitor_of(request)));
        }
        State::Active(active) => show_session(&mut status, active, relay.problem().is_some()),
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

/// The engineer who makes this request, every text cleaned: as proven, or else as the relay says.
pub(crate) fn person_of(request: &Request) -> Person {
    let proven = request.engagement.as_ref().map(|engagement| &engagement.proven);
    let (name, company) = match proven {
        Some(proven) => (&proven.name, &proven.company),
        None => (&request.engineer.name, &request.engineer.company),
    };
    Person {
        engineer: text::name(name),
        company: text::name(company),
        authority: proven.map(|proven| text::name(&proven.authority)),
        ticket: text::name(&request.ticket),
        partner: request.partner.as_deref().map(text::name),
    }
}

/// The engineer who makes this request, in English, for the audit log.
pub(crate) fn describe(request: &Request) -> String {
    Words::new(Language::English).person(&person_of(request))
}

fn visitor_of(request: &Request) -> Visitor {
    Visitor { session: request.session, who: person_of(request) }
}

fn consent(id: QuestionId, until: Duration) -> Question {
    Question { id, kind: QuestionKind::Consent, minutes: 0, text: String::new(), choices: Vec::new(), until }
}

fn question_of(asked: &Asked) -> Question {
    let (kind, minutes, text, choices) = match &asked.question {
        questions::Question::Extension { minutes } => {
            (QuestionKind::Extension, *minutes, String::new(), Vec::new())
        }
        questions::Question::Text { text, choices } => (QuestionKind::Text, 0, text.clone(), choices.clone()),
    };
    Question { id: asked.id, kind, minutes, text, choices, until: asked.until }
}

/// What the client reads about an end.
pub(crate) fn notice_of(ending: &Ending) -> Notice {
    match ending {
        Ending::Reason(reason) => Notice::Ended(*reason),
        Ending::Hearsay(reason) => Notice::Hearsay(*reason),
        Ending::WrongPins(request) => Notice::Burnt(person_of(request)),
        Ending::Idle => Notice::Idle,
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::EngineerIdentity;
    use fieldlink_protocol::ids::{EngineerId, RunId, SessionId};
    use fieldlink_protocol::reason::Reason;

    use super::*;

    #[test]
    fn everything_from_elsewhere_is_cleaned() {
        let name = |text: &str| text.to_owned();
        let who = person_of(&Request {
            session: SessionId::random(),
            run: RunId::random(),
            engineer: EngineerIdentity {
                id: EngineerId::random(),
                name: name("Ada\u{1b}[2J"),
                company: name("Scans \u{202e}AG"),
            },
            ticket: name("T-7\u{1b}]0;x\u{7}"),
            partner: Some(name("Reseller\r\n")),
            engagement: None,
        });
        assert_eq!(
            Words::new(Language::English).person(&who),
            "Ada\u{fffd}[2J (Scans \u{fffd}AG), ticket T-7\u{fffd}]0;x\u{fffd}, partner Reseller\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn what_the_relay_says_is_told_as_its_word() {
        let words = Words::new(Language::English);
        let line = |ending| words.notice(&notice_of(&ending));
        let ended = Reason::ClientEnded;
        assert_eq!(line(Ending::Reason(ended)), "Remote access has ended: you ended it.");
        assert_eq!(
            line(Ending::Hearsay(ended)),
            "Remote access has ended: the support service says: the client ended it."
        );
        assert_eq!(
            line(Ending::Reason(Reason::Revoked)),
            "Remote access has ended: the engineer's access was withdrawn."
        );
    }
}
