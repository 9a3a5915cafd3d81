//! Text from somewhere else, made harmless before a person reads it.
//!
//! Names, case numbers and error texts travel as they are (the pairing binds their raw bytes); they
//! are cleaned where they are shown. Nothing that is shown can move the cursor, start an escape
//! sequence, reorder its surroundings (Unicode bidi controls, see CVE-2021-42574), hide itself, draw over
//! the lines around it (piled-up combining marks) or imitate columns (runs of blanks).
//!
//! What our own users type goes through [`normalise`] first, so that what looks the same is the same.

/// What stands in for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';
/// Combining marks that one character may carry: more than any language's spelling needs.
const MARKS: usize = 4;

/// `text` on one line, without control, bidi and invisible characters, at most `limit` characters. Blanks at
/// its ends are left out, and several in a row are one.
pub fn clean(text: &str, limit: usize) -> String {
    tidied(Tidy::default(), text, limit)
}

/// A line of our own, with columns and indents, which may have texts of others in it: as [`clean`], and its spaces stay as
/// they are.
pub fn printable(line: &str, limit: usize) -> String {
    tidied(Tidy { keeps_spaces: true, ..Tidy::default() }, line, limit)
}

fn tidied(mut tidy: Tidy, text: &str, limit: usize) -> String {
    for character in text.chars() {
        tidy.push(if is_harmless(character) { character } else { REPLACEMENT });
        if tidy.length > limit {
            return tidy.text.chars().take(limit).chain(['…']).collect();
        }
    }
    tidy.text
}

/// What a user typed or pasted, without blanks at its ends, with one where there were several of any kind, and
/// without piled-up marks.
pub fn normalise(text: &str) -> String {
    let mut tidy = Tidy::default();
    text.chars().for_each(|character| tidy.push(character));
    tidy.text
}

/// A text as it grows.
#[derive(Default)]
struct Tidy {
    text: String,
    /// How many characters `text` has.
    length: usize,
    /// A blank that is shown if something follows.
    blank: bool,
    /// Marks in a row.
    marks: usize,
    /// Whether spaces are what the line's author wants, and not what another party has typed.
    keeps_spaces: bool,
}

impl Tidy {
    fn push(&mut self, character: char) {
        if is_blank(character) && !(self.keeps_spaces && character == ' ') {
            (self.blank, self.marks) = (self.length > 0, 0);
            return;
        }
        self.marks = if is_mark(character) { self.marks + 1 } else { 0 };
        if self.marks > MARKS {
            return;
        }
        if std::mem::take(&mut self.blank) {
            self.text.push(' ');
            self.length += 1;
        }
        self.text.push(character);
        self.length += 1;
    }
}

/// [`clean`] for a name, company, case number or error code.
pub fn name(text: &str) -> String {
    clean(text, 100)
}

/// [`clean`] for a sentence from another party.
pub fn sentence(text: &str) -> String {
    clean(text, 400)
}

/// White space of any width, and what has the width of a character and shows nothing.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{2800}' | '\u{1d159}' | '\u{16fe4}')
}

/// Drawn over, under or into the character before: the blocks of combining marks, and those of the scripts
/// whose marks stack.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{711}' | '\u{730}'..='\u{74a}'
        | '\u{7a6}'..='\u{7b0}' | '\u{7eb}'..='\u{7f3}' | '\u{816}'..='\u{82d}' | '\u{859}'..='\u{85b}'
        | '\u{898}'..='\u{89f}' | '\u{8ca}'..='\u{902}' | '\u{93a}' | '\u{93c}' | '\u{941}'..='\u{948}'
        | '\u{94d}' | '\u{951}'..='\u{957}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' | '\u{f18}'..='\u{f19}'
        | '\u{f71}'..='\u{f7e}' | '\u{f80}'..='\u{f84}' | '\u{102d}'..='\u{1037}' | '\u{135d}'..='\u{135f}'
        | '\u{1ab0}'..='\u{1ace}' | '\u{1cd0}'..='\u{1ce8}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20f0}' | '\u{2cef}'..='\u{2cf1}' | '\u{2de0}'..='\u{2dff}'
        | '\u{302a}'..='\u{302f}' | '\u{3099}'..='\u{309a}' | '\u{a66f}'..='\u{a672}'
        | '\u{a674}'..='\u{a67d}' | '\u{a69e}'..='\u{a69f}' | '\u{a8e0}'..='\u{a8f1}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{1d165}'..='\u{1d169}' | '\u{1d16d}'..='\u{1d172}'
        | '\u{1d185}'..='\u{1d18b}' | '\u{1d1aa}'..='\u{1d1ad}')
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

