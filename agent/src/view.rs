//! What the client is shown of the rules' state: a status, with every text from elsewhere cleaned.

mod runbook;

use std::collections::BTreeMap;

use fieldlink_device::notice::{Notice, Person};
use fieldlink_device::operation::Operation;
use fieldlink_device::status::{
    Away, Beside, Phase, Question, QuestionKind, QuietPeriod, Status, Terms, Visitor,
};
use fieldlink_device::words::{Language, Words};
use fieldlink_protocol::messages::people::Part;
use fieldlink_protocol::messages::questions;
use fieldlink_protocol::policy::Permission;
use fieldlink_protocol::text;

use self::runbook::runbook_of;
pub(crate) use self::runbook::titles_of;
use crate::clock;
use crate::config::{Config, Titles};
use crate::network::Verdict;
use crate::rules::{
    Active, Asked, Asking, Carried, Carrying, Ending, OperationStatus, Presence, Request, Restarting, Rules,
    State,
};

/// What the rules' state looks like from outside. `notice` says why it is off, if it is.
pub(crate) fn status_of(rules: &Rules, terms: &Terms, notice: Option<&Notice>, network: &Verdict) -> Status {
    let mut status = Status { network: network.notice.clone(), ..Status::default() };
    let relay = rules.relay();
    match rules.state() {
        State::Off => {
            status.notice = notice.cloned();
            status.verdict_for = rules.verdict().session();
        }
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
            status.question = Some(Question::new(*question, QuestionKind::Consent, *until));
        }
        State::Admitting { request, .. } => {
            (status.phase, status.visitor) = (Phase::Admitting, Some(visitor_of(request)));
        }
        State::Active(active) => show_session(&mut status, active, relay.problem().is_some()),
        State::Restarting(restarting) => {
            let Restarting { request, is_power, .. } = &**restarting;
            status.phase = if *is_power { Phase::PowerOff } else { Phase::Restarting };
            status.visitor = Some(visitor_of(request));
        }
        State::Carrying(carrying) => show_carrying(&mut status, carrying),
    }
    status.operation = rules.operation().map(operation_of);
    status.terms = status.visitor.as_ref().map(|_| terms.clone());
    status
}

/// What the client allows with a yes.
pub(crate) fn terms_of(config: &Config) -> Terms {
    Terms {
        minutes: u32::try_from(config.session.length_seconds.div_ceil(60)).unwrap_or(u32::MAX),
        never: config.policy.with(Permission::Never).collect(),
        asks: config.policy.with(Permission::Ask).collect(),
        reaches: config.forward.destinations().map(|destination| text::name(&destination)).collect(),
        retention_days: config.record.retention_days,
    }
}

fn show_carrying(status: &mut Status, carrying: &Carrying) {
    let Carried { request, deadline, until, .. } = carrying.carried();
    (status.visitor, status.deadline) = (Some(visitor_of(request)), Some(*deadline));
    match carrying {
        Carrying::Offered { question, .. } => {
            status.phase = Phase::Asking;
            let left = deadline.saturating_sub(clock::now()).as_secs().div_ceil(60);
            let minutes = u32::try_from(left).unwrap_or(u32::MAX);
            let until = (*until).min(*deadline);
            status.question =
                Some(Question { minutes, ..Question::new(*question, QuestionKind::Continue, until) });
        }
        Carrying::Rejoining { .. } => status.phase = Phase::Returning,
    }
}

fn show_session(status: &mut Status, active: &Active, are_we_away: bool) {
    status.phase = if active.interrupted.is_some() { Phase::Interrupted } else { Phase::Active };
    // Whoever has joined gave a case of their own, if any.
    let who = Person { ticket: text::name(&active.case), ..person_of(&active.request) };
    status.visitor = Some(Visitor { session: active.session, who });
    status.deadline = Some(active.deadline);
    let away = if are_we_away { Away::Us } else { Away::Them };
    status.away = active.interrupted.as_ref().map(|_| away);
    status.returns = active.returns.count;
    let others =
        active.people().into_iter().map(|person| person.shown).filter(|person| person.part != Part::Owner);
    status.people = others.collect();
    status.question = active.question().map(question_of);
    let (presence, until) = match active.presence() {
        Presence::Here { .. } => (None, None),
        Presence::Asked { until } => (Some(Beside::Asked), Some(until)),
        Presence::Away { is_held: false } => (Some(Beside::Away), None),
        Presence::Away { is_held: true } => (Some(Beside::Held), None),
    };
    (status.presence, status.presence_deadline) = (presence, until);
    (status.data_used, status.is_metered) = active.data_used();
    status.low_battery = active.low_battery();
    status.runbook = active.runbook().and_then(|status| runbook_of(&status));
    status.quiet = active.quiet().map(|quiet| QuietPeriod { until: quiet.until, text: quiet.text.clone() });
}

/// The engineer who makes this request, every text cleaned: as proven, or else as the relay says.
pub(crate) fn person_of(request: &Request) -> Person {
    let proven = request.engagement.as_ref().map(|engagement| &engagement.proven);
    let (name, company) = request.names();
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

fn operation_of(OperationStatus { titles, state, line, .. }: &OperationStatus) -> Operation {
    Operation::new(of_codes(titles), *state, line.clone())
}

/// By the codes of the languages.
fn of_codes(titles: &Titles) -> BTreeMap<String, String> {
    titles.iter().map(|(language, title)| (language.code().to_owned(), text::name(title))).collect()
}

fn question_of(asked: &Asked) -> Question {
    let plain = |kind| Question::new(asked.id, kind, asked.until);
    match &asked.asking {
        Asking::Use(function) => Question { function: Some(*function), ..plain(QuestionKind::Use) },
        Asking::Operation(titles) => Question { titles: of_codes(titles), ..plain(QuestionKind::Operation) },
        Asking::Guest { request, observes, .. } => {
            let kind = if *observes { QuestionKind::JoinToWatch } else { QuestionKind::Join };
            Question { who: Some(person_of(request)), ..plain(kind) }
        }
        Asking::Data { megabytes } => Question { megabytes: *megabytes, ..plain(QuestionKind::Data) },
        Asking::Engineers { question, .. } => match question {
            questions::Question::Extension { minutes, reason } => {
                Question { minutes: *minutes, text: reason.clone(), ..plain(QuestionKind::Extension) }
            }
            questions::Question::Restart { reason, power } => {
                let kind = if *power { QuestionKind::PowerOff } else { QuestionKind::Restart };
                Question { text: reason.clone(), ..plain(kind) }
            }
            questions::Question::Step { text } => {
                Question { text: text.clone(), ..plain(QuestionKind::Step) }
            }
            questions::Question::Ready { ready } => {
                let kind = if ready.is_step() { QuestionKind::Step } else { QuestionKind::Text };
                let choices = ready.choices().iter().map(|&choice| choice.to_owned()).collect();
                Question { ready: Some(*ready), choices, ..plain(kind) }
            }
            questions::Question::Observer { name, report } => {
                let kind = if *report { QuestionKind::ObserveAndReport } else { QuestionKind::Observe };
                Question { text: name.clone(), ..plain(kind) }
            }
            // Answered without the client.
            questions::Question::JoinCode {}
            | questions::Question::HandOver { .. }
            | questions::Question::Remove { .. } => plain(QuestionKind::Text),
            questions::Question::Text { text, choices } => {
                Question { text: text.clone(), choices: choices.clone(), ..plain(QuestionKind::Text) }
            }
        },
    }
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
