//! Terminals' output as lines of plain text, for whatever is no terminal.

use std::collections::BTreeMap;

use fieldlink_protocol::live::LiveEvent;
use fieldlink_protocol::text;
use vte::{Parser, Perform};

use crate::Labels;

/// Characters after which a line is printed without its end.
const LONGEST: usize = 2_000;

/// Turns what happens into lines, each channel's output by itself.
#[derive(Default)]
pub(crate) struct PlainLines(BTreeMap<u64, Channel>);

#[derive(Default)]
struct Channel {
    what: String,
    parser: Parser,
    line: Line,
}

#[derive(Default)]
struct Line {
    begun: String,
    done: Vec<String>,
}

impl PlainLines {
    /// The lines that an event completes.
    pub(crate) fn handle(&mut self, labels: &impl Labels, event: LiveEvent) -> Vec<String> {
        match event {
            LiveEvent::Opened { channel, kind, what, who } => {
                let what = labels.of(&who, labels.channel(kind, &what));
                let line = labels.opened(&what);
                self.0.insert(channel, Channel { what, ..Channel::default() });
                vec![remark(channel, &line)]
            }
            LiveEvent::Output { channel, text } => {
                let Channel { parser, line, .. } = self.0.entry(channel).or_default();
                parser.advance(line, text.as_bytes());
                line.done.drain(..).map(|line| output(channel, &line)).collect()
            }
            LiveEvent::Skipped { channel, bytes } => {
                // What follows does not go on where the rest ended.
                let Channel { parser, line, .. } = self.0.entry(channel).or_default();
                *parser = Parser::default();
                let begun = Some(std::mem::take(&mut line.begun)).filter(|begun| !begun.is_empty());
                let begun = begun.map(|line| output(channel, &line));
                begun.into_iter().chain([remark(channel, &labels.skipped(bytes))]).collect()
            }
            LiveEvent::Closed { channel, how } => {
                let Channel { what, line, .. } = self.0.remove(&channel).unwrap_or_default();
                let over = labels.closed(&what, &how);
                let rest = Some(line.begun).filter(|begun| !begun.is_empty());
                let rest = rest.map(|line| output(channel, &line));
                rest.into_iter().chain([remark(channel, &over)]).collect()
            }
            LiveEvent::Size { .. } | LiveEvent::End {} | LiveEvent::Unknown => Vec::new(),
        }
    }
}

fn output(channel: u64, line: &str) -> String {
    format!("{channel}| {}", line)
}

fn remark(channel: u64, text: &str) -> String {
    format!("[{channel}] {}", text)
}

impl Line {
    fn end(&mut self) {
        self.done.push(std::mem::take(&mut self.begun));
    }
}

impl Perform for Line {
    fn print(&mut self, c: char) {
        self.begun.push(if text::is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER });
        if self.begun.len() >= LONGEST {
            self.end();
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end(),
            b'\t' => self.begun.push(' '),
            // What a shell prints to correct itself.
            8 => drop(self.begun.pop()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Plain;
    use fieldlink_protocol::live::LiveEnd;

    #[test]
    fn lines_are_text_and_nothing_else() {
        let mut plain = PlainLines::default();
        let mut show =
            |channel, text: &str| plain.handle(&Plain, LiveEvent::Output { channel, text: text.into() });
        assert_eq!(show(1, "\u{1b}[?2004h\u{1b}]0;title\u{7}$ lt\u{8}s\r\na\tb"), ["1| $ ls"]);
        assert_eq!(show(2, "other\n"), ["2| other"]);
        assert_eq!(show(1, "\u{1b}[31mc\u{202e}\n"), ["1| a bc\u{fffd}"]);
        assert_eq!(show(3, &"x".repeat(5_000)).len(), 2);
        show(1, "rest");
        let closed = plain.handle(&Plain, LiveEvent::Closed { channel: 1, how: LiveEnd::Cut });
        assert!(closed[0] == "1| rest" && closed[1].contains("Cut"), "{closed:?}");
    }
}
