//! Goes from step to step. What came of each is kept before the scanner is told, so that nothing is done twice.

use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::messages::runbook::{RunbookRefusal, RunbookStanding, StepResult};
use fieldlink_runbook::{Execution, Runbook, Stage};

use super::report::Report;
use super::session::Contact;
use super::steps::Steps;
use crate::exit::{Failure, Kind};
use crate::local_socket::RunbookNews;
use crate::progress::Console;
use crate::runbook_file::KeptRunbook;
use crate::words::say;

/// A runbook that is gone through.
pub(super) struct Walk<'a> {
    contact: Contact,
    kept: KeptRunbook,
    execution: Execution,
    report: Report,
    console: &'a Console,
    /// Whether the scanner knows of it, so that it can be gone on with.
    is_told: bool,
}

impl<'a> Walk<'a> {
    /// Where `kept` stands.
    pub(super) fn new(
        contact: Contact,
        kept: KeptRunbook,
        report: Report,
        console: &'a Console,
    ) -> Result<Self, Failure> {
        let unfit = |error: String| Failure::new(Kind::Failed, say!("runbook-kept-unfit", error = error));
        let runbook = Runbook::parse(&kept.run.text).map_err(|error| unfit(error.to_string()))?;
        let execution = Execution::resume(runbook, kept.run.from.into(), &kept.run.results);
        let execution = execution.map_err(|error| unfit(error.to_string()))?;
        Ok(Self { contact, kept, execution, report, console, is_told: false })
    }

    /// Goes through what is left of it. The exit code says whether every step has passed.
    pub(super) async fn run(&mut self) -> Result<u8, Failure> {
        self.begin().await?;
        while let Some((number, step)) = self.execution.next() {
            let step = step.clone();
            self.report.begins(number, self.execution.runbook().steps.len(), &step);
            let result = Steps {
                contact: &self.contact,
                kept: &mut self.kept,
                report: &self.report,
                console: self.console,
            }
            .take(&step)
            .await?;
            self.settle(number, result).await?;
        }
        self.report.checklist(&self.execution);
        KeptRunbook::remove(self.contact.directory());
        self.is_told = false;
        Ok(if self.execution.has_passed() { 0 } else { Kind::RunbookFailed.code() })
    }

    /// Tells the scanner which runbook it is, and the engineer what it makes of that.
    async fn begin(&mut self) -> Result<(), Failure> {
        let before = KeptRunbook::load(self.contact.directory());
        self.kept.store(self.contact.directory())?;
        let told = self.contact.tell(RunbookNews::Runs).await;
        let standing = match told {
            Ok(Answer::Runbook { standing }) => Ok(standing),
            Ok(Answer::Busy {}) => Err(Failure::new(Kind::Busy, say!("too-much-announced"))),
            Ok(_) => Err(Failure::new(Kind::Failed, say!("scanner-answered-else"))),
            Err(failure) => Err(failure),
        };
        match standing.and_then(accepted) {
            Ok(standing) => {
                self.is_told = true;
                self.report.standing(self.execution.runbook(), &standing);
                Ok(())
            }
            Err(failure) => {
                // What was under way before is so still.
                match before {
                    Some(before) => before.store(self.contact.directory())?,
                    None => KeptRunbook::remove(self.contact.directory()),
                }
                Err(failure)
            }
        }
    }

    async fn settle(&mut self, number: usize, result: StepResult) -> Result<(), Failure> {
        let unfit = |error: fieldlink_runbook::DoesNotFit| Failure::new(Kind::Failed, error.to_string());
        self.execution.settle(result.clone()).map_err(unfit)?;
        self.kept.run.results.push(result);
        (self.kept.begun, self.kept.restarting) = (false, false);
        self.kept.store(self.contact.directory())?;
        self.report.ended(number, &self.execution);
        self.contact.tell(RunbookNews::Settled).await.map(drop)
    }

    /// Says how to go on with it, if it is not over.
    pub(super) fn say_where_it_waits(&self) {
        let is_kept = KeptRunbook::load(self.contact.directory()).is_some();
        if let (Stage::At(_), Some((number, step)), true, true) =
            (self.execution.stage(), self.execution.next(), self.is_told, is_kept)
        {
            self.console.say(&say!("runbook-waits", number = number as u64, step = step.id.as_str()));
        }
    }
}

/// An error if the scanner does not show it to the client.
fn accepted(standing: RunbookStanding) -> Result<RunbookStanding, Failure> {
    let message = match standing {
        RunbookStanding::Maker { .. } | RunbookStanding::Own {} => return Ok(standing),
        RunbookStanding::Unknown {} => say!("scanner-answered-else"),
        RunbookStanding::Refused { why } => match why {
            RunbookRefusal::Malformed => say!("runbook-refused-malformed"),
            RunbookRefusal::SignatureUnreadable => say!("runbook-refused-unreadable"),
            RunbookRefusal::Namespace => say!("runbook-refused-namespace"),
            RunbookRefusal::Altered => say!("runbook-refused-altered"),
        },
    };
    Err(Failure::new(Kind::Failed, message))
}