/// A text that is made harmless and fits: what replaces a character may be longer than it.
pub fn clean_to_fit(text: &str, limit: usize) -> String {
    let cleaned = clean(fit(text, limit), limit);
    fit(&cleaned, limit).to_owned()
}

/// A text that is too long, or empty where something must stand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    /// Nothing that can be seen.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// More bytes than the wire carries.
    #[error("{0} is too long: at most {1} bytes")]
    TooLong(&'static str, usize),
    /// A character that cannot be shown.
    #[error("{0} contains a control or invisible character")]
    Unprintable(&'static str),
    /// Marks that would be drawn over the lines around it.
    #[error("{0} has too many accents on one letter")]
    Marks(&'static str),
}

/// Checks a text that one of our own users typed: it must be fit to be shown as it is.
pub fn check(what: &'static str, text: &str, limit: usize) -> Result<(), TextError> {
    if text.chars().all(|c| is_blank(c) || is_mark(c)) {
        Err(TextError::Empty(what))
    } else if text.len() > limit {
        Err(TextError::TooLong(what, limit))
    } else if !text.chars().all(is_harmless) {
        Err(TextError::Unprintable(what))
    } else if most_marks(text) > MARKS {
        Err(TextError::Marks(what))
    } else {
        Ok(())
    }
}

fn most_marks(text: &str) -> usize {
    text.split(|c| !is_mark(c)).map(|marks| marks.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_of_ours_keeps_its_columns_and_nothing_harmful() {
        assert_eq!(printable("ID   SCANNER  ", 100), "ID   SCANNER  ");
        assert_eq!(printable("  a\u{1b}[2J\tb\u{2003}\u{2003}c", 100), "  a\u{fffd}[2J\u{fffd}b c");
        assert_eq!(printable("abc", 2), "ab…");
    }

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

    #[test]
    fn what_shows_nothing_is_empty() {
        let nothing =
            ["", " ", "\u{a0}".repeat(60).as_str(), "\u{2800}", "\u{3000}\u{2003}\t", "\u{301}", " \u{20dd}"]
                .map(str::to_owned);
        for nothing in nothing {
            assert_eq!(check("ticket", &nothing, 200), Err(TextError::Empty("ticket")), "{nothing:?}");
        }
        for invisible in ["\u{200b}", "\u{3164}", "\u{ad}", "a\u{feff}"] {
            assert_eq!(
                check("ticket", invisible, 64),
                Err(TextError::Unprintable("ticket")),
                "{invisible:?}"
            );
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        let piled = format!("T{}1", "\u{301}".repeat(200));
        assert_eq!(check("ticket", &piled, 1_000), Err(TextError::Marks("ticket")));
        assert_eq!(name(&piled).chars().filter(|c| is_mark(*c)).count(), MARKS);
        for spelt in ["Nguyễn", "ngu\u{306}\u{303}", "שָׁלוֹם", "ที่นี่", "क्षेत्र", "が"]
        {
            assert_eq!((check("name", spelt, 100), name(spelt)), (Ok(()), spelt.to_owned()));
        }
    }

    #[test]
    fn blanks_imitate_no_columns() {
        let gaps = [" ".repeat(30), "\u{a0}".repeat(3), "\u{2800} \u{3000}".into()];
        for gap in gaps {
            assert_eq!(name(&format!(" T-1{gap}client-ended{gap}")), "T-1 client-ended");
            assert_eq!(normalise(&format!("{gap}T-1{gap}x\n")), "T-1 x");
        }
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays_so_and_looks_like_itself(text in "[ \u{a0}\u{2800}\u{300}-\u{310}a-cé]*|\\PC*") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once.clone());
            // A line or paragraph separator is a blank to `normalise`, and to `clean` a character that is not shown.
            let is_plain = text.chars().all(|character| is_harmless(character) || !is_blank(character));
            prop_assert!(!is_plain || clean(&text, 1_000) == clean(&once, 1_000));
            prop_assert!(!once.contains("  ") && once.trim() == once && most_marks(&once) <= MARKS);
            prop_assert!(check("it", &text, 10_000).is_err() || check("it", &once, 10_000).is_ok());
        }

        #[test]
        fn cleaned_text_is_harmless_and_bounded(text in "\\PC*|.*", limit in 0usize..50) {
            let shown = clean(&text, limit);
            prop_assert!(shown.chars().all(is_harmless));
            prop_assert!(shown.chars().count() <= limit + 1);
        }
    }
}
