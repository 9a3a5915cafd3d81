//! Digits as people type and paste them: with separators of every kind, and in every script.

/// What a character in a number that was typed can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A decimal digit, 0 to 9.
    Digit(u8),
    /// Something that stands between digits and means nothing.
    Separator,
    /// Something else.
    Foreign,
}

/// The zeros of Unicode's decimal digits (general category Nd, version 16); nine more follow each.
const ZEROS: &[u32] = &[
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30,
    0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0,
    0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16130, 0x16A60,
    0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0,
    0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// What `character` can mean in a number.
pub(crate) fn mark(character: char) -> Mark {
    let code = u32::from(character);
    if let Some(value) = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10)) {
        return Mark::Digit(value as u8);
    }
    if is_separator(character) { Mark::Separator } else { Mark::Foreign }
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || is_punctuation(character) || is_invisible(character)
}

/// What is put between groups of digits, or around them. No plus sign: that is a telephone number.
fn is_punctuation(character: char) -> bool {
    matches!(character,
        '-' | '.' | ',' | '/' | '_' | ':' | ';' | '|' | '\'' | '"' | '`' | '*' | '(' | ')' | '[' | ']' | '<' | '>'
        | '\u{b7}' | '\u{ab}' | '\u{bb}' | '\u{2010}'..='\u{2015}' | '\u{2018}'..='\u{201f}' | '\u{2022}'
        | '\u{2039}' | '\u{203a}' | '\u{2043}' | '\u{2212}' | '\u{3001}' | '\u{3002}' | '\u{30fb}'
        | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0c}'..='\u{ff0f}' | '\u{ff3f}' | '\u{ff1a}')
}

/// What copying brings along unseen: zero-width characters, direction marks and isolates, byte order marks,
/// variation selectors, the frame of a keycap.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_have_their_values() {
        for (text, values) in
            [("0123456789", 0..10), ("０９", 0..1), ("٠١٢", 0..3), ("०१", 0..2), ("𝟎𝟏", 0..2)]
        {
            for (character, value) in text.chars().zip(values) {
                assert_eq!(mark(character), Mark::Digit(value), "{character}");
            }
        }
        assert_eq!(mark('９'), Mark::Digit(9));
    }

    /// The standard library knows what is numeric, but not its value.
    #[test]
    fn every_digit_of_the_table_is_one() {
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10 {
                let character = char::from_u32(zero + value).expect("a character");
                assert_eq!(mark(character), Mark::Digit(value as u8));
                assert!(!is_separator(character));
            }
        }
        let known =
            ZEROS.iter().filter_map(|zero| char::from_u32(*zero)).filter(|zero| zero.is_numeric()).count();
        assert!(known + 8 >= ZEROS.len(), "only the newest may be unknown to the standard library: {known}");
    }

    #[test]
    fn letters_and_signs_are_foreign() {
        for character in ['x', 'O', 'é', '+', '½', '²', '①', '三', '=', '%', '\u{0}', '\u{1b}', '\u{301}']
        {
            assert_eq!(mark(character), Mark::Foreign, "{character:?}");
        }
    }
}
