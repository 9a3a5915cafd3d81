//! The support ID: eight random digits and a Damm check digit, read out over the phone.

use rand::RngExt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digits::{Mark, mark};

/// The totally anti-symmetric quasigroup of order 10 from H. Michael Damm's thesis (Marburg, 2004).
/// It catches every wrong digit and every swap of two neighbours.
const QUASIGROUP: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Nine digits, the last one a check digit. Always valid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SupportId([u8; 9]);

/// What is wrong with something that was typed as a support ID.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum ParseSupportIdError {
    /// More or fewer than nine digits.
    #[error("a support ID has nine digits, as in 482 913 077, and this has {0}")]
    Count(usize),
    /// Something that stands in no number.
    #[error("a support ID has nine digits and nothing else, as in 482 913 077")]
    Foreign,
    /// Nine digits whose check digit does not fit.
    #[error("that ID has a typo (one digit is wrong, or two have changed places)")]
    Typo,
}

impl SupportId {
    /// Stands where there is none: nobody is asked for by it.
    pub const NONE: Self = Self(*b"000000000");

    /// Draws one, uniformly over all 10⁸, from the operating system's CSPRNG.
    pub fn random() -> Self {
        let mut random = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
        let mut number: u32 = random.random_range(0..100_000_000);
        let mut digits = [0; 9];
        for digit in digits[..8].iter_mut().rev() {
            *digit = (number % 10) as u8;
            number /= 10;
        }
        digits[8] = check_digit(&digits[..8]);
        Self(digits)
    }

    /// The nine digits in groups of three, as they are shown.
    pub fn grouped(&self) -> String {
        let text = self.to_string();
        format!("{} {} {}", &text[..3], &text[3..6], &text[6..])
    }
}

/// The state after `digits`; 0 for a number that ends in its own check digit.
fn check_digit(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |state, &digit| QUASIGROUP[state as usize][digit as usize])
}

impl std::str::FromStr for SupportId {
    type Err = ParseSupportIdError;

    /// Reads nine digits of any script; what people and programs put between them does not matter.
    fn from_str(text: &str) -> Result<Self, ParseSupportIdError> {
        let mut digits = [0; 9];
        let mut count = 0;
        for character in text.chars() {
            match mark(character) {
                Mark::Digit(value) => {
                    digits.iter_mut().skip(count).take(1).for_each(|digit| *digit = value);
                    count += 1;
                }
                Mark::Separator => {}
                Mark::Foreign => return Err(ParseSupportIdError::Foreign),
            }
        }
        match (count, check_digit(&digits)) {
            (9, 0) => Ok(Self(digits)),
            (9, _) => Err(ParseSupportIdError::Typo),
            (count, _) => Err(ParseSupportIdError::Count(count)),
        }
    }
}

impl std::fmt::Display for SupportId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

impl std::fmt::Debug for SupportId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SupportId({self})")
    }
}

impl Serialize for SupportId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SupportId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_the_published_example() {
        // 572 has the check digit 4 (Damm's example).
        assert_eq!(check_digit(&[5, 7, 2]), 4);
        assert_eq!(check_digit(&[5, 7, 2, 4]), 0);
    }

    #[test]
    fn accepts_what_people_type() {
        let id = SupportId::random();
        let digits = id.to_string();
        for typed in [
            id.grouped(),
            digits.clone(),
            format!("{}-{}.{}", &digits[..3], &digits[3..6], &digits[6..]),
            format!("  {digits} "),
            format!("{digits}\t\r\n"),
            format!("\u{2068}{}\u{2069}", id.grouped().replace(' ', "\u{2009}")),
            id.grouped().replace(' ', "\u{200b}"),
            id.grouped().replace(' ', " / "),
            id.grouped().replace(' ', ","),
            digits.chars().map(|digit| format!("{digit}_")).collect(),
        ] {
            assert_eq!(typed.parse(), Ok(id), "{typed:?}");
        }
        for (typed, count) in [("", 0), ("12345678", 8), ("1234567890", 10), ("1234567890123", 13)] {
            assert_eq!(typed.parse::<SupportId>(), Err(ParseSupportIdError::Count(count)), "{typed:?}");
        }
        for typed in ["12345678x", "ID 572400000", "+572400000", "572400000\u{1b}[2J"] {
            assert_eq!(typed.parse::<SupportId>(), Err(ParseSupportIdError::Foreign), "{typed:?}");
        }
        assert_eq!("٥٧٢٤٠٠٠٠٠".parse::<SupportId>(), "572400000".parse());
        assert_eq!("５７２　４００　０００".parse::<SupportId>(), "572400000".parse());
    }

    proptest! {
        /// Whatever stands between them, nine digits are the ID that they are.
        #[test]
        fn separators_do_not_matter(separators in prop::collection::vec("[\\s,._/\u{200b}\u{2066}\u{2069}\u{feff}-]{0,3}", 10)) {
            let id = SupportId::random();
            let digits = id.to_string();
            let typed: String = separators
                .iter()
                .enumerate()
                .map(|(at, separator)| format!("{separator}{}", digits.get(at..=at).unwrap_or_default()))
                .collect();
            prop_assert_eq!(typed.parse(), Ok(id));
        }

        #[test]
        fn reads_anything_without_panicking(typed in "\\PC*|.*") {
            if let Ok(id) = typed.parse::<SupportId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn one_wrong_digit_or_swap_is_a_typo(at in 0usize..9, other in 1u8..10) {
            let id = SupportId::random();
            let mut wrong = id.0;
            wrong[at] = (wrong[at] + other) % 10;
            prop_assert_ne!(check_digit(&wrong), 0);
            let mut swapped = id.0;
            swapped.swap(at.min(7), at.min(7) + 1);
            prop_assert!(swapped == id.0 || check_digit(&swapped) != 0);
        }
    }
}
