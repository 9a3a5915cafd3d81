//! The rules by example: a call up to the session, and the session.

mod call;
mod data;
mod operations;
mod people;
mod presence;
mod restart;
mod runbooks;
mod session;
mod uses;
mod verdict;

use std::sync::Arc;

use fieldlink_device::order::ClientAnswer;
use fieldlink_device::words::Language;
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{EngineerId, QuestionId, RunId};
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::Charge;
use proptest::prelude::*;

pub(super) use runbooks::word;

use super::*;
use crate::network::reach::FailureKind;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn request(n: u8) -> Request {
    Request {
        session: SessionId::from_bytes([n; 16]),
        run: RunId::from_bytes([n; 16]),
        engineer: EngineerIdentity {
            id: EngineerId::from_bytes([n; 16]),
            name: "Ada".into(),
            company: "X".into(),
        },
        ticket: "T-1".into(),
        partner: None,
        engagement: None,
    }
}

pub(super) fn outage() -> Failure {
    Failure { kind: FailureKind::Silence, detail: "no answer".into() }
}

pub(super) fn registration(rules: &mut Rules) -> Option<Arc<Registration>> {
    rules.state.pair_mut().map(|pair| pair.registration.clone())
}

pub(super) fn events(rules: &mut Rules) -> Vec<RuleEvent> {
    std::iter::from_fn(|| rules.poll_event()).collect()
}

/// Open and registered, nothing left to poll.
fn open(consent: Consent) -> (Rules, Arc<Registration>) {
    open_with(consent, PresenceMode::Off)
}

fn open_with(consent: Consent, presence: PresenceMode) -> (Rules, Arc<Registration>) {
    let mut rules = Rules::new(consent, presence, SessionConfig::default());
    rules.handle_order(Order::Start, Duration::ZERO).expect("off");
    rules.handle_registered();
    let registration = registration(&mut rules).expect("a pair");
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Opened { .. }, RuleEvent::Registered]));
    (rules, registration)
}

fn verified(rules: &mut Rules, registration: &Arc<Registration>, n: u8) -> Result<(), Reason> {
    let charge = rules.handle_charge(registration, RunId::random())?;
    rules.handle_verified(request(n), registration, charge, SECOND)
}

/// The question that a greeted engineer leads to.
fn ask(rules: &mut Rules) -> QuestionId {
    rules.handle_greeted(true, SECOND);
    match events(rules).pop() {
        Some(RuleEvent::ConsentAsked { question, .. }) => question,
        other => panic!("{other:?}"),
    }
}

fn answer(rules: &mut Rules, question: QuestionId, answer: ClientAnswer) -> Result<(), Refusal> {
    rules.handle_order(Order::Answer(question, answer), SECOND)
}

fn ended(reason: Reason) -> Vec<RuleEvent> {
    vec![closed(Some(request(1)), Ending::Reason(reason))]
}

fn closed(request: Option<Request>, ending: Ending) -> RuleEvent {
    RuleEvent::Closed { request, ending, is_relay_away: false }
}

/// What is due at `now`.
fn due(rules: &mut Rules, now: Duration) -> Vec<RuleEvent> {
    rules.handle_timeout(now);
    events(rules)
}

/// What is due at `now`, for a session that is heard all the time.
fn due_when_heard(rules: &mut Rules, now: Duration) -> Vec<RuleEvent> {
    rules.handle_heard(now);
    due(rules, now)
}

/// A session that was admitted at `now`.
fn active(now: Duration) -> Rules {
    active_with(PresenceMode::Off, now)
}

fn active_with(presence: PresenceMode, now: Duration) -> Rules {
    let (mut rules, registration) = open_with(Consent::Pin, presence);
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.handle_greeted(true, now);
    rules.handle_begun();
    assert!(rules.handle_admitted(request(1).session, now));
    let last = events(&mut rules).pop();
    assert!(matches!(last, Some(RuleEvent::Admitted { .. })), "{last:?}");
    rules
}

fn asked(rules: &Rules) -> QuestionId {
    rules.state().active().and_then(|active| active.question()).expect("a question").id
}
