//! What the events tell, and what must hold of each.

use std::collections::HashSet;
use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::messages::operation::OperationState;
use fieldlink_protocol::policy::Function;
use proptest::prelude::*;

use super::super::*;
use super::Model;

/// What the events have told so far.
#[derive(Default)]
pub(super) struct Account {
    pub(super) is_open: bool,
    /// The PIN was verified, the client agreed (or the PIN is enough), what serves the engineer runs.
    pub(super) steps: [bool; 3],
    pub(super) began: Option<Duration>,
    pub(super) deadline: Duration,
    pub(super) session: Option<SessionId>,
    /// Questions that were put and are not over.
    pub(super) open_questions: HashSet<QuestionId>,
    /// Uses that nothing was decided of.
    pub(super) uses: HashSet<UseId>,
    /// Operations that nothing was decided of, and those that may be started.
    pub(super) wishes: HashSet<UseId>,
    pub(super) granted_wishes: HashSet<UseId>,
    /// Whether the client is asked about the one that was wanted last.
    pub(super) is_operation_asked: bool,
    /// Whether one runs, or is about to.
    pub(super) is_operated: bool,
    /// What the client has agreed to.
    pub(super) granted: HashSet<Function>,
    /// Whether the client was asked whether they are there, and whether the engineer's input is held.
    pub(super) presence: Option<bool>,
    /// Whether the client has agreed that more data is moved.
    pub(super) is_data_allowed: bool,
}

impl Model {
    pub(super) fn note(&mut self, event: RuleEvent) -> Result<(), TestCaseError> {
        let account = &mut self.account;
        match event {
            RuleEvent::Opened { .. } => {
                let is_operated = account.is_operated;
                *account = Account { is_open: true, is_operated, ..Account::default() };
            }
            RuleEvent::NotBelieved { reason, is_news, .. } => {
                prop_assert_eq!(is_news, self.told.insert(reason), "once for each reason");
            }
            RuleEvent::PinVerified { .. } => account.steps = [true, false, false],
            RuleEvent::ConsentAsked { question, .. } => self.earlier = self.asked.replace(question),
            RuleEvent::Allowed { .. } => {
                prop_assert_eq!(account.steps, [true, false, false], "the PIN first");
                account.steps[1] = true;
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::Begun => {
                prop_assert_eq!(account.steps, [true, true, false], "nothing starts before the yes");
                account.steps[2] = true;
            }
            RuleEvent::NotLetIn { .. } => {
                account.steps = [false; 3];
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::Admitted { request, deadline, .. } => {
                prop_assert_eq!(account.steps, [true; 3], "PIN, yes, begun");
                prop_assert_eq!(account.began, None, "once");
                (account.began, account.deadline) = (Some(self.now), deadline);
                account.session = Some(request.session);
            }
            RuleEvent::Extended { deadline, .. } => {
                prop_assert!(deadline > account.deadline);
                account.deadline = deadline;
            }
            RuleEvent::Asked(asked) => {
                let is_data = matches!(asked.asking, Asking::Data { .. });
                prop_assert!(!is_data || self.is_metered && !account.is_data_allowed, "asked once");
                account.open_questions.insert(asked.id);
                self.asked = Some(asked.id);
            }
            RuleEvent::Answered { question, .. }
            | RuleEvent::Withdrawn { question }
            | RuleEvent::GuestAnswered { question, .. }
            | RuleEvent::DataAnswered { question, .. }
            | RuleEvent::OperationAnswered { question, .. }
            | RuleEvent::UseAnswered { question, .. } => {
                let is_yes = matches!(event, RuleEvent::DataAnswered { verdict: DataVerdict::Allowed, .. });
                account.is_data_allowed |= is_yes;
                if let RuleEvent::UseAnswered { function, verdict: Ok(()), .. } = event {
                    account.granted.insert(function);
                }
                prop_assert!(
                    account.open_questions.remove(&question),
                    "it was asked, and not answered before"
                );
                let still_open = account.open_questions.iter().next().copied();
                (self.earlier, self.asked) = (Some(question), still_open);
            }
            RuleEvent::PresenceAsked { .. } => {
                prop_assert_eq!(account.presence.replace(false), None, "once");
                prop_assert!(self.presence != PresenceMode::Off);
                let active = self.rules.state().active();
                prop_assert!(active.is_none_or(|active| active.quiet().is_none()), "not in a quiet period");
            }
            RuleEvent::ClientAway { is_held } => {
                prop_assert_eq!(account.presence.replace(is_held), Some(false), "they were asked");
                prop_assert_eq!(is_held, self.presence == PresenceMode::Required);
            }
            RuleEvent::ClientHere { was_held } => {
                prop_assert_eq!(account.presence.take(), Some(was_held), "what was held goes on");
                prop_assert!(self.is_client, "only the client says so");
            }
            RuleEvent::UseDecided { uses, function, verdict } => {
                for id in uses {
                    prop_assert!(account.uses.remove(&id), "it waited, and nothing was decided before");
                }
                let is_granted = account.granted.contains(&function);
                prop_assert_eq!(is_granted, verdict.is_ok(), "only what the client agreed to");
            }
            RuleEvent::OperationDecided { id, verdict } => {
                prop_assert!(account.wishes.remove(&id), "it was wanted, and nothing was decided before");
                let is_yes = verdict.is_ok();
                prop_assert!(
                    !is_yes || !account.is_operation_asked || self.is_client,
                    "only the client says so"
                );
                prop_assert!(!is_yes || account.granted_wishes.is_empty(), "one at a time");
                if is_yes {
                    account.granted_wishes.insert(id);
                }
            }
            RuleEvent::OperationIs { status, .. } => {
                let is_starting = status.state == OperationState::Starting {};
                account.is_operated = is_starting || status.state.is_under_way();
            }
            RuleEvent::Restarts { .. } => {
                prop_assert!(account.began.is_some(), "a session that is on");
                let is_operated = account.is_operated;
                *account = Account { is_open: true, is_operated, ..Account::default() };
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::CarryOnOffered { question, .. } => {
                prop_assert!(!account.is_open, "into nothing else");
                account.is_open = true;
                self.earlier = self.asked.replace(question);
            }
            RuleEvent::CarryOnAgreed { .. } => {
                prop_assert!(self.is_client, "only the client says so");
                account.steps = [true, false, false];
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::Transfers { transfers, .. } => {
                let may_pass = !self.is_metered || account.is_data_allowed;
                prop_assert!(!may_pass || transfers == Transfers::Pass, "nothing waits without a reason");
            }
            RuleEvent::VerdictGiven { session, .. } => {
                prop_assert_eq!(self.unjudged.take(), Some(session), "once, of the session that was");
            }
            RuleEvent::Closed { .. } => {
                prop_assert!(account.is_open, "on before off");
                // Whoever has it at the end, for the client it is the one that began.
                self.unjudged = account.began.and(account.session);
                let is_operated = account.is_operated;
                *account = Account { is_operated, ..Account::default() };
                self.earlier = self.asked.take().or(self.earlier);
            }
            _ => {}
        }
        Ok(())
    }
}
