//! `operation`: starts a named operation of the scanner's and shows how far it is, over an ssh of its own.

use std::path::Path;

use anyhow::Context;
use fieldlink_protocol::messages::operation::{
    FromOperations, OperationEnd, OperationRefusal, REPLY_LINE, SUBSYSTEM, ToOperations,
};
use fieldlink_protocol::{messages, text};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::subsystem::Subsystem;
use crate::args::OperationArguments;
use crate::exit::{Failure, Kind};
use crate::platform::{Signal, Signals};
use crate::printing::{print, print_answer, print_json};
use crate::progress::{Console, ended};
use crate::words::say;

/// Bytes of a file that are sent at once.
const CHUNK: usize = 64 * 1024;
/// What a shell adds to the number of a signal that ended a program.
const BY_SIGNAL: u8 = 128;

/// Lists, starts or follows operations, in the session that is named, or the only one.
pub(super) async fn run(arguments: OperationArguments, console: &Console) -> Result<u8, Failure> {
    let OperationArguments { id, follow, json, name, file } = arguments;
    let upload = match &file {
        Some(path) => Some(Upload::open(path).await?),
        None => None,
    };
    let request = match name {
        Some(operation) => {
            ToOperations::Start { operation, file: upload.as_ref().map(|upload| upload.bytes) }
        }
        None if follow => ToOperations::Follow {},
        None => ToOperations::List {},
    };
    let channel = Subsystem::open(SUBSYSTEM, id)?;
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let mut conversation = Conversation { channel, json, console, is_under_way: false };
    tokio::select! {
        biased;
        outcome = conversation.converse(&request, upload) => outcome,
        signal = signals.next() => Ok(conversation.leave(signal)),
    }
}

/// The file that goes with an operation.
struct Upload {
    file: File,
    bytes: u64,
}

impl Upload {
    async fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::usage(say!("file-unreadable", path = path.display(), error = error.to_string()))
        };
        let file = File::open(path).await.map_err(unreadable)?;
        let metadata = file.metadata().await.map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Failure::usage(say!("no-ordinary-file", path = path.display())));
        }
        Ok(Self { file, bytes: metadata.len() })
    }
}

/// A channel to the scanner's operations.
struct Conversation<'a> {
    channel: Subsystem,
    json: bool,
    console: &'a Console,
    /// Whether it runs, so that it goes on without us.
    is_under_way: bool,
}

impl Conversation<'_> {
    /// Until it is over, or the scanner has said why not. The exit code is the operation's.
    async fn converse(&mut self, request: &ToOperations, mut upload: Option<Upload>) -> Result<u8, Failure> {
        let mut line = messages::encode(request);
        line.push('\n');
        if let Some(stdin) = &mut self.channel.stdin {
            // Without a connection ssh says why, and that is read below.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        loop {
            let Some(message) = self.hear().await? else {
                return match request {
                    ToOperations::List {} => Ok(0),
                    _ => Err(self.broken_off().await),
                };
            };
            if message == (FromOperations::Send {})
                && let Some(upload) = upload.take()
            {
                self.send(upload).await?;
            }
            if let Some(outcome) = self.tell(&message) {
                return outcome;
            }
        }
    }

    /// None at the end.
    async fn hear(&mut self) -> Result<Option<FromOperations>, Failure> {
        let Some(line) = self.channel.line(REPLY_LINE as u64).await else { return Ok(None) };
        let not_understood = |_| Failure::new(Kind::Version, say!("scanner-answered-else"));
        let message = messages::decode(&line).map_err(not_understood)?;
        if self.json {
            print_json(&messages::encode(&message));
        }
        Ok(Some(message))
    }

    /// Sends the file. What the scanner says meanwhile waits.
    async fn send(&mut self, Upload { mut file, bytes }: Upload) -> Result<(), Failure> {
        let Some(stdin) = &mut self.channel.stdin else { return Ok(()) };
        let (mut buffer, mut sent) = (vec![0; CHUNK], 0);
        loop {
            let failed = |error: std::io::Error| {
                Failure::new(Kind::Failed, say!("file-broke-off", error = error.to_string()))
            };
            let count = file.read(&mut buffer).await.map_err(failed)?;
            // Cut off there, it says why: that is read next.
            if count == 0 || stdin.write_all(&buffer[..count]).await.is_err() {
                break;
            }
            sent += count as u64;
            if !self.json {
                self.console
                    .working(&say!("operation-sending", percent = sent.min(bytes) * 100 / bytes.max(1)));
            }
        }
        // A file that has become shorter meanwhile does not count as one that came in full.
        self.channel.stdin = None;
        Ok(())
    }

    /// Tells what the scanner said; the outcome, if that was the last of it.
    fn tell(&mut self, message: &FromOperations) -> Option<Result<u8, Failure>> {
        let say = |text: String| {
            if !self.json {
                self.console.clear();
                print(&text);
            }
        };
        match message {
            FromOperations::Listed { operation, title, file_megabytes } if !self.json => {
                let (operation, title) = (text::name(operation), text::name(title));
                print_answer(&match file_megabytes {
                    0 => say!("operation-listed", operation = operation, title = title),
                    megabytes => {
                        let megabytes = u64::from(*megabytes);
                        say!(
                            "operation-listed-file",
                            operation = operation,
                            title = title,
                            megabytes = megabytes
                        )
                    }
                });
            }
            FromOperations::Asking {} => say(say!("waiting-for-answer")),
            FromOperations::Started { operation } => {
                self.is_under_way = true;
                say(say!("operation-started", operation = text::name(operation)));
            }
            FromOperations::Progress { percent } if !self.json => {
                self.is_under_way = true;
                self.console.working(&say!("operation-progress", percent = u64::from(*percent)));
            }
            FromOperations::Output { line } if !self.json => {
                self.console.clear();
                print_answer(line);
            }
            FromOperations::Skipped {} => say(say!("operation-skipped")),
            FromOperations::AfterRestart {} => {
                say(say!("operation-after-restart"));
                return Some(Ok(0));
            }
            FromOperations::Over { operation, end, restart } => {
                say(ended(operation, *end, *restart));
                return Some(Ok(code_of(*end)));
            }
            FromOperations::Refused { why, detail } => {
                self.console.clear();
                return Some(Err(refused(*why, &text::sentence(detail))));
            }
            _ => {}
        }
        None
    }

    /// The channel is gone without a last word.
    async fn broken_off(&mut self) -> Failure {
        self.console.clear();
        if self.is_under_way {
            return Failure::new(Kind::SessionOver, say!("operation-goes-on"));
        }
        let said = self.channel.complaint().await;
        Failure::new(Kind::Failed, say!("operation-not-reached", said = said))
    }

    /// This program is stopped. What runs goes on.
    fn leave(&self, signal: Signal) -> u8 {
        self.console.clear();
        if self.is_under_way {
            print(&say!("operation-goes-on"));
        }
        signal.exit_code()
    }
}

