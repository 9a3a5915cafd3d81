//! The join code: how a further engineer comes into a session that runs. An address of nine digits and six digits that
//! prove it, drawn by the agent, good once and for a few minutes; the first engineer passes both on.

use rand::RngExt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::digits::{Mark, mark};
use crate::secret::equal;
use crate::support_id::SupportId;

/// Digits of the secret half.
const DIGITS: usize = 6;
/// Digits of the address.
const ADDRESS: usize = 9;

/// The secret half: six digits. Wiped when dropped, masked when printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct JoinDigits([u8; DIGITS]);

/// Both halves, as the first engineer passes them on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinCode {
    /// What the further engineer asks the relay for, in the form of a support ID.
    pub address: SupportId,
    /// What the two sides prove to each other.
    pub digits: JoinDigits,
}

/// Why a text is no join code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseJoinCodeError {
    /// It has another number of digits.
    #[error("a join code has 15 digits, and this has {0}")]
    Count(usize),
    /// It has other characters than digits and separators.
    #[error("a join code has 15 digits and nothing else")]
    Foreign,
    /// A digit of the address is wrong, or two have changed places.
    #[error("that join code has a typo: check it with the engineer who gave it")]
    Typo,
}

impl JoinDigits {
    /// Uniform, from the operating system.
    pub fn random() -> Self {
        let mut random = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
        Self(std::array::from_fn(|_| b'0' + random.random_range(0..10u8)))
    }

    /// Reads six digits, with or without separators between them.
    pub fn parse(typed: &str) -> Result<Self, ParseJoinCodeError> {
        let mut digits = Self([0; DIGITS]);
        let count = fill(&mut digits.0, typed)?;
        if count == DIGITS { Ok(digits) } else { Err(ParseJoinCodeError::Count(count)) }
    }

    /// The digits, for the pairing and for whoever is to pass them on.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Counts the digits of `typed`, and keeps as many of them as there is room for.
fn fill(room: &mut [u8], typed: &str) -> Result<usize, ParseJoinCodeError> {
    let mut count = 0;
    for character in typed.chars() {
        match mark(character) {
            Mark::Digit(value) => {
                room.iter_mut().skip(count).take(1).for_each(|digit| *digit = b'0' + value);
                count += 1;
            }
            Mark::Separator => {}
            Mark::Foreign => return Err(ParseJoinCodeError::Foreign),
        }
    }
    Ok(count)
}

impl JoinCode {
    /// Reads what was passed on: fifteen digits, with or without separators between them.
    pub fn parse(typed: &str) -> Result<Self, ParseJoinCodeError> {
        let mut all = zeroize::Zeroizing::new([0; ADDRESS + DIGITS]);
        let count = fill(&mut *all, typed)?;
        if count != ADDRESS + DIGITS {
            return Err(ParseJoinCodeError::Count(count));
        }
        let (address, digits) = all.split_at(ADDRESS);
        let address = std::str::from_utf8(address).unwrap_or_default();
        let address = address.parse().map_err(|_| ParseJoinCodeError::Typo)?;
        JoinDigits::parse(std::str::from_utf8(digits).unwrap_or_default())
            .map(|digits| Self { address, digits })
    }

    /// As it is shown: the address in its groups, then the secret half in two.
    pub fn grouped(&self) -> zeroize::Zeroizing<String> {
        let (first, second) = self.digits.expose().split_at(DIGITS / 2);
        format!("{} - {first} {second}", self.address.grouped()).into()
    }
}

impl PartialEq for JoinDigits {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for JoinDigits {}

impl std::fmt::Debug for JoinDigits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinDigits(******)")
    }
}

impl Serialize for JoinDigits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expose().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JoinDigits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_passed_on_in_many_shapes_and_never_printed() {
        let code = JoinCode::parse("572400000123456").expect("one");
        assert_eq!(*code.grouped(), "572 400 000 - 123 456");
        assert!(!format!("{code:?}").contains("123456"));
        for typed in ["572 400 000 - 123 456", "572-400-000 123-456", "572.400.000.123456"] {
            assert_eq!(JoinCode::parse(typed), Ok(code.clone()), "{typed}");
        }
        assert_eq!(JoinCode::parse("572400001123456"), Err(ParseJoinCodeError::Typo));
        assert_eq!(JoinCode::parse("57240000012345"), Err(ParseJoinCodeError::Count(14)));
        assert_eq!(JoinCode::parse("572400000 12345x"), Err(ParseJoinCodeError::Foreign));
    }

    proptest! {
        #[test]
        fn what_was_drawn_is_read_back(_ in 0u8..40) {
            let code = JoinCode { address: SupportId::random(), digits: JoinDigits::random() };
            prop_assert_eq!(JoinCode::parse(&code.grouped()), Ok(code));
        }

        #[test]
        fn reads_anything_without_panicking(typed in "\\PC{0,40}|.*") {
            let _ = JoinCode::parse(&typed);
        }
    }
}
