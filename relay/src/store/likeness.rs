//! Which names look alike: a second engineer who reads as the first would not be revoked with the first.

use fieldlink_protocol::text;
use unicode_normalization::UnicodeNormalization;

/// Equal for names that a person takes for the same: without regard to case, blanks, width, how an accented
/// letter is put together, and letters of other alphabets with the same shape.
pub(super) fn likeness(name: &str) -> String {
    let folded: String = text::normalise(name).nfkc().flat_map(char::to_lowercase).nfkc().collect();
    text::normalise(&folded).chars().map(shape).collect()
}

/// The Latin letter or digit that a lower-case character looks like.
fn shape(character: char) -> char {
    match character {
        'а' | 'α' => 'a',
        'в' | 'ь' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'ҽ' => 'e',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ι' | 'ı' | '1' | 'l' | '|' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'ν' | 'п' => 'n',
        'о' | 'ο' | '0' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ζ' => 'z',
        'ё' => 'ë',
        'ї' => 'ï',
        '‐' | '‑' | '–' | '—' | '−' => '-',
        '’' | '‘' | 'ʼ' | '`' | '´' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_alike_and_nothing_else() {
        let alike = [
            "Ada Lovelace",
            "Ada Lovelace ",
            " ada  lovelace",
            "Аda Lоvelасe",
            "Ａｄａ Lovelace",
            "Ada\u{a0}Lovelace",
            "Ada LoveIace",
        ];
        for name in alike {
            assert_eq!(likeness(name), likeness(alike[0]), "{name}");
        }
        assert_eq!(likeness("Zoë"), likeness("Zoe\u{308}"));
        for (one, other) in [("Zoë", "Zoe"), ("Ada", "Adam"), ("Иван", "Ivan"), ("Ada L", "AdaL")] {
            assert_ne!(likeness(one), likeness(other));
        }
    }
}
