//! What the engineer and the client have to do with operations.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::{OperationId, QuestionId};
use fieldlink_protocol::messages::operation::{OperationRefusal, OperationState};
use fieldlink_protocol::policy::Permission;

use super::event::RuleEvent;
use super::operation::{Change, OperationStatus, WantedOperation};
use super::policy::UseId;
use super::question::{Asked, Asking};
use super::{Active, Events, Rules, StaleAnswer};

impl Active {
    fn handle_operation_wanted(
        &mut self,
        wanted: WantedOperation,
        permission: Permission,
        now: Duration,
        events: &mut Events,
    ) {
        let id = wanted.id;
        let is_allowed = permission == Permission::Allowed;
        let verdict = match permission {
            Permission::Never => Err(OperationRefusal::Never),
            Permission::Ask if self.wishes.is_refused(now) => Err(OperationRefusal::Refused),
            Permission::Ask if !self.uses.permits(now) => Err(OperationRefusal::TooOften),
            Permission::Ask | Permission::Allowed => self.wishes.handle_wanted(wanted, is_allowed),
        };
        if verdict.is_err() || is_allowed {
            events.push_back(RuleEvent::OperationDecided { id, verdict });
        } else {
            self.ask_next(now, events);
        }
    }

    fn handle_operation_dropped(&mut self, id: UseId, now: Duration, events: &mut Events) {
        if !self.wishes.handle_dropped(id) {
            return;
        }
        let is_about_it = |asked: &mut Asked| matches!(asked.asking, Asking::Operation(_));
        if let Some(asked) = self.asked.take_if(is_about_it) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
            self.ask_next(now, events);
        }
    }

    /// The client's word on an operation.
    pub(super) fn handle_answer_on_operation(
        &mut self,
        answer: ClientAnswer,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), StaleAnswer> {
        let verdict = match answer {
            ClientAnswer::Yes => Ok(()),
            ClientAnswer::No => Err(OperationRefusal::Refused),
            _ => return Err(StaleAnswer::DoesNotFit),
        };
        if let Some(Asked { id: question, .. }) = self.asked.take() {
            self.settle_operation(question, verdict, now, events);
        }
        Ok(())
    }

    /// What came of the question whether an operation may be started.
    pub(super) fn settle_operation(
        &mut self,
        question: QuestionId,
        verdict: Result<(), OperationRefusal>,
        now: Duration,
        events: &mut Events,
    ) {
        if let Some(WantedOperation { id, name, .. }) = self.wishes.settle(verdict, now) {
            events.push_back(RuleEvent::OperationAnswered { question, name, verdict });
            events.push_back(RuleEvent::OperationDecided { id, verdict });
        }
        self.ask_next(now, events);
    }
}

impl Rules {
    /// The operation that runs, or ran last.
    pub(crate) fn operation(&self) -> Option<&OperationStatus> {
        self.operated.status()
    }

    /// The engineer wants to start an operation.
    pub(crate) fn handle_operation_wanted(
        &mut self,
        wanted: WantedOperation,
        permission: Permission,
        now: Duration,
    ) {
        let (id, is_busy) = (wanted.id, self.operated.is_busy());
        let refusal = match self.state.active_mut() {
            Some(_) if is_busy => OperationRefusal::Busy,
            Some(active) => {
                return active.handle_operation_wanted(wanted, permission, now, &mut self.events);
            }
            None => OperationRefusal::Over,
        };
        self.events.push_back(RuleEvent::OperationDecided { id, verdict: Err(refusal) });
    }

    /// Nobody wants it any more.
    pub(crate) fn handle_operation_dropped(&mut self, id: UseId, now: Duration) {
        if let Some(active) = self.state.active_mut() {
            active.handle_operation_dropped(id, now, &mut self.events);
        }
    }

    /// What was agreed to is to be started now, as `run`. An error if it may not be any more.
    pub(crate) fn handle_operation_start(
        &mut self,
        id: UseId,
        run: OperationId,
    ) -> Result<(), OperationRefusal> {
        let active = self.state.active_mut().ok_or(OperationRefusal::Over)?;
        let granted = active.wishes.take_granted(id).ok_or(OperationRefusal::Over)?;
        if self.operated.is_busy() {
            return Err(OperationRefusal::Busy);
        }
        let WantedOperation { name, titles, .. } = granted;
        let (session, state) = (active.session, OperationState::Starting {});
        self.handle_operation_is(OperationStatus { run, session, name, titles, state, line: String::new() });
        Ok(())
    }

    /// Its unit did not take it.
    pub(crate) fn handle_operation_not_started(&mut self, run: OperationId) {
        if self.operated.status().is_some_and(|status| status.run == run)
            && let Some(status) = self.operated.forget()
        {
            self.events.push_back(RuleEvent::OperationNotStarted { status });
        }
    }

    /// An operation stands so now: whoever started it, in whichever session.
    pub(crate) fn handle_operation_is(&mut self, status: OperationStatus) {
        let change = self.operated.set(status.clone());
        if change > Change::None {
            self.events.push_back(RuleEvent::OperationIs { status, is_turn: change == Change::Turn });
        }
        if change > Change::Line {
            self.tell_operation();
        }
    }

    /// The engineer's program knows of operations, and has been told how the latest stands.
    pub(crate) fn handle_operation_told(&mut self, now: Duration) {
        if self.is_engineer_in_reach() {
            self.operated.handle_told(now);
        }
    }

    /// An engineer who is there hears how the operation stands, and once how it ended.
    pub(super) fn tell_operation(&mut self) {
        if self.is_engineer_in_reach()
            && let Some(status) = self.operated.news()
        {
            self.events.push_back(RuleEvent::OperationTold { status: status.clone() });
        }
    }

    fn is_engineer_in_reach(&self) -> bool {
        self.state.active().is_some_and(|active| active.interrupted.is_none())
    }
}
