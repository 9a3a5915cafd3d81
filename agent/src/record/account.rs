//! What the rules tell, as events of the record. All of it: an event that is left out is named here.

mod people;
mod work;

use fieldlink_evidence::{Certified, Consent, Event, Person, Presence};
use fieldlink_protocol::messages::questions::Answer;

use crate::clock;
use crate::rules::{Asking, DataVerdict, Ending, Request, RuleEvent, SeatId};
use crate::view::person_of;

/// A small file of a record: its name and its content.
pub(super) type SmallFile = (String, Vec<u8>);

/// An event, and the files that go with it.
#[derive(Debug)]
pub(crate) struct Told {
    /// What the account says.
    pub event: Event,
    /// Those.
    pub files: Vec<SmallFile>,
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        Self { event, files: Vec::new() }
    }
}

/// What the record tells of `event`, if it is of a session. `owner` is the place of the engineer whose session it is.
pub(crate) fn told(event: &RuleEvent, owner: SeatId) -> Option<Told> {
    let SeatId(owner) = owner;
    Some(match event {
        RuleEvent::ConsentAsked { request, .. } => {
            let (certified, files) = certified(request, owner);
            return Some(Told { event: Event::ConsentAsked { person: person(request), seat: owner, certified }, files });
        }
        RuleEvent::Admitted { length, .. } => Event::SessionBegan { seconds: length.as_secs() }.into(),
        RuleEvent::Closed { ending, .. } => {
            let hearsay = matches!(ending, Ending::Hearsay(_));
            Event::SessionEnded { reason: ending.reason(), hearsay }.into()
        }
        RuleEvent::Interrupted { problem } => Event::Interrupted { problem: problem.clone() }.into(),
        RuleEvent::Resumed => Event::Resumed {}.into(),
        RuleEvent::RelayLost(_) => Event::RelayLost {}.into(),
        RuleEvent::Registered => Event::RelayBack {}.into(),
        RuleEvent::Returned { .. } => Event::EngineerReturned { seat: owner }.into(),
        RuleEvent::Asked(asked) => return Some(asked_of(asked)),
        RuleEvent::Answered { question, answer, .. } => {
            Event::Answered { id: *question, answer: without_secrets(answer)? }.into()
        }
        RuleEvent::Withdrawn { question } => Event::Withdrawn { id: *question }.into(),
        RuleEvent::UseAnswered { .. }
        | RuleEvent::DataAnswered { .. }
        | RuleEvent::OperationAnswered { .. }
        | RuleEvent::GuestAnswered { .. } => leave_answered(event)?.into(),
        RuleEvent::Transfers { transfers, .. } => Event::Transfers { transfers: *transfers }.into(),
        RuleEvent::Extended { seconds, .. } => Event::Extended { seconds: u64::from(*seconds) }.into(),
        RuleEvent::TimeLeft { minutes } => Event::TimeLeft { minutes: *minutes }.into(),
        RuleEvent::Chat { from, text } => {
            Event::Chat { from: from.map(|SeatId(seat)| seat), text: text.clone() }.into()
        }
        RuleEvent::Noted { text, by_client } => {
            Event::Noted { text: text.clone(), by_client: *by_client }.into()
        }
        RuleEvent::QuietBegan { until, text } => {
            let seconds = until.saturating_sub(clock::now()).as_secs_f64().round() as u64;
            Event::QuietBegan { seconds, text: text.clone() }.into()
        }
        RuleEvent::QuietOver => Event::QuietOver {}.into(),
        RuleEvent::Called => Event::Called {}.into(),
        RuleEvent::PresenceAsked { .. } => Event::ClientIs { presence: Presence::Asked }.into(),
        RuleEvent::ClientAway { is_held } => {
            Event::ClientIs { presence: if *is_held { Presence::Held } else { Presence::Away } }.into()
        }
        RuleEvent::ClientHere { .. } => Event::ClientIs { presence: Presence::Here }.into(),
        RuleEvent::HealthWarned { concern } => Event::HealthWarned(concern.clone()).into(),
        RuleEvent::BatteryLow { percent } => Event::BatteryLow { percent: *percent }.into(),
        RuleEvent::OutcomeSaid(outcome) => Event::OutcomeSaid(outcome.clone()).into(),
        RuleEvent::VerdictGiven { verdict, words, .. } => {
            Event::VerdictGiven { verdict: verdict.name().into(), words: words.clone() }.into()
        }
        RuleEvent::HandedOver { from, to, reason, .. } => {
            Event::HandedOver { from: from.0, to: to.0, reason: *reason }.into()
        }
        RuleEvent::Guest { seat, event } => return people::guest(*seat, event),
        RuleEvent::Observer { observer, name, event } => people::observer(*observer, name, event).into(),
        RuleEvent::OperationNotStarted { status } | RuleEvent::OperationIs { status, is_turn: true } => {
            work::operation(status).into()
        }
        RuleEvent::OperationIs { is_turn: false, .. } => return None,
        RuleEvent::Restarts { is_power, .. } => Event::Restarts { power: *is_power }.into(),
        RuleEvent::CarryOnOffered { .. } => Event::CarryOnOffered {}.into(),
        RuleEvent::CarryOnAgreed { .. } => Event::CarryOnAgreed {}.into(),
        RuleEvent::Runbook(event) => work::runbook(event)?.into(),
        // Of no session, or before there is one: the log of the audit has them.
        RuleEvent::Opened { .. }
        | RuleEvent::Declined { .. }
        | RuleEvent::NotBelieved { .. }
        | RuleEvent::TryFailed { .. }
        | RuleEvent::PinVerified { .. }
        | RuleEvent::NotLetIn { .. }
        // The record begins with it.
        | RuleEvent::Allowed { .. }
        // What another event tells as well.
        | RuleEvent::Begun
        | RuleEvent::NotAsked { .. }
        | RuleEvent::UseDecided { .. }
        | RuleEvent::OperationDecided { .. }
        | RuleEvent::OperationTold { .. }
        | RuleEvent::OperationHeard { .. }
        | RuleEvent::RestartAgreed { .. }
        | RuleEvent::Announced { .. }
        | RuleEvent::DataUsed { .. }
        | RuleEvent::BatteryIs { .. }
        | RuleEvent::ChatDelayed
        | RuleEvent::ChatAgain { .. }
        // The record tells that by itself.
        | RuleEvent::RecordingStopped { .. }
        | RuleEvent::People => return None,
    })
}

