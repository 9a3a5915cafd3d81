//! The one place that prints for people and scripts, and so the place where what others said is made harmless.

use std::io::Write;

use fieldlink_protocol::text;

/// Longest line that is printed for a person, in characters.
pub(crate) const LINE: usize = 4000;

/// Prints lines for a person. This is the one place where that is done, so it is the place where what others
/// said is made harmless. A terminal that is gone does not concern the session.
pub(crate) fn print(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stderr(), "{}", text::printable(line, LINE));
    }
}

/// Prints what a command was asked for, on standard output. A reader that went away has had enough.
pub(crate) fn print_answer(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stdout(), "{}", text::printable(line, LINE));
    }
}

/// Prints a whole text, on standard output: a line may be as long as it is.
pub(crate) fn print_text(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stdout(), "{}", text::printable(line, line.len()));
    }
}

/// Has a terminal begin at its top, with nothing on it.
pub(crate) fn begin_at_top() {
    let _ = write!(std::io::stdout(), "\u{1b}[H\u{1b}[2J");
}

/// Prints JSON, on standard output, in one line. A reader that went away does not concern the session.
pub(crate) fn print_json(line: &str) {
    let _ = writeln!(std::io::stdout(), "{}", harmless_json(line));
}

/// The same JSON with everything escaped that a terminal might obey.
fn harmless_json(line: &str) -> String {
    let mut units = [0; 2];
    line.chars().fold(String::with_capacity(line.len()), |mut escaped, character| {
        if text::is_harmless(character) {
            escaped.push(character);
        } else {
            let units = character.encode_utf16(&mut units);
            units.iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_said_moves_no_cursor_in_json_either() {
        let text = "a\u{9b}2J\u{202e}b\u{e0041}".to_owned();
        let line = harmless_json(&serde_json::json!({ "text": text }).to_string());
        assert!(line.chars().all(text::is_harmless), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).expect("still JSON");
        assert_eq!(read["text"], text);
    }
}
