//! What the record says about itself.

use super::{Line, Teller, Topic};
use crate::{Resumption, Stamp, Stop};

impl Teller<'_> {
    pub(super) fn record(&self, id: &str) -> Line {
        self.plain(Topic::Record, id)
    }

    pub(super) fn record_resumed(&self, why: Resumption, torn: u64) -> Line {
        let sentence = self.words.say(match why {
            Resumption::Restarted => "line-record-restarted",
            Resumption::Died => "line-record-died",
            Resumption::Verdict => "line-record-verdict",
        });
        let topic = if why == Resumption::Verdict { Topic::Record } else { Topic::Trouble };
        if torn == 0 {
            return Line::new(topic, sentence);
        }
        let size = self.words.size(torn);
        self.with(topic, "line-torn", &[("sentence", sentence.into()), ("size", size.into())])
    }

    pub(super) fn recording_stopped(&self, why: Stop) -> Line {
        let id = match why {
            Stop::Bound => "line-recording-bound",
            Stop::DiskFull => "line-recording-disk-full",
            Stop::DiskSlow => "line-recording-disk-slow",
            Stop::DiskFailed => "line-recording-disk-failed",
        };
        self.plain(Topic::Trouble, id)
    }

    pub(super) fn anchored(&self, seq: u64, time: &str) -> Line {
        let time = self.words.date_time(&Stamp { time: time.to_owned(), boot_ms: 0 });
        self.with(Topic::Record, "line-anchored", &[("seq", seq.into()), ("time", time.into())])
    }

    pub(super) fn terminal_sealed(&self, file: &str, size: u64) -> Line {
        let size = self.words.size(size);
        self.with(Topic::Record, "line-terminal-sealed", &[("file", file.into()), ("size", size.into())])
    }
}
