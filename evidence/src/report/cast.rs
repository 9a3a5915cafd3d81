//! Recordings of terminals, read back: as text, and for the player.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use super::screen::{MOST_COLS, MOST_ROWS, Screen, Transcript};
use crate::{Files, TerminalShape, is_record_name};

/// Most bytes of one recording that are read.
const MOST_READ: u64 = 256 << 20;
/// Most bytes of one line: what a program writes at once is less.
const MOST_OF_LINE: u64 = 4 << 20;
/// Most bytes of a recording that a page holds.
pub(super) const MOST_PLAYED: usize = 2 << 20;
/// Most lines of a transcript.
const MOST_LINES: usize = 2_000;

/// A recording, read back.
#[derive(Debug)]
pub(super) struct Cast {
    /// As text.
    pub(super) transcript: Transcript,
    /// For the player: nothing but what was understood, written anew. None if that is more than a page holds.
    pub(super) played: Option<Vec<u8>>,
    /// Whether some of it was not understood, or not read.
    pub(super) is_damaged: bool,
}

#[derive(Deserialize)]
struct Header {
    version: u8,
    term: TerminalShape,
    #[serde(default)]
    timestamp: u64,
}

/// Reads the recording `name`. None if it is not there, or has no header.
pub(super) fn read(files: &dyn Files, name: &str, full_screen: &str) -> Option<Cast> {
    let name = Some(name).filter(|name| is_record_name(name))?;
    let mut reader = BufReader::new(files.open(name).ok()?.take(MOST_READ));
    let first = next_line(&mut reader).ok()??;
    let header: Header = serde_json::from_slice(&first).ok().filter(|header: &Header| header.version == 3)?;
    let mut reading = Reading::new(&header, full_screen);
    loop {
        match next_line(&mut reader) {
            Ok(Some(line)) => reading.line(&line),
            Ok(None) => break,
            Err(_) => {
                reading.is_damaged = true;
                break;
            }
        }
    }
    let is_cut = reader.get_ref().limit() == 0;
    let Reading { screen, played, is_damaged } = reading;
    Some(Cast { transcript: screen.finish(), played, is_damaged: is_damaged || is_cut })
}

/// The next line, or the beginning of one that is too long: the rest of it is read as lines of its own, which are none.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.take(MOST_OF_LINE).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then_some(line))
}

struct Reading {
    screen: Screen,
    played: Option<Vec<u8>>,
    is_damaged: bool,
}

impl Reading {
    fn new(header: &Header, full_screen: &str) -> Self {
        let Header { term, timestamp, .. } = header;
        let head = serde_json::json!({ "version": 3, "term": term, "timestamp": timestamp });
        let screen = Screen::new(*term, MOST_LINES, full_screen);
        let played = Some(format!("{head}\n").into_bytes()).filter(|_| can_be_played(*term));
        Self { screen, played, is_damaged: false }
    }

    fn line(&mut self, line: &[u8]) {
        let Ok((seconds, code, data)) = serde_json::from_slice::<(f64, String, String)>(line) else {
            self.is_damaged = true;
            return;
        };
        match code.as_str() {
            "o" => self.screen.output(&data),
            "r" => match shape(&data) {
                Some(shape) => self.resize(shape),
                None => return,
            },
            "m" => self.screen.note(&format!("[{data}]")),
            "x" => {}
            _ => return,
        }
        self.play(seconds, &code, &data);
    }

    fn resize(&mut self, shape: TerminalShape) {
        self.screen.resize(shape);
        self.played = self.played.take().filter(|_| can_be_played(shape));
    }

    fn play(&mut self, seconds: f64, code: &str, data: &str) {
        let event = serde_json::json!([(seconds.max(0.0) * 1000.0).round() / 1000.0, code, data]);
        let event = format!("{event}\n");
        self.played = self.played.take().filter(|played| played.len() + event.len() <= MOST_PLAYED);
        if let Some(played) = &mut self.played {
            played.extend(event.into_bytes());
        }
    }
}

/// Whether a browser can show a terminal of this size: it holds all of it at once.
fn can_be_played(TerminalShape { cols, rows }: TerminalShape) -> bool {
    (1..=MOST_COLS).contains(&cols.into()) && (1..=MOST_ROWS).contains(&rows.into())
}

fn shape(text: &str) -> Option<TerminalShape> {
    let (cols, rows) = text.split_once('x')?;
    Some(TerminalShape { cols: cols.parse().ok()?, rows: rows.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(Vec<u8>);

    impl Files for One {
        fn names(&self) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }

        fn open(&self, _: &str) -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(self.0.as_slice()))
        }
    }

    fn read_back(lines: &str) -> Option<Cast> {
        let header =
            "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"title\":\"x\",\"theme\":{\"fg\":\"red\"}}\n";
        read(&One(format!("{header}{lines}").into_bytes()), "terminal-1.cast", "[full screen]")
    }

    #[test]
    fn only_what_was_understood_is_played() {
        let cast =
            read_back("[0.5, \"o\", \"a\"]\n[0.1, \"i\", \"secret\"]\nnonsense\n[1, \"m\", \"gap\"]\n");
        let cast = cast.expect("a recording");
        let played = String::from_utf8(cast.played.expect("it is small")).expect("text");
        assert!(!played.contains("theme") && !played.contains("secret") && !played.contains("nonsense"));
        assert_eq!(
            (cast.transcript.lines, cast.is_damaged),
            (vec!["a".to_owned(), "[gap]".to_owned()], true)
        );
    }

    #[test]
    fn a_terminal_that_no_browser_shows_is_not_played() {
        for shape in ["0x24", "65535x65535", "80x0"] {
            let cast = read_back(&format!("[0, \"r\", \"{shape}\"]\n[0, \"o\", \"a\"]\n"));
            assert!(cast.expect("a recording").played.is_none(), "{shape}");
        }
        assert!(read(&One(b"{}\n".to_vec()), "terminal-1.cast", "").is_none());
        assert!(read(&One(Vec::new()), "../terminal-1.cast", "").is_none());
    }
}
