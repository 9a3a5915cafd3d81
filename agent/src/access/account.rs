//! What is told of an event of the rules: notifications to the client, and lines of the audit log.

mod people;

use fieldlink_daemon::AUDIT;
use fieldlink_device::order::Notification;
use fieldlink_device::warning::Warning;
use fieldlink_identity::Proven;
use fieldlink_protocol::messages::announcements::Outcome;
use fieldlink_protocol::messages::operation::OperationRefusal;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::policy::Denied;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;
use fieldlink_protocol::{limits, messages};

use super::runbook;
use crate::clock;
use crate::rules::{DataVerdict, NotLetIn, OperationStatus, Request, RuleEvent};
use crate::view::{self, person_of};

/// What the client is told of `event`, beside what the status shows.
pub(super) fn notification_of(event: &RuleEvent) -> Option<Notification> {
    if let RuleEvent::Chat { from, text } = event {
        return Some(Notification::Chat { from_engineer: from.is_some(), text: text.clone() });
    }
    warning_of(event).map(Notification::Warning)
}

fn warning_of(event: &RuleEvent) -> Option<Warning> {
    Some(match event {
        // The end tells of the last try.
        RuleEvent::TryFailed { is_last: true, .. } => return None,
        RuleEvent::TryFailed { request, reason: Reason::WrongPin, .. } => {
            Warning::WrongPin { who: person_of(request) }
        }
        RuleEvent::NotBelieved { is_news: false, .. } => return None,
        RuleEvent::NotBelieved { request, reason, .. } => {
            Warning::NotBelieved { who: person_of(request), reason: *reason }
        }
        // An engineer who breaks off there has learnt whether the PIN was right.
        RuleEvent::TryFailed { request, .. } => Warning::BrokenOff { who: person_of(request) },
        RuleEvent::NotLetIn { request, why, is_usable, .. } => return not_let_in(request, *why, *is_usable),
        RuleEvent::Answered { answer, .. } => return answered(answer),
        RuleEvent::UseAnswered { function, verdict, .. } => match verdict {
            Ok(()) => Warning::UseAllowed { function: *function },
            Err(Denied::Unanswered(_)) => Warning::NoAnswer,
            Err(_) => Warning::AnsweredNo,
        },
        RuleEvent::OperationAnswered { verdict, .. } => match verdict {
            Ok(()) => Warning::OperationAllowed,
            Err(OperationRefusal::Unanswered) => Warning::NoAnswer,
            Err(_) => Warning::AnsweredNo,
        },
        RuleEvent::DataAnswered { verdict, .. } => match verdict {
            DataVerdict::Allowed => Warning::DataAllowed,
            DataVerdict::Refused => Warning::AnsweredNo,
            DataVerdict::Unanswered => Warning::NoAnswer,
        },
        RuleEvent::GuestAnswered { is_allowed: true, .. } => Warning::GuestAllowed,
        RuleEvent::GuestAnswered { is_allowed: false, .. } => Warning::AnsweredNo,
        RuleEvent::Guest { event, .. } => return people::warning_of_guest(event),
        RuleEvent::Observer { name, event, .. } => return people::warning_of_observer(name, event),
        RuleEvent::HandedOver { request, .. } => people::handed_over(request),
        RuleEvent::BatteryLow { percent } => Warning::BatteryLow { percent: *percent },
        RuleEvent::HealthWarned { concern } => Warning::Health { concern: messages::encode(concern) },
        RuleEvent::RecordingStopped { .. } => Warning::RecordingStopped,
        RuleEvent::Withdrawn { .. } => Warning::Withdrawn,
        RuleEvent::QuietBegan { until, text } => {
            let seconds = until.saturating_sub(clock::now()).as_secs_f64().round() as u64;
            Warning::Quiet { seconds, text: text.clone() }
        }
        RuleEvent::VerdictGiven { verdict, words, .. } => {
            Warning::VerdictGiven { verdict: *verdict, words: words.clone() }
        }
        RuleEvent::Runbook(event) => return runbook::warning_of(event),
        RuleEvent::QuietOver => Warning::QuietOver,
        RuleEvent::Called => Warning::Called,
        RuleEvent::Noted { text, by_client } => Warning::Noted { text: text.clone(), by_client: *by_client },
        RuleEvent::OutcomeSaid(Outcome { result, summary, prepare }) => {
            Warning::Outcome { result: *result, summary: summary.clone(), prepare: prepare.clone() }
        }
        RuleEvent::PresenceAsked { until } => {
            Warning::StillThere { seconds: until.saturating_sub(clock::now()).as_secs_f64().round() as u64 }
        }
        RuleEvent::ClientAway { is_held } => Warning::NobodyThere { is_held: *is_held },
        RuleEvent::ClientHere { was_held } => Warning::BackAgain { was_held: *was_held },
        RuleEvent::Extended { seconds, .. } => Warning::MoreTime { seconds: u64::from(*seconds) },
        RuleEvent::TimeLeft { minutes } => Warning::TimeLeft { minutes: *minutes },
        RuleEvent::ChatDelayed => Warning::Delayed,
        _ => return None,
    })
}

