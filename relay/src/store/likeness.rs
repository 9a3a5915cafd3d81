//! Which names look alike: a second engineer who reads as the first would not be revoked with the first.

use fieldlink_protocol::text;
use unicode_normalization::UnicodeNormalization;

/// A name as a person reads it: without regard to case, blanks, width, how an accented letter is put together,
/// and letters of other alphabets with the same shape.
pub(super) struct Likeness(String);

/// A capital i. It may be one, or be taken for a small L; everything else stands in lower case.
const CAPITAL_I: char = 'I';

impl Likeness {
    /// Of this name.
    pub(super) fn of(name: &str) -> Self {
        let folded: String = text::normalise(name).nfkc().flat_map(lower).nfkc().collect();
        Self(text::normalise(&folded).chars().map(shape).collect())
    }

    /// Whether a person may take the one for the other. "KaI" may be "Kai" and "Kal", which are two.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let mut pairs = self.0.chars().zip(other.0.chars());
        self.0.chars().count() == other.0.chars().count() && pairs.all(|(one, other)| is_like(one, other))
    }
}

fn is_like(one: char, other: char) -> bool {
    one == other || matches!((one, other), (CAPITAL_I, 'i' | 'l') | ('i' | 'l', CAPITAL_I))
}

fn lower(character: char) -> impl Iterator<Item = char> {
    let is_capital_i = matches!(character, 'I' | 'І' | 'Ι' | 'Ӏ');
    let kept = is_capital_i.then_some(CAPITAL_I);
    let lowered = (!is_capital_i).then(|| character.to_lowercase());
    kept.into_iter().chain(lowered.into_iter().flatten())
}

/// The Latin letter that a folded character looks like.
fn shape(character: char) -> char {
    match character {
        'а' | 'α' => 'a',
        'в' | 'ь' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'ҽ' => 'e',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        '1' | '|' | 'ӏ' => 'l',
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
            assert!(are_alike(name, alike[0]), "{name}");
        }
        for (one, other) in [
            ("Zoë", "Zoe\u{308}"),
            ("KAI", "kai"),
            ("Ida Lill", "ida lill"),
            ("lda", "Ida"),
            ("1da", "Ida"),
            ("Ali", "А|і"),
            ("Ӏlse", "Ilse"),
            ("Ιda", "ІDA"),
        ] {
            assert!(are_alike(one, other) && are_alike(other, one), "{one}, {other}");
        }
        for (one, other) in [
            ("Zoë", "Zoe"),
            ("Ada", "Adam"),
            ("Иван", "Ivan"),
            ("Ada L", "AdaL"),
            ("Ella Rossi", "Elia Rossi"),
            ("Kai", "Kal"),
            ("Mila", "Milla"),
        ] {
            assert!(!are_alike(one, other) && !are_alike(other, one), "{one}, {other}");
        }
    }

    fn are_alike(one: &str, other: &str) -> bool {
        Likeness::of(one).is_like(&Likeness::of(other))
    }
}
