//! What one of the engineer's terminals looks like. Its output is foreign text: it is played to a terminal that exists only
//! here, and what that shows is drawn anew. No sequence of it ever reaches the real one.

use std::fmt::Write;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fieldlink_protocol::text;
use vt100::{Cell, Color, Parser};

/// The least and the most that a terminal is emulated with, in rows and columns: one that claims to be larger would only
/// need memory.
const SIDES: (u16, u16) = (2, 512);

/// A terminal that exists only here.
pub(crate) struct Emulator {
    parser: Parser,
    size: (NonZeroU16, NonZeroU16),
}

impl Default for Emulator {
    fn default() -> Self {
        let size = (Parser::DEFAULT_ROWS, Parser::DEFAULT_COLS);
        Self { parser: Parser::new(size.0, size.1, 0), size }
    }
}

impl Emulator {
    /// An empty terminal of this size.
    fn of(size: (NonZeroU16, NonZeroU16)) -> Self {
        Self { parser: Parser::new(size.0, size.1, 0), size }
    }

    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        let side = |side: u16| NonZeroU16::new(side.clamp(SIDES.0, SIDES.1)).unwrap_or(NonZeroU16::MIN);
        self.size = (side(rows), side(columns));
        let (rows, columns) = self.size;
        self.contained(|parser| parser.set_size(rows, columns));
    }

    pub(crate) fn show(&mut self, text: &str) {
        self.contained(|parser| parser.process(text.as_bytes()));
    }

    /// Output is missing: what follows does not fit what stands there.
    pub(crate) fn forget(&mut self) {
        *self = Self::of(self.size);
    }

    /// Whatever the engineer's programs print, a fault of the emulation must not end the view.
    fn contained(&mut self, change: impl FnOnce(&mut Parser)) {
        if catch_unwind(AssertUnwindSafe(|| change(&mut self.parser))).is_err() {
            self.forget();
        }
    }

    /// Rows and columns.
    pub(crate) fn size(&self) -> (u16, u16) {
        (self.size.0.get(), self.size.1.get())
    }

    /// Row and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }

    /// A row, as much of it as fits into so many columns: text, with colours by sequences of our own.
    pub(crate) fn row(&self, row: u16, columns: u16) -> String {
        let screen = self.parser.screen();
        let (mut line, mut style) = (String::new(), String::new());
        let cells = (0..columns).map_while(|column| Some((column, screen.cell(row, column)?)));
        for (column, cell) in cells {
            let is_cut = cell.is_wide() && column + 1 == columns;
            if cell.is_wide_continuation() || is_cut {
                continue;
            }
            let of_cell = style_of(cell);
            if of_cell != style {
                let _ = write!(line, "\u{1b}[0{of_cell}m");
                style = of_cell;
            }
            match cell.has_contents() {
                true => line.extend(cell.contents().chars().map(harmless)),
                false => line.push(' '),
            }
        }
        if !style.is_empty() {
            line.push_str("\u{1b}[0m");
        }
        line
    }
}

fn harmless(c: char) -> char {
    if text::is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER }
}

/// Parameters of `SGR` behind the one that resets (ECMA-48 8.3.117).
fn style_of(cell: &Cell) -> String {
    let flags = [
        (cell.bold(), ";1"),
        (cell.dim(), ";2"),
        (cell.italic(), ";3"),
        (cell.underline(), ";4"),
        (cell.inverse(), ";7"),
    ];
    let mut style: String = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| *flag).collect();
    for (colour, ground) in [(cell.fgcolor(), 38), (cell.bgcolor(), 48)] {
        // Writing to a string does not fail.
        let _ = match colour {
            Color::Default => Ok(()),
            Color::Idx(index) => write!(style, ";{ground};5;{index}"),
            Color::Rgb(red, green, blue) => write!(style, ";{ground};2;{red};{green};{blue}"),
        };
    }
    style
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shown_is_drawn_anew() {
        let mut emulator = Emulator::default();
        emulator.resize(3, 10);
        emulator.show("one\r\n\u{1b}[1;31mred\u{1b}[0m \u{1b}[3Gx\u{1b}]52;c;aGk=\u{7}\u{1b}[c漢字");
        assert_eq!(emulator.row(0, 10).trim_end(), "one");
        let second = emulator.row(1, 10);
        assert!(second.starts_with("\u{1b}[0;1;38;5;1mre\u{1b}[0mx漢字"), "{second:?}");
        assert_eq!(emulator.row(1, 4), "\u{1b}[0;1;38;5;1mre\u{1b}[0mx", "half a character is none");
        assert_eq!((emulator.size(), emulator.cursor()), ((3, 10), (1, 7)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Whatever is printed: nothing but text and styles comes out, and nothing stops the view.
        #[test]
        fn no_sequence_comes_through(
            pieces in prop::collection::vec((".{0,40}|[\u{0}-\u{ff}\u{202e}漢]{0,60}|(\u{1b}[\\[\\]PX^_()#cM78][0-9;?]{0,8}[@-~]){0,9}", 0u16..600, 0u16..600), 0..12)
        ) {
            let mut emulator = Emulator::default();
            for (piece, rows, columns) in pieces {
                emulator.show(&piece);
                emulator.resize(rows, columns);
                let (rows, columns) = emulator.size();
                prop_assert!((2..=512).contains(&rows) && (2..=512).contains(&columns));
                for row in 0..rows.min(40) {
                    let line = emulator.row(row, columns);
                    let mut rest = line.as_str();
                    while let Some(at) = rest.find('\u{1b}') {
                        let end = rest[at..].find('m').expect("a style") + at;
                        let style = &rest[at + 1..end];
                        prop_assert!(style.starts_with('[') && style[1..].chars().all(|c| c.is_ascii_digit() || c == ';'));
                        rest = &rest[end..];
                    }
                    let text = line.replace('\u{1b}', "");
                    prop_assert!(text.chars().all(text::is_harmless), "{text:?}");
                }
            }
        }
    }
}
