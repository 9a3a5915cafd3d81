//! What the maker's program prints, cut into lines. Pure. Most lines are for people; some say how far it is.

use fieldlink_protocol::messages::operation::OUTPUT_LINE;
use fieldlink_protocol::text;

/// What begins a line that is meant for us.
const DIRECTIVE: &str = "::fieldlink ";
/// The longest line that is gathered, in bytes. What is longer is cut into several.
const LONGEST: usize = 4 * OUTPUT_LINE;

/// A line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// For people: cleaned, not empty.
    Text(String),
    /// So many percent are done.
    Progress(u8),
    /// The device is to be restarted once the program has ended.
    Restart,
    /// The program ends now, and a unit goes on with it once the device has restarted.
    Continues,
}

/// Cuts a stream of bytes into lines. A carriage return ends one, too: that is how progress is shown on terminals.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that are whole with `bytes`.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' | b'\r' => lines.extend(self.end()),
                byte => self.rest.push(byte),
            }
            if self.rest.len() == LONGEST {
                lines.extend(self.end());
            }
        }
        lines
    }

    /// What stands behind the last line's end.
    pub fn end(&mut self) -> Option<Line> {
        understand(&String::from_utf8_lossy(&std::mem::take(&mut self.rest)))
    }
}

fn understand(line: &str) -> Option<Line> {
    if let Some(word) = line.strip_prefix(DIRECTIVE) {
        return match word.trim().split_once(' ') {
            None if word.trim() == "restart" => Some(Line::Restart),
            None if word.trim() == "continues" => Some(Line::Continues),
            Some(("progress", percent)) => progress(percent),
            _ => Some(Line::Text(text::printable(line, OUTPUT_LINE))),
        };
    }
    // APT::Status-Fd (README.progress-reporting of apt): "pmstatus:<package>:<percent>:<text>", and "dlstatus:…".
    let status = line.strip_prefix("pmstatus:").or_else(|| line.strip_prefix("dlstatus:"));
    if let Some(percent) = status.and_then(|status| progress(status.split(':').nth(1)?)) {
        return Some(percent);
    }
    let text = text::printable(line, OUTPUT_LINE);
    (!text.trim().is_empty()).then_some(Line::Text(text))
}

/// A number from 0 to 100, with or without decimals and a percent sign.
fn progress(text: &str) -> Option<Line> {
    let whole = text.trim().trim_end_matches('%').split('.').next()?;
    let percent: u8 = whole.parse().ok()?;
    (percent <= 100).then_some(Line::Progress(percent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        let mut cutter = Lines::default();
        let mut lines = cutter.push(text.as_bytes());
        lines.extend(cutter.end());
        lines
    }

    #[test]
    fn directives_and_apts_progress_are_understood() {
        let text = "Unpacking\r\n::fieldlink progress 7\npmstatus:libc6:42.8571:Unpacking libc6\n\
                    dlstatus:1:3.5:Retrieving\n::fieldlink restart\n::fieldlink continues\n::fieldlink progress 101\nend";
        let expected = [
            Line::Text("Unpacking".into()),
            Line::Progress(7),
            Line::Progress(42),
            Line::Progress(3),
            Line::Restart,
            Line::Continues,
            Line::Text("end".into()),
        ];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn what_is_printed_is_foreign() {
        assert_eq!(lines("\u{1b}[2Jgone\u{202e}"), [Line::Text("\u{fffd}[2Jgone\u{fffd}".into())]);
        assert_eq!(lines("::fieldlink explode"), [Line::Text("::fieldlink explode".into())]);
        assert_eq!(lines(&"x".repeat(LONGEST + 1)).len(), 2, "nothing grows without end");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            bytes in prop::collection::vec(prop::sample::select(b"ab:\n\r 7%\xc3\xa4".to_vec()), 0..300),
            cuts in prop::collection::vec(1usize..20, 0..40),
        ) {
            let mut whole = Lines::default();
            let mut expected = whole.push(&bytes);
            expected.extend(whole.end());
            let (mut cutter, mut found, mut rest) = (Lines::default(), Vec::new(), &bytes[..]);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                found.extend(cutter.push(piece));
                rest = later;
            }
            found.extend(cutter.end());
            prop_assert_eq!(found, expected);
        }
    }
}
