//! What is done on the device.

use fieldlink_protocol::messages::operation::{OperationEnd, OperationRefusal, OperationState};
use fieldlink_protocol::messages::runbook::RunbookRefusal;

use super::super::words::literal;
use super::{Line, Teller, Topic};
use crate::{ChannelOutcome, Direction, Program, RunbookState, StepSettled, Titles, Transferred};

impl Teller<'_> {
    pub(super) fn operation(&self, name: &str, titles: &Titles, state: OperationState) -> Line {
        let title = self.words.title(titles, name);
        let arguments = [("title", title.into()), ("state", self.operation_state(state).into())];
        self.with(Topic::Work, "line-operation", &arguments)
    }

    fn operation_state(&self, state: OperationState) -> String {
        let words = self.words;
        let end = match state {
            OperationState::Starting {} => return words.say("operation-starting"),
            OperationState::Running { percent: None } => return words.say("operation-running"),
            OperationState::Running { percent: Some(percent) } => {
                return words.say_with("operation-percent", &[("percent", u64::from(percent).into())]);
            }
            OperationState::AfterRestart {} => return words.say("operation-after-restart"),
            OperationState::Over { result, .. } => self.operation_end(result),
        };
        match state {
            OperationState::Over { restart: true, .. } => {
                words.say_with("operation-restart", &[("state", end.into())])
            }
            _ => end,
        }
    }

    fn operation_end(&self, end: OperationEnd) -> String {
        let of = |id, name, number: u8| self.words.say_with(id, &[(name, u64::from(number).into())]);
        match end {
            OperationEnd::Succeeded {} => self.words.say("operation-succeeded"),
            OperationEnd::Failed { code } => of("operation-failed", "code", code),
            OperationEnd::Killed { signal } => of("operation-killed", "signal", signal),
            OperationEnd::Lost {} => self.words.say("operation-lost"),
        }
    }

    pub(super) fn operation_refused(&self, name: &str, why: OperationRefusal) -> Line {
        let id = match why {
            OperationRefusal::Unknown => "refusal-unknown",
            OperationRefusal::Never => "refusal-never",
            OperationRefusal::Refused => "refusal-refused",
            OperationRefusal::Unanswered => "refusal-unanswered",
            OperationRefusal::TooOften => "refusal-too-often",
            OperationRefusal::Busy => "refusal-busy",
            OperationRefusal::Over => "refusal-over",
            OperationRefusal::NoFile => "refusal-no-file",
            OperationRefusal::TooLarge => "refusal-too-large",
            OperationRefusal::Incomplete => "refusal-incomplete",
            OperationRefusal::NotStarted => "refusal-not-started",
            OperationRefusal::None => "refusal-none",
            OperationRefusal::Malformed => "refusal-malformed",
        };
        let arguments = [("name", name.into()), ("why", self.words.say(id).into())];
        self.with(Topic::Work, "line-operation-refused", &arguments)
    }

    pub(super) fn runbook(
        &self,
        name: &str,
        (title, steps): (&Titles, u64),
        settled: Option<&StepSettled>,
        state: &RunbookState,
    ) -> Line {
        let over = settled.map(|settled| self.step_over(name, (title, steps), settled));
        match (over, state) {
            (Some(over), RunbookState::At { .. }) => Line::new(Topic::Work, over),
            (Some(over), _) => {
                let state = self.runbook_state(name, (title, steps), state);
                Line::new(Topic::Work, format!("{over} {}", state.text))
            }
            (None, _) => self.runbook_state(name, (title, steps), state),
        }
    }

    fn runbook_state(&self, name: &str, (title, steps): (&Titles, u64), state: &RunbookState) -> Line {
        let title = self.words.title(title, name);
        match state {
            RunbookState::At { number, step, title: of_step } => {
                let step = self.words.title(of_step, step);
                let arguments = [
                    ("title", title.into()),
                    ("number", (*number).into()),
                    ("count", steps.into()),
                    ("step", step.into()),
                ];
                self.with(Topic::Work, "line-runbook-at", &arguments)
            }
            RunbookState::Finished {} => {
                self.with(Topic::Work, "line-runbook-finished", &[("title", title.into())])
            }
            RunbookState::Stopped {} => {
                self.with(Topic::Work, "line-runbook-stopped", &[("title", title.into())])
            }
        }
    }

    /// A step that is over, and that the checklist is, if it is.
    pub(super) fn step_over(&self, name: &str, (title, steps): (&Titles, u64), over: &StepSettled) -> String {
        let arguments = [
            ("title", self.words.title(title, name).into()),
            ("number", over.number.into()),
            ("count", steps.into()),
            ("step", self.words.title(&over.title, &over.step).into()),
            ("how", self.words.settled(over).into()),
        ];
        self.words.say_with("line-runbook-step-over", &arguments)
    }

    pub(super) fn runbook_refused(&self, why: RunbookRefusal) -> Line {
        let why = self.words.say(match why {
            RunbookRefusal::Malformed => "runbook-malformed",
            RunbookRefusal::SignatureUnreadable => "runbook-signature-unreadable",
            RunbookRefusal::Namespace => "runbook-namespace",
            RunbookRefusal::Altered => "runbook-altered",
        });
        self.with(Topic::Trouble, "line-runbook-refused", &[("why", why.into())])
    }

    pub(super) fn channel_opened(&self, seat: u64, program: &Program) -> Line {
        let id = match program {
            Program::Shell {} => "line-shell",
            Program::Exec { .. } => "line-exec",
            Program::Sftp {} => "line-sftp",
            Program::Operation {} => "line-operations",
            Program::Health {} => "line-health",
            Program::Diagnosis {} => "line-diagnosis",
            Program::Forward { .. } => "line-forward",
        };
        let line = self.of_seat(Topic::Work, id, seat);
        Line { literal: self.target(program), ..line }
    }

    pub(super) fn channel_refused(&self, seat: u64, program: &Program, why: &str) -> Line {
        let id = match program {
            Program::Shell {} => "line-refused-shell",
            Program::Exec { .. } => "line-refused-exec",
            Program::Sftp {} => "line-refused-sftp",
            Program::Operation {} => "line-refused-operations",
            Program::Health {} => "line-refused-health",
            Program::Diagnosis {} => "line-refused-diagnosis",
            Program::Forward { .. } => "line-refused-forward",
        };
        let arguments = [("person", self.person(seat).into()), ("why", why.into())];
        Line { literal: self.target(program), ..self.with(Topic::Trouble, id, &arguments) }
    }

    /// The command of a channel, or where it leads.
    pub(in super::super) fn target(&self, program: &Program) -> Option<String> {
        match program {
            Program::Exec { command, cut: false } => Some(literal(command)),
            Program::Exec { command, cut: true } => {
                Some(format!("{} {}", literal(command), self.words.say("command-cut")))
            }
            Program::Forward { target } => Some(literal(target)),
            Program::Shell {}
            | Program::Sftp {}
            | Program::Operation {}
            | Program::Health {}
            | Program::Diagnosis {} => None,
        }
    }

    pub(super) fn transferred(&self, file: &Transferred) -> Line {
        let id = match (file.complete, file.direction) {
            (false, _) => "line-transfer-incomplete",
            (true, Direction::Upload) => "line-upload",
            (true, Direction::Download) => "line-download",
        };
        let proof = self.words.say(if file.sha256.is_some() { "hash-known" } else { "hash-none" });
        let arguments = [("size", self.words.size(file.size).into()), ("proof", proof.into())];
        Line { literal: Some(literal(&file.path)), ..self.with(Topic::Work, id, &arguments) }
    }

    pub(super) fn channel_over(
        &self,
        channel: u64,
        outcome: &ChannelOutcome,
        input: u64,
        output: u64,
    ) -> Line {
        let program = self.words.say(match self.programs.get(&channel) {
            Some(Program::Shell {}) => "program-shell",
            Some(Program::Exec { .. }) => "program-exec",
            Some(Program::Sftp {}) => "program-sftp",
            Some(Program::Operation {}) => "program-operations",
            Some(Program::Health {}) => "program-health",
            Some(Program::Diagnosis {}) => "program-diagnosis",
            Some(Program::Forward { .. }) => "program-forward",
            None => "program-unknown",
        });
        let arguments = [
            ("program", program.into()),
            ("outcome", self.channel_outcome(outcome).into()),
            ("input", self.words.size(input).into()),
            ("output", self.words.size(output).into()),
        ];
        self.with(Topic::Work, "line-over", &arguments)
    }

    /// How a channel ended.
    pub(in super::super) fn channel_outcome(&self, outcome: &ChannelOutcome) -> String {
        let words = self.words;
        match outcome {
            ChannelOutcome::Exit { code } => {
                words.say_with("outcome-exit", &[("code", u64::from(*code).into())])
            }
            ChannelOutcome::Signal { signal } => {
                words.say_with("outcome-signal", &[("signal", signal.into())])
            }
            ChannelOutcome::Closed {} => words.say("outcome-closed"),
            ChannelOutcome::Failed {} => words.say("outcome-failed"),
            ChannelOutcome::Cut {} => words.say("outcome-cut"),
        }
    }
}
