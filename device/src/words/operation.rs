//! Operations, as the client reads them.

use super::{Argument, Words};
use crate::operation::{Operation, OperationPhase, title};
use crate::status::Phase;

impl Words {
    /// How an operation stands, while remote access stands so.
    pub fn operation(&self, operation: &Operation, phase: Phase) -> String {
        let is_in_session = matches!(phase, Phase::Active | Phase::Interrupted);
        let id = match (operation.phase, is_in_session) {
            (OperationPhase::Starting, _) => "operation-starting",
            (OperationPhase::Running, true) if operation.percent.is_some() => "operation-running-percent",
            (OperationPhase::Running, true) => "operation-running",
            (OperationPhase::Running, false) if operation.percent.is_some() => "operation-finishing-percent",
            (OperationPhase::Running, false) => "operation-finishing",
            (OperationPhase::AfterRestart, _) => "operation-after-restart",
            (OperationPhase::Succeeded, _) if operation.restart => "operation-succeeded-restart",
            (OperationPhase::Succeeded, _) => "operation-succeeded",
            (OperationPhase::Failed, _) => "operation-failed",
            (OperationPhase::Lost, _) => "operation-lost",
        };
        let mut arguments: Vec<(&str, Argument<'_>)> =
            vec![("title", title(&operation.titles, self.language()).into())];
        arguments.extend(operation.percent.map(|percent| ("percent", u64::from(percent).into())));
        self.say_with(id, &arguments)
    }
}
