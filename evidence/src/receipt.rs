//! What the client keeps of a record: twelve words, to be photographed, which stand for the end of its account.
//!
//! They are the first 128 bits of the hash of the account's last line, with the four bits of checksum and the English
//! words of BIP 39: a misread word is found, and the words are chosen so that four letters tell them apart.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use bip39::{Language, Mnemonic};

use super::digest::Digest;

/// Bytes of the hash that the words stand for.
const KEPT: usize = 16;

/// The receipt of one head of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt([u8; KEPT]);

impl Receipt {
    /// Of the account that ends with the line of this hash.
    pub fn of(head: &Digest) -> Self {
        let mut kept = [0; KEPT];
        kept.copy_from_slice(&head.as_bytes()[..KEPT]);
        Self(kept)
    }

    /// Whether it is of the account that ends with the line of this hash.
    pub fn is_of(&self, head: &Digest) -> bool {
        *self == Self::of(head)
    }
}

impl Display for Receipt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = Mnemonic::from_entropy(&self.0).map_err(|_| fmt::Error)?;
        write!(f, "{words}")
    }
}

/// Words that are no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// There are not twelve.
    #[error("a receipt has twelve words, and these are {0}")]
    Number(usize),
    /// One of them is none of the words that receipts are made of.
    #[error("no receipt has the word {0:?}: look at it again")]
    Word(String),
    /// They are words of receipts, and one was misread or they are in another order.
    #[error("the words do not fit together: one of them is misread, or their order is another")]
    Checksum,
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        if words.len() != 12 {
            return Err(ReceiptError::Number(words.len()));
        }
        if let Some(unknown) = words.iter().find(|word| Language::English.find_word(word).is_none()) {
            return Err(ReceiptError::Word(unknown.clone()));
        }
        let read = Mnemonic::parse_in_normalized(Language::English, &words.join(" "));
        let (bytes, length) = read.map_err(|_| ReceiptError::Checksum)?.to_entropy_array();
        let mut kept = [0; KEPT];
        kept.copy_from_slice(bytes.get(..KEPT).filter(|_| length == KEPT).ok_or(ReceiptError::Checksum)?);
        Ok(Self(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_words_stand_for_a_head() {
        let head = Digest::of(b"the last line\n");
        let receipt = Receipt::of(&head);
        let words = receipt.to_string();
        assert_eq!(words.split(' ').count(), 12);
        let shouted: Receipt = format!("  {}\n", words.to_uppercase()).parse().expect("the same");
        assert!(shouted.is_of(&head) && !shouted.is_of(&Digest::of(b"another")));
        let wrong = |text: &str| text.parse::<Receipt>().expect_err("it is wrong");
        assert_eq!(wrong("abandon abandon"), ReceiptError::Number(2));
        assert_eq!(wrong(&["fieldlink"; 12].join(" ")), ReceiptError::Word("fieldlink".into()));
        assert_eq!(wrong(&["zoo"; 12].join(" ")), ReceiptError::Checksum);
    }
}
