//! What each kind of step does: the same as the command of its name.

use std::process::Stdio;

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::messages::runbook::{ANSWER, NotDone, StepResult};
use fieldlink_protocol::text;
use fieldlink_runbook::{Step, Texts, Verb};
use fieldlink_words::Language;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::report::Report;
use super::session::Contact;
use crate::args::OperationArguments;
use crate::commands::{health, operation};
use crate::dialogue;
use crate::exit::{Failure, Kind, SSH_FAILED};
use crate::platform;
use crate::printing::LINE;
use crate::progress::Console;
use crate::runbook_file::KeptRunbook;
use crate::words::say;

/// What is kept of what a command prints, in bytes: that is looked through for what it was to print.
const OUTPUT: usize = 1 << 20;

/// What a step is taken with.
pub(super) struct Steps<'a> {
    pub(super) contact: &'a Contact,
    pub(super) kept: &'a mut KeptRunbook,
    pub(super) report: &'a Report,
    pub(super) console: &'a Console,
}

impl Steps<'_> {
    /// Takes `step`, and gives what came of it. An error if that is not known, so that the step is taken again later.
    pub(super) async fn take(&mut self, step: &Step) -> Result<StepResult, Failure> {
        let was_begun = std::mem::replace(&mut self.kept.begun, true);
        self.kept.store(self.contact.directory())?;
        match &step.verb {
            Verb::Ask { question, choices } => self.ask(question, choices).await,
            Verb::Step { text } => {
                let text = text.of(self.language()).to_owned();
                self.put(Question::Step { text }, &[]).await
            }
            Verb::Ready(ready) => self.put(Question::Ready { ready: *ready }, &[]).await,
            Verb::Run(command) => self.run(step, command).await,
            Verb::Operation { name, .. } => self.operation(step, name, was_begun).await,
            Verb::Restart { reason, power } => self.restart(reason, *power).await,
            Verb::Note(text) => self.note(text).await,
            Verb::Health => self.health().await,
        }
    }

    /// What the client is asked in.
    fn language(&self) -> Language {
        self.kept.language.as_deref().and_then(Language::from_code).unwrap_or_default()
    }

    async fn ask(&mut self, question: &Texts, choices: &[Texts]) -> Result<StepResult, Failure> {
        let language = self.language();
        let shown = choices.iter().map(|choice| choice.of(language).to_owned()).collect();
        let text = question.of(language).to_owned();
        self.put(Question::Text { text, choices: shown }, choices).await
    }

    /// Puts it to the client. `choices` are the answers in every language.
    async fn put(&mut self, question: Question, choices: &[Texts]) -> Result<StepResult, Failure> {
        dialogue::check_question(&question).map_err(Failure::usage)?;
        self.report.waits();
        let asked_in = self.language();
        Ok(match self.contact.ask(question).await? {
            Answer::Text { text, language } => {
                self.learn(&language);
                let chosen = choices.iter().find(|choice| choice.of(asked_in) == text);
                let text = chosen.map_or(text.as_str(), Texts::english);
                StepResult::Answer { text: text::fit(&text::clean(text, ANSWER), ANSWER).to_owned() }
            }
            Answer::Choice { choice, language } => {
                self.learn(&language);
                StepResult::Answer { text: text::fit(&choice, ANSWER).to_owned() }
            }
            Answer::Done {} => StepResult::Done {},
            other => not_done(&other),
        })
    }

    /// The client's own language is the one to ask in, unless the engineer has named another.
    fn learn(&mut self, code: &str) {
        if self.kept.language.is_none() && Language::from_code(code).is_some() {
            self.kept.language = Some(code.to_owned());
        }
    }

    async fn run(&mut self, step: &Step, command: &str) -> Result<StepResult, Failure> {
        let mut ssh = self.contact.ssh(command);
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut ssh = ssh.spawn().map_err(|error| crate::ssh_client::not_started("ssh", &error))?;
        let (Some(stdout), Some(stderr)) = (ssh.stdout.take(), ssh.stderr.take()) else {
            return Err(Failure::new(Kind::Failed, say!("own-part-failed")));
        };
        let report = self.report;
        let (printed, ()) =
            tokio::join!(follow(stdout, report), async { drop(follow(stderr, report).await) });
        let status = ssh.wait().await.map_err(anyhow::Error::from)?;
        let code = platform::exit_code(status);
        // ssh's own word for a connection that broke is any command's, too.
        if code == SSH_FAILED && !self.contact.is_open().await {
            return Err(Failure::new(Kind::SessionOver, say!("runbook-session-lost")));
        }
        Ok(StepResult::Exit { code, output: step.is_printed(&printed) })
    }

    /// One that runs already, because it was begun before an interruption, is followed and not begun anew.
    async fn operation(&mut self, step: &Step, name: &str, was_begun: bool) -> Result<StepResult, Failure> {
        let is_running = was_begun && self.is_under_way(name).await;
        let file = self.kept.files.get(&step.id).cloned();
        if let Some(path) = file.as_ref().filter(|path| !path.is_file()) {
            return Err(Failure::usage(say!("no-ordinary-file", path = path.display())));
        }
        let arguments = OperationArguments {
            id: Some(self.contact.id()),
            follow: is_running,
            json: self.report.is_json(),
            name: (!is_running).then(|| name.to_owned()),
            file: file.filter(|_| !is_running),
        };
        match operation::run(arguments, self.console).await {
            Ok(code) => Ok(StepResult::Exit { code, output: true }),
            Err(failure) if failure.kind == Kind::SessionOver => Err(failure),
            Err(failure) if !self.contact.is_open().await => Err(failure),
            Err(failure) => {
                self.report.says(&failure.message);
                let why = match failure.kind {
                    Kind::ClientRefused => NotDone::Refused,
                    Kind::NoAnswer => NotDone::NoAnswer,
                    Kind::Busy => NotDone::Busy,
                    _ => NotDone::Failed,
                };
                Ok(StepResult::NotDone { why })
            }
        }
    }

    async fn health(&self) -> Result<StepResult, Failure> {
        match health::look(Some(self.contact.id())).await {
            Ok((code, warnings)) => {
                warnings.iter().for_each(|warning| self.report.prints(warning));
                Ok(StepResult::Exit { code, output: true })
            }
            Err(failure) if !self.contact.is_open().await => Err(failure),
            Err(failure) => {
                self.report.says(&failure.message);
                Ok(StepResult::NotDone { why: NotDone::Failed })
            }
        }
    }

    async fn is_under_way(&self, name: &str) -> bool {
        let running = self.contact.status().await.and_then(|status| status.operation);
        running.is_some_and(|running| running.name == name && running.state.is_under_way())
    }

    async fn restart(&mut self, reason: &Texts, power: bool) -> Result<StepResult, Failure> {
        if !self.kept.restarting {
            let reason = reason.of(self.language()).to_owned();
            self.report.waits();
            let let_go = self.contact.until_let_go();
            match self.contact.ask(Question::Restart { reason, power }).await? {
                Answer::Restarting { .. } => {}
                other => return Ok(not_done(&other)),
            }
            self.kept.restarting = true;
            self.kept.store(self.contact.directory())?;
            self.report.says(&say!("runbook-waits-for-restart"));
            let_go.await;
        }
        self.contact.until_back().await?;
        Ok(StepResult::Done {})
    }

    async fn note(&mut self, text: &Texts) -> Result<StepResult, Failure> {
        let text = text.of(self.language()).to_owned();
        let note = Announcement::Note { text, by_client: false };
        Ok(match self.contact.announce(note).await? {
            Answer::Taken {} => StepResult::Done {},
            other => not_done(&other),
        })
    }
}

fn not_done(answer: &Answer) -> StepResult {
    let why = match answer {
        Answer::Refused {} => NotDone::Refused,
        Answer::NoAnswer {} => NotDone::NoAnswer,
        Answer::Busy {} => NotDone::Busy,
        _ => NotDone::Failed,
    };
    StepResult::NotDone { why }
}

/// Shows what a command prints, line by line, and gives the beginning of it.
async fn follow(stream: impl AsyncRead + Unpin, report: &Report) -> String {
    let (mut stream, mut kept, mut line) = (BufReader::new(stream), String::new(), Vec::new());
    // A line without an end is shown in pieces.
    while let Ok(1..) = (&mut stream).take(LINE as u64).read_until(b'\n', &mut line).await {
        let shown = String::from_utf8_lossy(&line);
        if kept.len() < OUTPUT {
            kept.push_str(&shown);
        }
        report.prints(shown.trim_end_matches(['\n', '\r']));
        line.clear();
    }
    kept
}
