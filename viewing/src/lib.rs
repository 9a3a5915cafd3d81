//! Shows what an engineer's terminals show: on a terminal as a picture, elsewhere as lines of plain text. For the person
//! beside the device and for those who watch from elsewhere; the words are theirs ([`Labels`]).

mod emulator;
mod picture;
mod plain;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod terminal;

use std::io::{self, Write};

use fieldlink_protocol::live::{LiveEnd, LiveEvent, LiveKind};
use tokio::sync::mpsc;

use self::plain::PlainLines;
#[cfg(unix)]
pub use self::screen::show_picture;

/// What there is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Of terminals.
    Live(LiveEvent),
    /// A sentence beside them.
    Note(String),
}

/// How the view came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewEnd {
    /// The session is over.
    SessionOver,
    /// Whoever watched has seen enough.
    Left,
    /// Nothing comes any more, and nobody said why.
    Cut,
}

/// The words of a view. Texts from elsewhere come as they are: an implementation makes them harmless.
pub trait Labels: Sync {
    /// Above the picture: how many terminals are open, and whether one is larger than there is room.
    fn title(&self, count: u64, is_cut: bool) -> String;
    /// Above an empty one.
    fn nothing_open(&self) -> String;
    /// A channel, by what it is and the engineer's words for it.
    fn channel(&self, kind: LiveKind, what: &str) -> String;
    /// A channel with the name of whose it is; without one, the channel alone.
    fn of(&self, who: &str, channel: String) -> String;
    /// A channel begins.
    fn opened(&self, what: &str) -> String;
    /// A channel is over.
    fn closed(&self, what: &str, how: &LiveEnd) -> String;
    /// So many bytes are not shown.
    fn skipped(&self, bytes: u64) -> String;
}

/// Prints lines of plain text until the session is over, or nothing comes any more.
pub async fn show_lines(labels: &impl Labels, mut events: mpsc::Receiver<Shown>) -> io::Result<ViewEnd> {
    let mut plain = PlainLines::default();
    while let Some(event) = events.recv().await {
        if event == Shown::Live(LiveEvent::End {}) {
            return Ok(ViewEnd::SessionOver);
        }
        let lines = match event {
            Shown::Live(event) => plain.handle(labels, event),
            Shown::Note(note) => vec![format!("* {note}")],
        };
        let mut out = io::stdout().lock();
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        out.flush()?;
    }
    Ok(ViewEnd::Cut)
}

#[cfg(test)]
mod testing {
    use super::*;

    /// Words for tests.
    pub(crate) struct Plain;

    impl Labels for Plain {
        fn title(&self, count: u64, is_cut: bool) -> String {
            format!("{count} open{}", if is_cut { ", cut" } else { "" })
        }

        fn nothing_open(&self) -> String {
            "no terminal".into()
        }

        fn channel(&self, kind: LiveKind, what: &str) -> String {
            format!("{kind:?} {what}")
        }

        fn of(&self, who: &str, channel: String) -> String {
            format!("{who}{channel}")
        }

        fn opened(&self, what: &str) -> String {
            format!("opened {what}")
        }

        fn closed(&self, what: &str, how: &LiveEnd) -> String {
            format!("over: {what} {how:?}")
        }

        fn skipped(&self, bytes: u64) -> String {
            format!("{} kB", bytes.div_ceil(1_000))
        }
    }
}