fn not_let_in(request: &Request, why: NotLetIn, is_usable: bool) -> Option<Warning> {
    let engineer = person_of(request).engineer;
    match why {
        NotLetIn::Refused => is_usable.then_some(Warning::Refused { engineer }),
        NotLetIn::Unanswered => is_usable.then_some(Warning::NotLetIn { engineer }),
        NotLetIn::Gone { reason, teller, was_asked } => {
            let hearsay = teller.is_hearsay(reason);
            was_asked.then_some(Warning::NoLongerAsks { engineer, reason, hearsay })
        }
    }
}

fn answered(answer: &Answer) -> Option<Warning> {
    match answer {
        // How long the session lasts now is told by itself.
        Answer::Granted { .. } | Answer::Busy {} | Answer::Taken {} | Answer::Runbook { .. } => None,
        // The client was told of them by themselves.
        Answer::Link { .. } | Answer::JoinCode { .. } => None,
        Answer::Refused {} => Some(Warning::AnsweredNo),
        Answer::Text { text, .. } => Some(Warning::Answered { text: text::clean(text, limits::CHAT) }),
        Answer::Choice { choice, .. } => Some(Warning::Chosen { choice: choice.clone() }),
        Answer::Done {} => Some(Warning::Done),
        Answer::NoMoreTime {} => Some(Warning::NoMoreTime),
        Answer::Restarting { seconds } => Some(Warning::Restarting { seconds: u64::from(*seconds) }),
        Answer::NotNow { .. } => Some(Warning::NoRestart),
        Answer::NoAnswer {} => Some(Warning::NoAnswer),
    }
}

/// What proved who an engineer is, to be found again at the authority.
pub(super) fn audit_engagement(request: &Request) {
    let Some(engagement) = &request.engagement else { return };
    let Proven { key_id, serial, principal, fingerprint: key, is_user_verified, .. } = &engagement.proven;
    let (session, authority) = (&request.session, &engagement.proven.authority_fingerprint);
    tracing::info!(target: AUDIT, %session, key_id, serial, principal, "certified");
    tracing::info!(target: AUDIT, %session, key, authority, is_user_verified, "signed");
}

