//! What somebody watches who takes part in a session without working in it: the latest of it, bounded, for as many
//! programs of theirs as look. One that does not keep up has a gap, and never holds anything up.

use std::collections::VecDeque;

use tokio::sync::watch;

use crate::local_socket::{Viewed, encode};

/// Bytes that are kept.
const KEPT: usize = 4 * 1024 * 1024;

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct ViewLog {
    /// How many lines are not kept any more.
    gone: u64,
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_over: bool,
}

impl ViewLog {
    fn add(&mut self, viewed: &Viewed) {
        let line = encode(viewed);
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > KEPT {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
            self.gone += 1;
        }
    }

    /// Lines from the one with the number `from`, at most `most` bytes of them beyond the first, and the next number.
    fn from(&self, from: u64, most: usize) -> (Vec<u8>, u64) {
        let first = from.max(self.gone);
        let (mut taken, mut next) = (Vec::new(), first);
        for line in self.lines.iter().skip((first - self.gone) as usize) {
            if !taken.is_empty() && taken.len() + line.len() > most {
                break;
            }
            taken.extend_from_slice(line);
            next += 1;
        }
        (taken, next)
    }
}

/// Where it arrives, and where it is read from.
#[derive(Debug, Clone, Default)]
pub(super) struct Views(watch::Sender<ViewLog>);

impl Views {
    /// Adds what has come.
    pub(super) fn add(&self, viewed: &Viewed) {
        self.0.send_modify(|log| log.add(viewed));
    }

    /// Nothing comes any more.
    pub(super) fn end(&self) {
        self.0.send_modify(|log| log.is_over = true);
    }

    /// A reader, from the oldest line that is kept.
    pub(super) fn reader(&self) -> ViewReader {
        ViewReader { log: self.0.subscribe(), next: 0 }
    }
}

/// One reader.
pub(super) struct ViewReader {
    log: watch::Receiver<ViewLog>,
    next: u64,
}

impl ViewReader {
    /// Bytes that are taken at once.
    const PIECE: usize = 64 * 1024;

    /// The next lines; none when nothing comes any more. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let (lines, next, is_over) = {
                let log = self.log.borrow_and_update();
                let (lines, next) = log.from(self.next, Self::PIECE);
                (lines, next, log.is_over)
            };
            if !lines.is_empty() {
                self.next = next;
                return Some(lines);
            }
            if is_over || self.log.changed().await.is_err() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::live::LiveEvent;

    use super::*;

    fn output(text: &str) -> Viewed {
        Viewed::Live { event: LiveEvent::Output { channel: 1, text: text.into() } }
    }

    #[tokio::test]
    async fn every_reader_has_all_that_is_kept_once() {
        let views = Views::default();
        views.add(&output("one"));
        let mut reader = views.reader();
        views.add(&output("two"));
        let both = [encode(&output("one")), encode(&output("two"))].concat();
        assert_eq!(reader.next().await, Some(both.clone()));
        views.add(&output("three"));
        assert_eq!(reader.next().await, Some(encode(&output("three"))));
        views.end();
        assert_eq!(reader.next().await, None);
        assert!(views.reader().next().await.is_some_and(|lines| lines.starts_with(&both)));
    }

    #[tokio::test]
    async fn a_reader_that_does_not_keep_up_has_a_gap() {
        let views = Views::default();
        let mut reader = views.reader();
        for _ in 0..1000 {
            views.add(&output(&"x".repeat(8192)));
        }
        assert!(views.0.borrow().bytes <= KEPT);
        let mut read = 0;
        views.end();
        while let Some(lines) = reader.next().await {
            read += lines.len();
        }
        assert!(read <= KEPT && read > KEPT / 2, "{read}");
    }
}
