//! The report of a session that is over, fetched piece by piece over the control pipe, or over an observer's pipe, by
//! whoever may have it. It is made on the scanner: everybody gets the same bytes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::all;
use crate::limits;

/// What a report is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportForm {
    /// A page that stands by itself.
    Html,
    /// A text for the support case.
    Text,
    /// An object for programs.
    Json,
}

impl ReportForm {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Html, Self::Text, Self::Json];

    /// How it is named, also on the bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// The form of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// A piece of the report that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportWanted {
    /// As what.
    pub form: ReportForm,
    /// In which language (BCP 47); none, or one that the scanner does not speak: in the one that the scanner is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Which edition, from 0 on: the next tells also what the client has said since. The answer to the first piece of one
    /// that is not made yet comes when it is, or when it is known that there will be none.
    #[serde(default)]
    pub edition: u32,
    /// From which byte on.
    pub offset: u64,
}

/// The answer to a [`ReportWanted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReportPiece {
    /// At most [`limits::REPORT_PIECE`] bytes of it; none at its end.
    Bytes {
        /// As what.
        form: ReportForm,
        /// Where they begin.
        offset: u64,
        /// How long all of it is, in bytes.
        total: u64,
        /// The bytes.
        bytes: Piece,
    },
    /// There is no report in this form: the record was deleted, or cannot be read, or there is no such edition of it.
    Missing {
        /// In which.
        form: ReportForm,
    },
}

/// Bytes, in JSON as base64 (RFC 4648, section 4).
#[derive(Clone, PartialEq, Eq)]
pub struct Piece(pub Vec<u8>);

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Piece({} bytes)", self.0.len())
    }
}

impl Serialize for Piece {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BASE64.encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(|_| serde::de::Error::custom("expected bytes in base64"))
    }
}

impl ReportWanted {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let fits = self.language.as_ref().is_none_or(|language| language.len() <= limits::LANGUAGE);
        all(&[
            (fits, "the language is too long"),
            (self.edition < limits::REPORT_EDITIONS, "there are no such editions"),
        ])
    }
}

impl ReportPiece {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self::Bytes { offset, total, bytes: Piece(bytes), .. } = self else { return Ok(()) };
        let end = offset.checked_add(bytes.len() as u64);
        all(&[
            (bytes.len() <= limits::REPORT_PIECE, "the piece is too long"),
            (*total <= limits::REPORT, "the report is too long"),
            (end.is_some_and(|end| end <= *total), "the piece is outside of the report"),
            (!bytes.is_empty() || offset == total, "the piece is empty"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::FromAgent;
    use super::super::{decode, encode};
    use super::*;

    fn piece(offset: u64, total: u64, length: usize) -> FromAgent {
        let (form, bytes) = (ReportForm::Html, Piece(vec![0xff; length]));
        FromAgent::Report { piece: ReportPiece::Bytes { form, offset, total, bytes } }
    }

    #[test]
    fn the_longest_piece_fits_into_a_message_and_comes_back() {
        let longest =
            piece(limits::REPORT - limits::REPORT_PIECE as u64, limits::REPORT, limits::REPORT_PIECE);
        let text = encode(&longest);
        assert!(text.len() + 64 <= limits::CONTROL_MESSAGE);
        assert_eq!(decode::<FromAgent>(text.as_bytes()).expect("it fits"), longest);
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        for (offset, total, length) in [
            (0, limits::REPORT + 1, 1),
            (0, 1 << 20, limits::REPORT_PIECE + 1),
            (u64::MAX, 1, 1),
            (10, 10, 1),
            (9, 10, 0),
        ] {
            let text = encode(&piece(offset, total, length));
            assert!(decode::<FromAgent>(text.as_bytes()).is_err(), "{offset} {total} {length}");
        }
        assert!(decode::<FromAgent>(encode(&piece(10, 10, 0)).as_bytes()).is_ok(), "the end");
        let text =
            r#"{"type":"report","piece":{"is":"bytes","form":"html","offset":0,"total":9,"bytes":"?"}}"#;
        assert!(decode::<FromAgent>(text.as_bytes()).is_err());
    }
}