/// Writes down what has to be found again later, by session and engineer.
pub(super) fn audit(event: &RuleEvent) {
    match event {
        RuleEvent::Opened { .. } => tracing::info!(target: AUDIT, "remote access goes on"),
        RuleEvent::TryFailed { request, reason, .. } => {
            let (engineer, who) = (&request.engineer.id, view::describe(request));
            tracing::info!(target: AUDIT, %engineer, who, %reason, "a pairing failed");
        }
        RuleEvent::NotBelieved { request, reason, .. } => {
            let (engineer, who) = (&request.engineer.id, view::describe(request));
            tracing::info!(target: AUDIT, %engineer, who, %reason, "an engineer is turned away");
        }
        RuleEvent::ConsentAsked { request, .. } => {
            let (session, who) = (&request.session, view::describe(request));
            tracing::info!(target: AUDIT, %session, who, "the client is asked");
            audit_engagement(request);
        }
        RuleEvent::NotLetIn { request, why, .. } => {
            let (session, reason) = (&request.session, why.reason().code());
            tracing::info!(target: AUDIT, %session, reason, "an engineer is not let in");
        }
        RuleEvent::Admitted { request, .. } => {
            let (session, who) = (&request.session, view::describe(request));
            tracing::info!(target: AUDIT, %session, who, "an engineer is connected");
        }
        RuleEvent::Returned { request, .. } => {
            let (session, engineer) = (&request.session, &request.engineer.id);
            tracing::info!(target: AUDIT, %session, %engineer, "the engineer's program is back");
        }
        RuleEvent::Closed { request, ending, .. } => {
            let session = request.as_ref().map(|request| request.session.to_string());
            let reason = ending.reason().code();
            tracing::info!(target: AUDIT, reason, session, "remote access goes off");
        }
        RuleEvent::UseAnswered { function, verdict, .. } => {
            let (function, is_allowed) = (function.name(), verdict.is_ok());
            tracing::info!(target: AUDIT, function, is_allowed, "the client was asked about a function");
        }
        RuleEvent::Restarts { request, is_power } => {
            let session = &request.session;
            tracing::info!(target: AUDIT, %session, is_power, "the device restarts, and the session is to go on");
        }
        RuleEvent::CarryOnOffered { request, .. } => {
            let (session, who) = (&request.session, view::describe(request));
            tracing::info!(target: AUDIT, %session, who, "the client is asked whether the session goes on");
        }
        RuleEvent::CarryOnAgreed { request } => {
            let session = &request.session;
            tracing::info!(target: AUDIT, %session, "the client agreed that the session goes on");
        }
        RuleEvent::OperationAnswered { name, verdict, .. } => {
            let is_allowed = verdict.is_ok();
            tracing::info!(target: AUDIT, operation = name, is_allowed, "the client was asked about an operation");
        }
        RuleEvent::OperationNotStarted { status } => {
            let OperationStatus { session, name, run, .. } = status;
            tracing::info!(target: AUDIT, %session, operation = name, %run, "an operation was not started");
        }
        RuleEvent::OperationIs { status, is_turn: true } => {
            let OperationStatus { session, name, run, state, .. } = status;
            tracing::info!(target: AUDIT, %session, operation = name, %run, ?state, "an operation");
        }
        RuleEvent::Guest { event, .. } => people::audit_guest(event),
        RuleEvent::Observer { observer, name, event } => people::audit_observer(observer, name, event),
        RuleEvent::HandedOver { request, reason, .. } => {
            let (session, who, reason) =
                (&request.session, view::describe(request), reason.map(Reason::code));
            tracing::info!(target: AUDIT, %session, who, reason, "the session is another engineer's now");
        }
        RuleEvent::DataAnswered { verdict, .. } => {
            tracing::info!(target: AUDIT, ?verdict, "the client was asked about more data");
        }
        RuleEvent::ClientAway { is_held } => {
            tracing::info!(target: AUDIT, is_held, "nobody is beside the device")
        }
        RuleEvent::ClientHere { was_held } => {
            tracing::info!(target: AUDIT, was_held, "somebody is beside the device");
        }
        RuleEvent::VerdictGiven { session, verdict, .. } => {
            let verdict = verdict.name();
            tracing::info!(target: AUDIT, %session, verdict, "the client's verdict");
        }
        RuleEvent::Runbook(event) => runbook::audit(event),
        RuleEvent::OutcomeSaid(outcome) => {
            tracing::info!(target: AUDIT, outcome = outcome.result.name(), "the engineer's outcome");
        }
        RuleEvent::Interrupted { problem } => tracing::info!(problem, "the session is interrupted"),
        RuleEvent::Resumed => tracing::info!("the session goes on"),
        _ => {}
    }
}
