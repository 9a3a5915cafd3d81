//! Following an operation: its start, and then its record until it is over.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_operation::record::{Record, Stage, boot_id};
use fieldlink_protocol::ids::OperationId;
use fieldlink_protocol::messages::operation::{OUTPUT_LINE, OperationEnd};
use fieldlink_protocol::text;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{NotStarted, Operations, Startable, start};

/// How often the record is read while the operation runs.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How often while it waits for the device to restart, or to have gone on after that.
const WAITING_EVERY: Duration = Duration::from_secs(5);
/// How long after a restart a unit may take to go on with it.
const CONTINUES_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Output that is read at once, in bytes: the rest at the next time.
const PIECE: u64 = 64 * 1024;

/// What becomes of an operation.
#[derive(Debug)]
pub(crate) enum OperationEvent {
    /// Its unit has it, or not.
    Started(OperationId, Result<(), NotStarted>),
    /// How it stands now.
    Read(Update),
}

/// How an operation stands, and what it has printed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) record: Record,
    /// Cleaned.
    pub(crate) lines: Vec<String>,
}

/// Follows one operation at a time.
pub(crate) struct Follower {
    operations: Arc<Operations>,
    starting: Option<(OperationId, JoinHandle<Result<(), NotStarted>>)>,
    reading: Option<JoinHandle<std::io::Result<Option<Read>>>>,
    /// When the record is read next, if it may change.
    next: Option<Instant>,
    known: Option<Record>,
    offset: u64,
    /// Since when it has been seen that a unit is to go on with it after a restart.
    expected_since: Option<Instant>,
}

/// What was read at once.
struct Read {
    record: Record,
    output: Vec<u8>,
    offset: u64,
}

impl Follower {
    /// Begins with whatever the record says: an agent before this one may have started it.
    pub(crate) fn new(operations: Arc<Operations>) -> Self {
        let next = Some(Instant::now());
        Self { operations, starting: None, reading: None, next, known: None, offset: 0, expected_since: None }
    }

    /// Starts one. The task goes on if nobody asks for what becomes of it.
    pub(crate) fn start(&mut self, startable: Startable) {
        self.starting = Some((startable.id, tokio::spawn(start(startable))));
    }

    /// Waits for what becomes of it. Safe to cancel.
    pub(crate) async fn next(&mut self) -> OperationEvent {
        loop {
            if let Some((id, starting)) = &mut self.starting {
                let (id, started) = (*id, starting.await);
                self.starting = None;
                self.next = Some(Instant::now());
                let failed = |error: tokio::task::JoinError| NotStarted::Refused(error.to_string());
                return OperationEvent::Started(id, started.unwrap_or_else(|error| Err(failed(error))));
            }
            let Some(due) = self.next else { std::future::pending().await };
            if self.reading.is_none() {
                sleep_until(due).await;
                self.read();
            }
            let Some(reading) = &mut self.reading else { continue };
            let read = reading.await;
            self.reading = None;
            if let Some(update) = self.take(read.unwrap_or(Ok(None))) {
                return OperationEvent::Read(update);
            }
        }
    }

    /// On a thread of its own: the disk may be slow while an update is installed.
    fn read(&mut self) {
        let (records, known, offset) = (self.operations.records().clone(), self.known.clone(), self.offset);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let Some(record) = records.read()? else { return Ok(None) };
            let is_same = known.is_some_and(|known| known.id == record.id);
            let offset = if is_same { offset } else { 0 };
            let output = records.output(offset, PIECE)?;
            Ok(Some(Read { record, output, offset }))
        }));
    }

    fn take(&mut self, read: std::io::Result<Option<Read>>) -> Option<Update> {
        let read =
            read.inspect_err(|error| tracing::warn!(%error, "could not read the record of operations"));
        let read = match read {
            Ok(Some(read)) => read,
            unread => {
                // What cannot be read now may be readable again, and say that something runs.
                let is_over = match &self.known {
                    Some(known) => matches!(known.stage, Stage::Over { .. }),
                    None => unread.is_ok(),
                };
                self.next = (!is_over).then(|| Instant::now() + WAITING_EVERY);
                return None;
            }
        };
        let Read { mut record, output, offset } = read;
        let may_go_on = record.stage == (Stage::AfterRestart {});
        if may_go_on && self.has_not_gone_on(&record) {
            record.stage = Stage::Over { end: OperationEnd::Lost {} };
        }
        let taken = whole_lines(&output);
        self.offset = offset + taken.len() as u64;
        let lines = String::from_utf8_lossy(taken);
        let lines: Vec<String> =
            lines.split_terminator('\n').map(|line| text::printable(line, OUTPUT_LINE)).collect();
        let is_behind = output.len() as u64 == PIECE;
        self.next = match record.stage {
            _ if is_behind => Some(Instant::now()),
            Stage::Running {} => Some(Instant::now() + READ_EVERY),
            Stage::AfterRestart {} => Some(Instant::now() + WAITING_EVERY),
            // Lost as far as anybody knows; a unit that comes late is followed all the same.
            Stage::Over { .. } if may_go_on => Some(Instant::now() + WAITING_EVERY),
            Stage::Over { .. } => None,
        };
        let is_news = self.known.as_ref() != Some(&record) || !lines.is_empty();
        self.known = Some(record.clone());
        is_news.then_some(Update { record, lines })
    }

    /// Whether the device has restarted long ago, and no unit has gone on with it.
    fn has_not_gone_on(&mut self, record: &Record) -> bool {
        let has_restarted = boot_id().is_ok_and(|boot| boot != record.boot);
        let since = has_restarted.then(|| *self.expected_since.get_or_insert_with(Instant::now));
        since.is_some_and(|since| since.elapsed() > CONTINUES_WITHIN)
    }
}

/// What the output has of lines up to the last end of one; a piece without any is one line, so that it goes on.
fn whole_lines(output: &[u8]) -> &[u8] {
    match output.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => &output[..=at],
        None if output.len() as u64 == PIECE => output,
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_taken_line_by_line_whatever_it_is_made_of() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), b"one\ntwo\n");
        assert_eq!(whole_lines(b"half"), b"");
        assert_eq!(whole_lines(b"torn \xc3\nnext\n"), b"torn \xc3\nnext\n");
        let endless = vec![0xff; PIECE as usize];
        assert_eq!(whole_lines(&endless).len(), endless.len(), "it is not read again for ever");
    }
}
