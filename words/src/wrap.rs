//! Lines that are longer than a terminal is wide, broken between words.

/// `text` with no line wider than `columns`, as far as its words allow. A line that is continued keeps its
/// indentation. What waits behind a prompt (trailing blanks) stays.
pub fn wrap(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| wrap_line(line, columns));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let body = line.trim_start_matches(' ');
    let indent = &line[..line.len() - body.len()];
    let trailing = &body[body.trim_end_matches(' ').len()..];
    let mut wrapped = indent.to_owned();
    let mut used = indent.len();
    let mut pending = 0;
    for word in body.trim_end_matches(' ').split(' ') {
        let is_first = used == indent.len();
        if !is_first && used + pending + width(word) > columns {
            wrapped = format!("{wrapped}\n{indent}");
            used = indent.len();
            pending = 0;
        }
        wrapped.extend(std::iter::repeat_n(' ', pending));
        wrapped += word;
        used += pending + width(word);
        pending = 1;
    }
    wrapped + trailing
}

/// Columns that a terminal gives to `text`: two for each of the wide characters of East Asia.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole_and_indented() {
        assert_eq!(wrap("  one two three\n  four", 10), "  one two\n  three\n  four");
        assert_eq!(wrap("  Type yes or no: ", 12), "  Type yes\n  or no: ");
        assert_eq!(wrap("  a-very-long-word x", 6), "  a-very-long-word\n  x");
        assert_eq!(wrap("  山田 山田", 7), "  山田\n  山田");
        assert_eq!(wrap("  State        ready", 80), "  State        ready");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_wider_than_it_must_be(
            words in prop::collection::vec("[a-z]{1,12}", 1..20), columns in 4usize..40,
        ) {
            let line = format!("  {}", words.join(" "));
            let wrapped = wrap(&line, columns);
            let found: Vec<&str> = wrapped.split_whitespace().collect();
            prop_assert_eq!(&found, &words.iter().map(String::as_str).collect::<Vec<_>>());
            for line in wrapped.lines() {
                prop_assert!(width(line) <= columns || line.split_whitespace().count() == 1, "{line:?}");
            }
        }
    }
}
