//! The picture of a session: one of the engineer's terminals, and the last that happened beside it. Pure.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthChar;

use fieldlink_protocol::live::{LiveEnd, LiveEvent};

use crate::emulator::Emulator;
use crate::{Labels, Shown};

/// The rows above and below the terminal.
const FRAME: u16 = 2;

/// What is known of the session's terminals.
#[derive(Default)]
pub(crate) struct Picture {
    terminals: BTreeMap<u64, Emulator>,
    /// What the channels are that are open, for what is said at their end.
    open: BTreeMap<u64, String>,
    /// The terminal that is shown.
    shown: Option<u64>,
    /// Whether whoever watches has chosen it.
    is_chosen: bool,
    note: String,
}

impl Picture {
    pub(crate) fn handle(&mut self, labels: &impl Labels, event: Shown) {
        let event = match event {
            Shown::Live(event) => event,
            Shown::Note(note) => return self.note = note,
        };
        match event {
            LiveEvent::Opened { channel, kind, what, who } => {
                let what = labels.of(&who, labels.channel(kind, &what));
                self.note = labels.opened(&what);
                self.open.insert(channel, what);
            }
            LiveEvent::Size { channel, columns, rows } => {
                self.terminals.entry(channel).or_default().resize(rows, columns);
                self.follow(channel);
            }
            LiveEvent::Output { channel, text } => {
                self.terminals.entry(channel).or_default().show(&text);
                self.follow(channel);
            }
            LiveEvent::Skipped { channel, bytes } => {
                self.terminals.entry(channel).or_default().forget();
                self.note = labels.skipped(bytes);
            }
            LiveEvent::Closed { channel, how } => self.close(labels, channel, &how),
            LiveEvent::End {} | LiveEvent::Unknown => {}
        }
    }

    fn follow(&mut self, channel: u64) {
        if !self.is_chosen {
            self.shown = Some(channel);
        }
    }

    fn close(&mut self, labels: &impl Labels, channel: u64, how: &LiveEnd) {
        self.terminals.remove(&channel);
        if self.shown == Some(channel) {
            self.is_chosen = false;
            self.shown = self.terminals.keys().next_back().copied();
        }
        let what = self.open.remove(&channel).unwrap_or_default();
        self.note = labels.closed(&what, how);
    }

    /// Shows the next terminal, and stays with it.
    pub(crate) fn choose_next(&mut self) {
        let shown = self.shown.unwrap_or_default();
        let next = self.terminals.range(shown + 1..).next().or_else(|| self.terminals.iter().next());
        self.shown = next.map(|(channel, _)| *channel);
        self.is_chosen = self.shown.is_some();
    }

    /// The picture as so many rows of so many columns, and where the cursor is: row and column, from 0.
    pub(crate) fn draw(&self, labels: &impl Labels, rows: u16, columns: u16) -> (Vec<String>, (u16, u16)) {
        let room = rows.saturating_sub(FRAME);
        let mut lines = vec![self.title(labels, room, columns)];
        let mut cursor = (0, 0);
        if let Some(emulator) = self.shown.and_then(|channel| self.terminals.get(&channel)) {
            let (row, column) = emulator.cursor();
            let from = (row + 1).saturating_sub(room).min(row);
            lines.extend((from..emulator.size().0).take(room.into()).map(|row| emulator.row(row, columns)));
            cursor = (row - from + 1, column.min(columns.saturating_sub(1)));
        }
        lines.resize_with(usize::from(rows.saturating_sub(1)), String::new);
        lines.push(framed(&self.note, columns));
        (lines, cursor)
    }

    fn title(&self, labels: &impl Labels, room: u16, columns: u16) -> String {
        let count = self.terminals.len() as u64;
        let Some(emulator) = self.shown.and_then(|channel| self.terminals.get(&channel)) else {
            return framed(&labels.nothing_open(), columns);
        };
        let (rows, of_terminal) = emulator.size();
        framed(&labels.title(count, rows > room || of_terminal > columns), columns)
    }
}

/// In inverse video, as wide as the screen.
fn framed(text: &str, columns: u16) -> String {
    let mut room = usize::from(columns);
    let fits = |c: &char| {
        let width = c.width().unwrap_or_default();
        room.checked_sub(width).map(|left| room = left).is_some()
    };
    let text: String = text.chars().take_while(fits).collect();
    format!("\u{1b}[7m{text}{}\u{1b}[0m", " ".repeat(room))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Plain;
    use fieldlink_protocol::live::LiveKind;

    fn shell(picture: &mut Picture, channel: u64, text: &str) {
        let (kind, what) = (LiveKind::Shell, String::new());
        picture.handle(&Plain, Shown::Live(LiveEvent::Opened { channel, kind, what, who: String::new() }));
        picture.handle(&Plain, Shown::Live(LiveEvent::Size { channel, columns: 80, rows: 24 }));
        picture.handle(&Plain, Shown::Live(LiveEvent::Output { channel, text: text.into() }));
    }

    fn drawn(picture: &Picture) -> String {
        picture.draw(&Plain, 10, 40).0.join("\n")
    }

    #[test]
    fn the_terminal_in_which_something_happens_is_shown_unless_one_is_chosen() {
        let mut picture = Picture::default();
        assert!(drawn(&picture).contains("no terminal"));
        shell(&mut picture, 1, "first");
        shell(&mut picture, 2, "second");
        assert!(drawn(&picture).contains("second"));
        picture.choose_next();
        picture.handle(&Plain, Shown::Live(LiveEvent::Output { channel: 2, text: "more".into() }));
        assert!(drawn(&picture).contains("first"));
        picture.handle(&Plain, Shown::Live(LiveEvent::Closed { channel: 1, how: LiveEnd::Exit { code: 0 } }));
        let after = drawn(&picture);
        assert!(after.contains("secondmore") && after.contains("code: 0"), "{after}");
        picture.handle(&Plain, Shown::Live(LiveEvent::Skipped { channel: 2, bytes: 1_500 }));
        let after = drawn(&picture);
        assert!(!after.contains("secondmore") && after.contains("2 kB"), "{after}");
    }

    #[test]
    fn a_line_of_ours_is_as_wide_as_the_screen() {
        for text in ["", "short", &"漢".repeat(50), &"a漢".repeat(40)] {
            let line = framed(text, 41);
            let inside = line.trim_start_matches("\u{1b}[7m").trim_end_matches("\u{1b}[0m");
            let width: usize = inside.chars().filter_map(|c| c.width()).sum();
            assert_eq!(width, 41, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_around_the_cursor() {
        let mut picture = Picture::default();
        let lines: String = (0..20).map(|n| format!("line {n}\r\n")).collect();
        shell(&mut picture, 1, &lines);
        let (rows, (row, column)) = picture.draw(&Plain, 10, 40);
        assert_eq!((rows.len(), row, column), (10, 8, 0));
        assert!(rows[7].starts_with("line 19") && rows[1].starts_with("line 13"), "{rows:?}");
        assert_eq!(picture.draw(&Plain, 1, 1).0.len(), 1, "however small");
        picture.draw(&Plain, 0, 0);
    }
}
