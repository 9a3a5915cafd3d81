//! The words of `fieldlink watch`.

use fieldlink_protocol::text;
use fieldlink_viewing::Labels;

use super::Words;
use crate::live::{LiveEnd, LiveKind};

impl Labels for Words {
    fn title(&self, count: u64, is_cut: bool) -> String {
        self.say_with(if is_cut { "view-title-cut" } else { "view-title" }, &[("count", count.into())])
    }

    fn nothing_open(&self) -> String {
        self.say("view-nothing-open")
    }

    fn channel(&self, kind: LiveKind, what: &str) -> String {
        let what = text::name(what);
        match kind {
            LiveKind::Shell => self.say("view-shell"),
            LiveKind::Exec => self.say_with("view-command", &[("what", what.into())]),
            LiveKind::Sftp => self.say("view-files"),
            LiveKind::Forward => self.say_with("view-forward", &[("what", what.into())]),
            LiveKind::Health => self.say("view-health"),
            LiveKind::Diagnosis => self.say("view-diagnosis"),
            LiveKind::Operation => self.say("view-operation"),
            LiveKind::Unknown => self.say("view-something"),
        }
    }

    fn of(&self, who: &str, channel: String) -> String {
        match who {
            "" => channel,
            who => self.say_with("view-of", &[("who", text::name(who).into()), ("channel", channel.into())]),
        }
    }

    fn opened(&self, what: &str) -> String {
        self.say_with("view-opened", &[("what", what.into())])
    }

    fn closed(&self, what: &str, how: &LiveEnd) -> String {
        let how = match how {
            LiveEnd::Exit { code } => self.say_with("view-exit", &[("code", u64::from(*code).into())]),
            LiveEnd::Signal { signal } => {
                self.say_with("view-signal", &[("signal", text::name(signal).into())])
            }
            LiveEnd::Closed => self.say("view-ended"),
            LiveEnd::Failed => self.say("view-failed"),
            LiveEnd::Cut => self.say("view-was-cut"),
            LiveEnd::Unfollowed | LiveEnd::Unknown => self.say("view-unfollowed"),
        };
        self.say_with("view-closed", &[("what", what.into()), ("how", how.into())])
    }

    fn skipped(&self, bytes: u64) -> String {
        self.say_with("view-skipped", &[("kilobytes", bytes.div_ceil(1_000).into())])
    }
}
