//! What a terminal showed, as asciicast, version 3 (docs.asciinema.org/manual/asciicast/v3): a header, then a line for each
//! piece of output, change of size and the end, each with the seconds since the line before. No input.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalShape {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

#[derive(Serialize)]
struct Header<'a> {
    version: u8,
    term: TerminalShape,
    timestamp: u64,
    title: &'a str,
}

/// Writes the lines of one recording.
#[derive(Debug)]
pub struct CastWriter {
    last: Duration,
    /// The beginning of a character whose rest has not come.
    begun: Vec<u8>,
}

impl CastWriter {
    /// A recording that begins at `boot`, the time since boot, and `unix`, in seconds since 1970; and its first line.
    pub fn begin(shape: TerminalShape, title: &str, boot: Duration, unix: u64) -> (Self, Vec<u8>) {
        let header = Header { version: 3, term: shape, timestamp: unix, title };
        (Self { last: boot, begun: Vec::new() }, line(&header))
    }

    /// The line for what the terminal shows at `boot`. Bytes that are no UTF-8 are shown as U+FFFD, as terminals do. None
    /// if it is the beginning of a character.
    pub fn output(&mut self, boot: Duration, bytes: &[u8]) -> Option<Vec<u8>> {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.len() - begun(&self.begun);
        let rest = self.begun.split_off(whole);
        let whole = std::mem::replace(&mut self.begun, rest);
        (!whole.is_empty()).then(|| self.event(boot, "o", &String::from_utf8_lossy(&whole)))
    }

    /// The line for a change of the terminal's size.
    pub fn resize(&mut self, boot: Duration, TerminalShape { cols, rows }: TerminalShape) -> Vec<u8> {
        self.event(boot, "r", &format!("{cols}x{rows}"))
    }

    /// The line for what is not recorded: a marker, which players show.
    pub fn gap(&mut self, boot: Duration, label: &str) -> Vec<u8> {
        self.event(boot, "m", label)
    }

    /// The last line, with the exit status of the program.
    pub fn exit(&mut self, boot: Duration, status: u8) -> Vec<u8> {
        self.event(boot, "x", &status.to_string())
    }

    fn event(&mut self, boot: Duration, code: &str, data: &str) -> Vec<u8> {
        let since = boot.saturating_sub(self.last);
        self.last = self.last.max(boot);
        // To the millisecond, and without the errors of adding up fractions.
        let seconds = format!("{}.{:03}", since.as_secs(), since.subsec_millis());
        self.last -= Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000));
        let data = serde_json::to_string(data).unwrap_or_default();
        format!("[{seconds}, \"{code}\", {data}]\n").into_bytes()
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// How many bytes at the end of `bytes` are the beginning of a character of UTF-8 that goes on.
fn begun(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    (1..=tail.len())
        .rev()
        .find(|length| {
            let begun = &tail[tail.len() - length..];
            // Such an error has no length: what follows could mend it.
            std::str::from_utf8(begun)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: TerminalShape = TerminalShape { cols: 80, rows: 24 };

    fn text(line: Vec<u8>) -> String {
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn a_recording_has_this_form() {
        let at = Duration::from_millis;
        let (mut cast, header) = CastWriter::begin(SHAPE, "shell", at(1000), 1_796_056_800);
        assert_eq!(
            text(header),
            "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"timestamp\":1796056800,\"title\":\"shell\"}\n"
        );
        let shown = cast.output(at(1250), b"a\x1b[1m\r\n").map(text);
        assert_eq!(shown.as_deref(), Some("[0.250, \"o\", \"a\\u001b[1m\\r\\n\"]\n"));
        assert_eq!(
            text(cast.resize(at(1251), TerminalShape { cols: 100, rows: 30 })),
            "[0.001, \"r\", \"100x30\"]\n"
        );
        assert_eq!(cast.output(at(1300), "€".as_bytes().split_at(2).0), None);
        assert_eq!(text(cast.exit(at(500), 3)), "[0.000, \"x\", \"3\"]\n", "no time goes backwards");
    }

    proptest! {
        /// However output is cut, it is recorded whole, and the times add up.
        #[test]
        fn cuts_change_nothing(said in "[a-z€ß\u{1F600}\r\n\\x1b]{0,40}", junk in prop::collection::vec(any::<u8>(), 0..4), size in 1usize..7) {
            let bytes = [said.as_bytes(), &junk, b"."].concat();
            let (mut cast, _) = CastWriter::begin(SHAPE, "", Duration::ZERO, 0);
            let (mut shown, mut millis) = (String::new(), 0);
            let pieces = bytes.chunks(size).enumerate();
            let last = pieces.len() as u64;
            for (number, piece) in pieces {
                let boot = Duration::from_micros(1999 * (number as u64 + 1));
                let Some(line) = cast.output(boot, piece) else { continue };
                let (since, code, data): (f64, String, String) = serde_json::from_slice(&line).expect("JSON");
                prop_assert_eq!(code, "o");
                millis += (since * 1000.0).round() as u64;
                shown += &data;
            }
            prop_assert_eq!(shown, String::from_utf8_lossy(&bytes));
            prop_assert_eq!(millis, last * 1999 / 1000);
        }
    }
}