/// What the record tells of an engineer whom nobody was asked about.
pub(crate) fn let_in_by_pin(request: &Request, SeatId(seat): SeatId) -> Told {
    let (certified, files) = certified(request, seat);
    Told { event: Event::LetInByPin { person: person(request), seat, certified }, files }
}

fn asked_of(asked: &crate::rules::Asked) -> Told {
    let id = asked.id;
    match &asked.asking {
        Asking::Engineers { request, question } => {
            Event::Asked { id, seat: request.seat.0, question: question.clone() }.into()
        }
        Asking::Guest { seat, request, observes } => people::guest_asked(id, (*seat, request, *observes)),
        Asking::Use(function) => work::function_asked(id, *function).into(),
        Asking::Operation(titles) => work::operation_asked(id, titles).into(),
        Asking::Data { megabytes } => work::data_asked(id, *megabytes).into(),
    }
}

/// What came of a question whether something may be done.
fn leave_answered(event: &RuleEvent) -> Option<Event> {
    let of = |is_yes, is_unanswered| match (is_yes, is_unanswered) {
        (true, _) => Consent::Yes,
        (false, true) => Consent::NoAnswer,
        (false, false) => Consent::No,
    };
    let (id, consent) = match event {
        RuleEvent::UseAnswered { question, verdict, .. } => (question, work::consent_to_use(verdict)),
        RuleEvent::OperationAnswered { question, verdict, .. } => {
            (question, work::consent_to_operation(verdict))
        }
        RuleEvent::DataAnswered { question, verdict } => {
            (question, of(*verdict == DataVerdict::Allowed, *verdict == DataVerdict::Unanswered))
        }
        RuleEvent::GuestAnswered { question, is_allowed } => (question, of(*is_allowed, false)),
        _ => return None,
    };
    Some(Event::LeaveAnswered { id: *id, consent })
}

/// A record is read by many: what opens something is not in it. None: what is left tells nothing.
fn without_secrets(answer: &Answer) -> Option<Answer> {
    match answer {
        // That somebody was invited is told by itself.
        Answer::Link { .. } | Answer::JoinCode { .. } => None,
        Answer::Granted { .. }
        | Answer::Text { .. }
        | Answer::Choice { .. }
        | Answer::Done {}
        | Answer::Refused {}
        | Answer::NoAnswer {}
        | Answer::Busy {}
        | Answer::Taken {}
        | Answer::Restarting { .. }
        | Answer::NotNow { .. }
        | Answer::NoMoreTime {}
        | Answer::Runbook { .. } => Some(answer.clone()),
    }
}

/// An engineer, as the client reads them.
fn person(request: &Request) -> Person {
    let who = person_of(request);
    Person {
        name: who.engineer,
        company: who.company,
        ticket: who.ticket,
        partner: who.partner,
        engineer: request.engineer.id,
        run: request.run,
    }
}

/// What proves who an engineer is, and its files.
fn certified(request: &Request, seat: u64) -> (Option<Box<Certified>>, Vec<SmallFile>) {
    let Some(engagement) = &request.engagement else { return (None, Vec::new()) };
    let (proven, proof) = (&engagement.proven, &engagement.proof);
    let run = request.run.to_string();
    let name = |ending: &str| format!("engineer-{seat}-{}{ending}", &run[..8]);
    let (statement, signature, certificate) = (name(".statement"), name(".statement.sig"), name("-cert.pub"));
    let files = vec![
        (statement.clone(), proof.statement().as_bytes().to_vec()),
        (signature.clone(), proof.armoured().into_bytes()),
        (certificate.clone(), format!("{}\n", proof.certificate().to_openssh()).into_bytes()),
    ];
    let certified = Certified {
        statement,
        signature,
        certificate,
        authority: proven.authority.clone(),
        authority_fingerprint: proven.authority_fingerprint.clone(),
        key_id: proven.key_id.clone(),
        serial: proven.serial,
        principal: proven.principal.clone(),
        fingerprint: proven.fingerprint.clone(),
        user_verified: proven.is_user_verified,
    };
    (Some(Box::new(certified)), files)
}
