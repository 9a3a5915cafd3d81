//! The words of the view.

use fieldlink_protocol::live::{LiveEnd, LiveKind};
use fieldlink_protocol::text;
use fieldlink_viewing::Labels;

use crate::words::say;

/// English, as everything on this side.
pub(crate) struct English;

impl Labels for English {
    fn title(&self, count: u64, is_cut: bool) -> String {
        if is_cut { say!("view-title-cut", count = count) } else { say!("view-title", count = count) }
    }

    fn nothing_open(&self) -> String {
        say!("view-nothing-open")
    }

    fn channel(&self, kind: LiveKind, what: &str) -> String {
        let what = text::name(what);
        match kind {
            LiveKind::Shell => say!("view-shell"),
            LiveKind::Exec => say!("view-command", what = what),
            LiveKind::Sftp => say!("view-files"),
            LiveKind::Forward => say!("view-forward", what = what),
            LiveKind::Health => say!("view-health"),
            LiveKind::Diagnosis => say!("view-diagnosis"),
            LiveKind::Operation => say!("view-operation"),
            LiveKind::Unknown => say!("view-something"),
        }
    }

    fn of(&self, who: &str, channel: String) -> String {
        match who {
            "" => channel,
            who => say!("view-of", who = text::name(who), channel = channel),
        }
    }

    fn opened(&self, what: &str) -> String {
        say!("view-opened", what = what)
    }

    fn closed(&self, what: &str, how: &LiveEnd) -> String {
        let how = match how {
            LiveEnd::Exit { code } => say!("view-exit", code = u64::from(*code)),
            LiveEnd::Signal { signal } => say!("view-signal", signal = text::name(signal)),
            LiveEnd::Closed => say!("view-ended"),
            LiveEnd::Failed => say!("view-not-begun"),
            LiveEnd::Cut => say!("view-was-cut"),
            LiveEnd::Unfollowed | LiveEnd::Unknown => say!("view-unfollowed"),
        };
        say!("view-closed", what = what, how = how)
    }

    fn skipped(&self, bytes: u64) -> String {
        say!("view-skipped", kilobytes = bytes.div_ceil(1_000))
    }
}
