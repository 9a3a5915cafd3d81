//! Patterns of principals, with `*` and `?` as in ssh_config(5).

/// A pattern, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// `None` for a text that nothing should be compared with: empty, or with white space or control characters. Nor are
    /// there exceptions (`!`) or lists (`,`) as in ssh_config: whoever wrote one would believe that it counts.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_plain =
            |character: char| !character.is_whitespace() && !character.is_control() && character != ',';
        (!text.is_empty() && !text.starts_with('!') && text.chars().all(is_plain))
            .then(|| Self(text.to_owned()))
    }

    /// Whether the whole of `text` fits. Takes at most the product of both lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut here) = (0, 0);
        // Where the latest star stands, and what it has taken so far: it takes one byte more whenever the rest fails.
        let mut star: Option<(usize, usize)> = None;
        while here < text.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, here));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == text[here] => {
                    at += 1;
                    here += 1;
                }
                _ => {
                    let Some((star_at, taken)) = star else { return false };
                    star = Some((star_at, taken + 1));
                    (at, here) = (star_at + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).expect("a pattern").matches(text)
    }

    #[test]
    fn stars_and_question_marks_stand_for_what_they_do_in_ssh() {
        for (pattern, text) in [
            ("*@scans.example", "ada@scans.example"),
            ("ada", "ada"),
            ("*", "anything"),
            ("a?a*", "ada@x"),
            ("**a**", "banana"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("*@scans.example", "ada@scans.example.evil"),
            ("*@scans.example", "Ada@SCANS.example"),
            ("ada", "adab"),
            ("a?a", "aa"),
            ("?", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        for refused in ["", "a b", "a\n", "!eve@scans.example", "a,b"] {
            assert_eq!(Pattern::new(refused), None);
        }
    }

    /// The definition, which takes exponential time.
    fn fits(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
            Some((b'?', rest)) => !text.is_empty() && fits(rest, &text[1..]),
            Some((byte, rest)) => text.first() == Some(byte) && fits(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{1,7}", text in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &text), fits(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
