//! What the record tells of functions, operations and runbooks.

use fieldlink_device::words::Language;
use fieldlink_evidence::{Consent, Event, RunbookState, StepSettled, Titles, Use};
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::operation::OperationRefusal;
use fieldlink_protocol::policy::{Denied, Function};
use fieldlink_runbook::{Origin, Texts};

use crate::rules::{OperationStatus, RunbookEvent, RunbookStatus};

pub(super) fn function_asked(id: QuestionId, function: Function) -> Event {
    Event::LeaveAsked { id, leave: Use::Function { function } }
}

pub(super) fn data_asked(id: QuestionId, megabytes: u32) -> Event {
    Event::LeaveAsked { id, leave: Use::Data { megabytes } }
}

pub(super) fn operation_asked(id: QuestionId, titles: &crate::config::Titles) -> Event {
    Event::LeaveAsked { id, leave: Use::Operation { titles: titles_of(titles) } }
}

pub(super) fn consent_to_use(verdict: &Result<(), Denied>) -> Consent {
    match verdict {
        Ok(()) => Consent::Yes,
        Err(Denied::Unanswered(_)) => Consent::NoAnswer,
        Err(_) => Consent::No,
    }
}

pub(super) fn consent_to_operation(verdict: &Result<(), OperationRefusal>) -> Consent {
    match verdict {
        Ok(()) => Consent::Yes,
        Err(OperationRefusal::Unanswered) => Consent::NoAnswer,
        Err(_) => Consent::No,
    }
}

pub(super) fn operation(status: &OperationStatus) -> Event {
    let OperationStatus { run, name, titles, state, .. } = status;
    Event::Operation { run: *run, name: name.clone(), titles: titles_of(titles), state: *state }
}

pub(super) fn runbook(event: &RunbookEvent) -> Option<Event> {
    let (status, over) = match event {
        RunbookEvent::Began(status) | RunbookEvent::Stepped(status) => (status, None),
        RunbookEvent::Over { status, is_finished: true } => (status, Some(RunbookState::Finished {})),
        RunbookEvent::Over { status, is_finished: false } => (status, Some(RunbookState::Stopped {})),
        RunbookEvent::Refused { why, .. } => return Some(Event::RunbookRefused { why: *why }),
        RunbookEvent::Told { .. } => return None,
    };
    let RunbookStatus { name, title, origin, step, steps, settled, .. } = status;
    let settled = settled.clone().map(|(number, step, title, passed, result)| StepSettled {
        number: number as u64,
        step,
        title: texts_of(&title),
        passed,
        result,
    });
    let at = step.as_ref().map(|(number, step, title)| RunbookState::At {
        number: *number as u64,
        step: step.clone(),
        title: texts_of(title),
    });
    let maker = match origin {
        Origin::Maker { key, .. } => Some(key.clone()),
        Origin::Own => None,
    };
    let state = over.or(at).unwrap_or(RunbookState::Finished {});
    Some(Event::Runbook {
        name: name.clone(),
        title: texts_of(title),
        maker,
        steps: *steps as u64,
        settled,
        state,
    })
}

fn titles_of(titles: &crate::config::Titles) -> Titles {
    titles
        .iter()
        .map(|(language, title): (&Language, &String)| (language.code().into(), title.clone()))
        .collect()
}

fn texts_of(texts: &Texts) -> Titles {
    texts.iter().map(|(language, text)| (language.code().into(), text.to_owned())).collect()
}