fn code_of(end: OperationEnd) -> u8 {
    match end {
        OperationEnd::Succeeded {} => 0,
        OperationEnd::Failed { code } => code,
        OperationEnd::Killed { signal } => BY_SIGNAL.saturating_add(signal),
        OperationEnd::Lost {} => Kind::Failed.code(),
    }
}

fn refused(why: OperationRefusal, detail: &str) -> Failure {
    let (kind, message) = match why {
        OperationRefusal::Unknown if detail.is_empty() => (Kind::Usage, say!("operation-none-here")),
        OperationRefusal::Unknown => (Kind::Usage, say!("operation-unknown", names = detail)),
        OperationRefusal::Never => (Kind::Failed, say!("operation-never")),
        OperationRefusal::Refused => (Kind::ClientRefused, say!("client-said-no")),
        OperationRefusal::Unanswered => (Kind::NoAnswer, say!("client-did-not-answer")),
        OperationRefusal::TooOften => (Kind::Busy, say!("operation-too-often")),
        OperationRefusal::Busy => (Kind::Busy, say!("operation-busy")),
        OperationRefusal::Over => (Kind::SessionOver, say!("operation-not-any-more")),
        OperationRefusal::NoFile => (Kind::Usage, say!("operation-takes-no-file")),
        OperationRefusal::TooLarge => (Kind::Failed, say!("operation-file-too-large", detail = detail)),
        OperationRefusal::Incomplete => (Kind::Failed, say!("operation-file-incomplete", detail = detail)),
        OperationRefusal::NotStarted => (Kind::Failed, say!("operation-not-started", detail = detail)),
        OperationRefusal::None => (Kind::Failed, say!("operation-none-yet")),
        OperationRefusal::Malformed => (Kind::Version, say!("scanner-answered-else")),
    };
    Failure::new(kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts branch on these.
    #[test]
    fn every_outcome_has_its_exit_code() {
        for (why, code) in [
            (OperationRefusal::Refused, 215),
            (OperationRefusal::Unanswered, 216),
            (OperationRefusal::Busy, 221),
            (OperationRefusal::Over, 217),
            (OperationRefusal::NoFile, 2),
            (OperationRefusal::NotStarted, 1),
        ] {
            assert_eq!(refused(why, "").kind.code(), code, "{why:?}");
        }
        let codes = [
            OperationEnd::Succeeded {},
            OperationEnd::Failed { code: 7 },
            OperationEnd::Killed { signal: 9 },
            OperationEnd::Lost {},
        ];
        assert_eq!(codes.map(code_of), [0, 7, 137, 1]);
    }

    #[test]
    fn an_end_says_what_is_to_be_done() {
        assert!(ended("update", OperationEnd::Succeeded {}, true).contains("fieldlink-connect restart"));
        assert!(ended("update", OperationEnd::Failed { code: 7 }, false).contains('7'));
    }
}
