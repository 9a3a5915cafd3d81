//! What a terminal showed, as text: a terminal without colours, whose lines are kept when they leave it at the top.

use unicode_width::UnicodeWidthChar;
use vte::{Params, Parser, Perform};

use crate::TerminalShape;

/// Largest terminal that is followed; larger ones are cut.
pub(super) const MOST_COLS: usize = 1_000;
pub(super) const MOST_ROWS: usize = 500;

/// What a terminal showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transcript {
    /// Its lines.
    pub(super) lines: Vec<String>,
    /// How many more there were.
    pub(super) cut: u64,
}

/// Follows what a terminal shows.
pub(super) struct Screen {
    parser: Parser,
    page: Page,
}

impl Screen {
    /// A terminal of this size, of which at most `most` lines are kept. `full_screen` stands in for what programs show that
    /// take the whole of it.
    pub(super) fn new(shape: TerminalShape, most: usize, full_screen: &str) -> Self {
        let full_screen = full_screen.to_owned();
        let mut page = Page { most, full_screen, ..Page::default() };
        page.resize(shape);
        Self { parser: Parser::new(), page }
    }

    /// Takes what came next.
    pub(super) fn output(&mut self, text: &str) {
        self.parser.advance(&mut self.page, text.as_bytes());
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, shape: TerminalShape) {
        self.page.resize(shape);
    }

    /// A line that is not the terminal's.
    pub(super) fn note(&mut self, text: &str) {
        self.page.flush();
        self.page.keep(text.to_owned());
    }

    /// All lines.
    pub(super) fn finish(mut self) -> Transcript {
        self.page.flush();
        Transcript { lines: self.page.kept, cut: self.page.cut }
    }
}

/// A character and the mark on it. The second half of a wide one is empty.
type Cell = [Option<char>; 2];
const BLANK: Cell = [Some(' '), None];

#[derive(Default)]
struct Page {
    kept: Vec<String>,
    cut: u64,
    most: usize,
    full_screen: String,
    cols: usize,
    rows: usize,
    /// Never empty, and never more than `rows`.
    screen: Vec<Vec<Cell>>,
    row: usize,
    col: usize,
    /// Whether a program has taken the whole terminal.
    is_taken: bool,
}

impl Page {
    fn resize(&mut self, TerminalShape { cols, rows }: TerminalShape) {
        self.cols = usize::from(cols).clamp(1, MOST_COLS);
        self.rows = usize::from(rows).clamp(1, MOST_ROWS);
        while self.screen.len() > self.rows {
            self.scroll();
        }
        if self.screen.is_empty() {
            self.screen.push(Vec::new());
        }
    }

    fn keep(&mut self, line: String) {
        if self.kept.len() < self.most { self.kept.push(line) } else { self.cut += 1 }
    }

    /// The first line leaves the terminal.
    fn scroll(&mut self) {
        let line = self.screen.remove(0);
        self.row = self.row.saturating_sub(1);
        self.keep(shown(&line));
    }

    /// All lines leave it, but for empty ones at its end.
    fn flush(&mut self) {
        let mut lines: Vec<String> = self.screen.iter().map(|line| shown(line)).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.into_iter().for_each(|line| self.keep(line));
        (self.screen, self.row, self.col) = (vec![Vec::new()], 0, 0);
    }

    fn down(&mut self) {
        if self.row + 1 >= self.rows {
            self.scroll();
        }
        self.go_to_row(self.row + 1);
    }

    fn go_to_row(&mut self, row: usize) {
        self.row = row.min(self.rows - 1);
        while self.screen.len() <= self.row {
            self.screen.push(Vec::new());
        }
    }

    fn put(&mut self, character: char) {
        match character.width().unwrap_or(0) {
            0 => self.mark(character),
            width => {
                if self.col + width > self.cols {
                    self.down();
                    self.col = 0;
                }
                self.set([Some(character), None]);
                (1..width).for_each(|_| self.set([None, None]));
            }
        }
    }

    fn set(&mut self, cell: Cell) {
        let col = self.col;
        let line = &mut self.screen[self.row];
        if line.len() <= col {
            line.resize(col + 1, BLANK);
        }
        line[col] = cell;
        self.col += 1;
    }

    fn mark(&mut self, mark: char) {
        let before = self.col.checked_sub(1).and_then(|col| self.screen[self.row].get_mut(col));
        if let Some(cell) = before.filter(|cell| cell[0].is_some()) {
            cell[1] = Some(mark);
        }
    }

    /// Whether a program takes the whole terminal, or gives it back.
    fn take(&mut self, takes: bool) {
        if takes && !self.is_taken {
            self.flush();
            self.keep(self.full_screen.clone());
        }
        self.is_taken = takes;
    }

    fn erase_in_line(&mut self, how: u16) {
        let col = self.col;
        let line = &mut self.screen[self.row];
        match how {
            0 => line.truncate(col),
            1 => line.iter_mut().take(col + 1).for_each(|cell| *cell = BLANK),
            _ => line.clear(),
        }
    }

    fn erase(&mut self, how: u16) {
        // What was shown before is the transcript's.
        if how >= 2 || (how == 0 && self.row == 0 && self.col == 0) {
            return self.flush();
        }
        if how == 0 {
            self.erase_in_line(0);
            self.screen.truncate(self.row + 1);
        }
    }

    fn delete(&mut self, count: usize) {
        let line = &mut self.screen[self.row];
        let from = self.col.min(line.len());
        line.drain(from..from.saturating_add(count).min(line.len()));
    }

    fn insert(&mut self, count: usize) {
        let (col, cols) = (self.col, self.cols);
        let line = &mut self.screen[self.row];
        if col < line.len() {
            line.splice(col..col, std::iter::repeat_n(BLANK, count.min(cols)));
            line.truncate(cols);
        }
    }
}

impl Perform for Page {
    fn print(&mut self, character: char) {
        if !self.is_taken {
            self.put(character);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            _ if self.is_taken => {}
            b'\n' | 0x0b | 0x0c => self.down(),
            b'\r' => self.col = 0,
            0x08 => self.col = self.col.min(self.cols).saturating_sub(1),
            b'\t' => self.col = ((self.col / 8 + 1) * 8).min(self.cols - 1),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        let number = |place: usize| params.iter().nth(place).and_then(|param| param.first().copied());
        let is_private = intermediates == b"?";
        if is_private && matches!(action, 'h' | 'l') {
            let is_full = |param: &[u16]| matches!(param, [47 | 1047 | 1049]);
            if params.iter().any(is_full) {
                self.take(action == 'h');
            }
        }
        if self.is_taken || !intermediates.is_empty() {
            return;
        }
        let count = usize::from(number(0).unwrap_or(0).max(1));
        let how = number(0).unwrap_or(0);
        match action {
            'A' => self.go_to_row(self.row.saturating_sub(count)),
            'B' => self.go_to_row(self.row + count),
            'C' => self.col = (self.col + count).min(self.cols - 1),
            'D' => self.col = self.col.min(self.cols).saturating_sub(count),
            'G' => self.col = count.min(self.cols) - 1,
            'H' | 'f' => {
                self.go_to_row(count - 1);
                self.col = usize::from(number(1).unwrap_or(0).max(1)).min(self.cols) - 1;
            }
            'J' => self.erase(how),
            'K' => self.erase_in_line(how),
            'P' => self.delete(count),
            '@' => self.insert(count),
            _ => {}
        }
    }
}

fn shown(line: &[Cell]) -> String {
    let text: String = line.iter().flatten().flatten().collect();
    text.trim_end().to_owned()
}
