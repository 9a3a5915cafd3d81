//! The PIN: four digits that exist on the scanner's screen and in two heads.

use rand::RngExt;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::digits::{Mark, mark};

/// Four digits. Masked in debug output, wiped when dropped, and never serialised.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; 4]);

/// Something that is not four digits. Says nothing about which they are.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParsePinError {
    /// More or fewer digits.
    #[error("a PIN has four digits, and this has {0}")]
    Count(usize),
    /// Something that stands in no number.
    #[error("a PIN has four digits and nothing else")]
    Foreign,
}

impl Pin {
    /// Draws one, uniformly over all 10⁴, from the operating system's CSPRNG.
    pub fn random() -> Self {
        let mut random = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
        Self(std::array::from_fn(|_| b'0' + random.random_range(0..10u8)))
    }

    /// Reads four digits of any script; what people and programs put between them does not matter.
    pub fn parse(typed: &str) -> Result<Self, ParsePinError> {
        // What is wiped when it is dropped, on every way out.
        let mut pin = Self([0; 4]);
        let mut count = 0;
        for character in typed.chars() {
            match mark(character) {
                Mark::Digit(value) => {
                    pin.0.iter_mut().skip(count).take(1).for_each(|digit| *digit = b'0' + value);
                    count += 1;
                }
                Mark::Separator => {}
                Mark::Foreign => return Err(ParsePinError::Foreign),
            }
        }
        if count == 4 { Ok(pin) } else { Err(ParsePinError::Count(count)) }
    }

    /// The four ASCII digits, for the pairing and for the scanner's own screen.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support_id::SupportId;

    #[test]
    fn reads_four_digits_only() {
        for typed in ["0471", " 04 71\n", "04-71", "\u{2068}0471\u{2069}", "０４７１", "0\t4,7.1\r\n", "٠٤٧١"]
        {
            assert_eq!(Pin::parse(typed).map(|pin| pin.expose().to_owned()), Ok("0471".into()), "{typed:?}");
        }
        for (wrong, why) in [
            ("", ParsePinError::Count(0)),
            ("123", ParsePinError::Count(3)),
            ("12345", ParsePinError::Count(5)),
            ("12a4", ParsePinError::Foreign),
        ] {
            let error = Pin::parse(wrong).expect_err(wrong);
            assert!(error.to_string().starts_with("a PIN has four digits"));
            assert_eq!(error, why, "{wrong:?}");
        }
        assert_eq!(format!("{:?}", Pin::random()), "Pin(****)");
    }

    /// Pearson's statistic of `counts` against a uniform distribution.
    fn chi_square(counts: &[u32]) -> f64 {
        let expected = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
        counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
    }

    /// The value that chi-square with `freedom` degrees exceeds with p < 10⁻⁹
    /// (Wilson–Hilferty approximation; 5.998 is that quantile of the normal distribution).
    fn threshold(freedom: f64) -> f64 {
        let spread = 2.0 / (9.0 * freedom);
        freedom * (1.0 - spread + 5.998 * spread.sqrt()).powi(3)
    }

    #[test]
    fn pins_are_uniform() {
        let mut values = vec![0; 10_000];
        for _ in 0..100_000 {
            values[Pin::random().expose().parse::<usize>().expect("four digits")] += 1;
        }
        let statistic = chi_square(&values);
        assert!(statistic < threshold(9_999.0), "chi-square {statistic}");
    }

    #[test]
    fn support_ids_are_uniform_in_every_digit_and_pair() {
        let mut digits = vec![[0u32; 10]; 8];
        let mut pairs = vec![[0u32; 100]; 7];
        for _ in 0..100_000 {
            let text = SupportId::random().to_string();
            let value: Vec<usize> = text.bytes().map(|digit| (digit - b'0') as usize).collect();
            for at in 0..8 {
                digits[at][value[at]] += 1;
            }
            for at in 0..7 {
                pairs[at][value[at] * 10 + value[at + 1]] += 1;
            }
        }
        assert!(digits.iter().all(|counts| chi_square(counts) < threshold(9.0)), "{digits:?}");
        assert!(pairs.iter().all(|counts| chi_square(counts) < threshold(99.0)));
    }
}
