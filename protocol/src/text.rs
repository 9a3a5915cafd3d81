//! Text from somewhere else, made harmless before a person reads it.
//!
//! Names, case numbers and error texts travel as they are (the pairing binds their raw bytes); they
//! are cleaned where they are shown. Nothing that is shown can move the cursor, start an escape
//! sequence, reorder its surroundings (Unicode bidi controls, see CVE-2021-42574) or hide itself.

/// What stands in for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// `text` on one line, without control, bidi and invisible characters, at most `limit` characters.
pub fn clean(text: &str, limit: usize) -> String {
    let mut shown: String =
        text.chars().take(limit).map(|c| if is_harmless(c) { c } else { REPLACEMENT }).collect();
    if text.chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

/// [`clean`] for a name, company, case number or error code.
pub fn name(text: &str) -> String {
    clean(text, 100)
}

/// [`clean`] for a sentence from another party.
pub fn sentence(text: &str) -> String {
    clean(text, 400)
}

/// Whether a character can be shown as it is: it moves no cursor, reorders nothing and is not invisible.
pub fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning of `text` that has at most `limit` bytes, cut between characters: what a text of our own, or of
/// our surroundings, becomes before it is sent.
pub fn fit(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text that is too long, or empty where something must stand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    /// Nothing but white space.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// More bytes than the wire carries.
    #[error("{0} is too long: at most {1} bytes")]
    TooLong(&'static str, usize),
    /// A character that cannot be shown.
    #[error("{0} contains a control or invisible character")]
    Unprintable(&'static str),
}

/// Checks a text that one of our own users typed: it must be fit to be shown as it is.
pub fn check(what: &'static str, text: &str, limit: usize) -> Result<(), TextError> {
    if text.trim().is_empty() {
        Err(TextError::Empty(what))
    } else if text.len() > limit {
        Err(TextError::TooLong(what, limit))
    } else if !text.chars().all(is_harmless) {
        Err(TextError::Unprintable(what))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_people_write_and_stops_what_terminals_obey() {
        assert_eq!(name("Zoë Müller 山田"), "Zoë Müller 山田");
        assert_eq!(name("a\u{1b}[2Jb\u{202e}c\r\nd"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\u{fffd}d");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert!(check("ticket", "T-1", 64).is_ok());
        assert_eq!(check("ticket", " ", 64), Err(TextError::Empty("ticket")));
        assert!(check("ticket", "\u{1b}", 64).is_err());
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = "ü".repeat(10);
        assert_eq!((fit(&text, 5).len(), fit(&text, 100)), (4, text.as_str()));
    }

    proptest! {
        #[test]
        fn cleaned_text_is_harmless_and_bounded(text in "\\PC*|.*", limit in 0usize..50) {
            let shown = clean(&text, limit);
            prop_assert!(shown.chars().all(is_harmless));
            prop_assert!(shown.chars().count() <= limit + 1);
        }
    }
}
