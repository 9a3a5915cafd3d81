//! Runbooks: what the engineer's program says of one, and what it, the client and the log are told.

use fieldlink_daemon::AUDIT;
use fieldlink_device::warning::Warning;
use fieldlink_protocol::feature;
use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::questions::{Answer, NotNow};
use fieldlink_protocol::messages::runbook::{RunbookRefusal, RunbookWord};
use fieldlink_runbook::Origin;

use super::Access;
use crate::clock;
use crate::rules::{RequestId, RunbookEvent, RunbookStatus};
use crate::view::titles_of;

impl Access {
    pub(super) fn on_runbook(&mut self, request: RequestId, word: RunbookWord) {
        let is_owner = self.rules.state().active().is_some_and(|active| active.seat == request.seat);
        if !is_owner {
            return self.answer(request, Answer::NotNow { why: NotNow::NotOwner });
        }
        self.rules.handle_runbook(request, word, self.around.runbooks.makers(), clock::now());
    }

    /// Tells an engineer's program that was not there which runbook is gone through.
    pub(super) fn say_runbook(&self) {
        let run = self.rules.state().active().and_then(|active| active.runbook_run());
        if let (Some(run), true) = (run, self.engineer_has(feature::RUNBOOKS)) {
            self.say(FromAgent::Runbook { run });
        }
    }

    pub(super) fn tell_of_runbook(&self, event: &RunbookEvent) {
        if let RunbookEvent::Told { request, answer } = event {
            self.answer(*request, answer.clone());
        }
    }
}

/// What the client is told of it once.
pub(super) fn warning_of(event: &RunbookEvent) -> Option<Warning> {
    match event {
        RunbookEvent::Began(RunbookStatus { title, origin, .. }) => {
            Some(Warning::RunbookBegan { is_makers: origin.is_maker(), titles: titles_of(title) })
        }
        RunbookEvent::Over { status, is_finished } => {
            Some(Warning::RunbookOver { is_finished: *is_finished, titles: titles_of(&status.title) })
        }
        // What is wrong with the file itself concerns nobody but the engineer.
        RunbookEvent::Refused { why: RunbookRefusal::Malformed, .. } => None,
        RunbookEvent::Refused { .. } => Some(Warning::RunbookRefused),
        // The status shows it.
        RunbookEvent::Stepped(_) | RunbookEvent::Told { .. } => None,
    }
}

/// Writes down which runbook was followed, whose it was, and each of its steps.
pub(super) fn audit(event: &RunbookEvent) {
    match event {
        RunbookEvent::Began(status) => {
            let RunbookStatus { session, name: runbook, origin, .. } = status;
            match origin {
                Origin::Maker { key, fingerprint } => tracing::info!(
                    target: AUDIT, %session, runbook, key, fingerprint, "a runbook of the maker's begins"
                ),
                Origin::Own => {
                    tracing::info!(target: AUDIT, %session, runbook, "a runbook of the engineer's own begins");
                }
            }
            audit_step(status);
        }
        RunbookEvent::Stepped(status) => audit_step(status),
        RunbookEvent::Over { status, is_finished } => {
            let RunbookStatus { session, name: runbook, .. } = status;
            tracing::info!(target: AUDIT, %session, runbook, is_finished, "a runbook is over");
        }
        RunbookEvent::Refused { session, why } => {
            tracing::warn!(target: AUDIT, %session, ?why, "a runbook is refused");
        }
        RunbookEvent::Told { .. } => {}
    }
}

fn audit_step(status: &RunbookStatus) {
    let RunbookStatus { session, name: runbook, step, .. } = status;
    if let Some((number, step, _)) = step {
        tracing::info!(target: AUDIT, %session, runbook, number, step, "a step of a runbook");
    }
}
