//! What an engineer announces to the client, beside questions and lines of chat: nothing has to be answered.

use serde::{Deserialize, Serialize};

use super::all;
use crate::limits;

/// Something that the client is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Announcement {
    /// The engineer works by themselves for a while: the client need not watch, and stays reachable.
    Quiet {
        /// For so many minutes from now, within [`limits::QUIET_MINUTES`].
        minutes: u32,
        /// What is done meanwhile, one line.
        text: String,
    },
    /// The quiet period is over before its time.
    QuietOver {},
    /// The client is wanted beside the device: it rings.
    Call {},
    /// Something to remember of this session, one line.
    Note {
        /// What.
        text: String,
        /// Whether it is what the client said, and not what the engineer saw.
        by_client: bool,
    },
    /// What became of the support case, as the engineer sees it. Said before the end.
    Outcome(Outcome),
}

/// What became of a support case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// How it stands.
    pub result: CaseResult,
    /// What was found and done, one line; empty for nothing.
    pub summary: String,
    /// What is to be prepared for a second session, one line; empty for nothing.
    pub prepare: String,
}

/// How a support case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseResult {
    /// The fault is gone.
    Resolved,
    /// The fault is there, and can be lived with.
    Workaround,
    /// Another session is needed.
    SecondSession,
}

impl CaseResult {
    /// The name on command lines, on D-Bus and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Workaround => "workaround",
            Self::SecondSession => "second-session",
        }
    }
}

impl Announcement {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Quiet { minutes, text } => all(&[
                (limits::QUIET_MINUTES.contains(minutes), "a quiet period is 1 to 60 minutes long"),
                (text.len() <= limits::QUESTION, "the text is too long"),
            ]),
            Self::Note { text, .. } => all(&[
                (!text.trim().is_empty(), "the note is empty"),
                (text.len() <= limits::CHAT, "the note is too long"),
            ]),
            Self::Outcome(Outcome { summary, prepare, .. }) => all(&[
                (summary.len() <= limits::CHAT, "the summary is too long"),
                (prepare.len() <= limits::CHAT, "what is to be prepared is too long"),
            ]),
            Self::QuietOver {} | Self::Call {} => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::FromEngineer;
    use super::super::{decode, encode};
    use super::*;

    fn announce(announcement: Announcement) -> Result<FromEngineer, super::super::MessageError> {
        decode(encode(&FromEngineer::Announce { request: 1, announcement }).as_bytes())
    }

    #[test]
    fn announcements_are_bounded() {
        let quiet = |minutes, text: &str| Announcement::Quiet { minutes, text: text.into() };
        let note = |text: &str| Announcement::Note { text: text.into(), by_client: false };
        let outcome = |summary: &str, prepare: &str| {
            let (summary, prepare) = (summary.into(), prepare.into());
            Announcement::Outcome(Outcome { result: CaseResult::Resolved, summary, prepare })
        };
        let long = "x".repeat(limits::CHAT + 1);
        for good in [quiet(1, ""), quiet(60, "x"), note("x"), outcome("", ""), Announcement::Call {}] {
            assert!(announce(good.clone()).is_ok(), "{good:?}");
        }
        for wrong in [
            quiet(0, ""),
            quiet(61, ""),
            quiet(1, &long),
            note(" "),
            note(&long),
            outcome(&long, ""),
            outcome("", &long),
        ] {
            assert!(announce(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_wire_is_as_agreed() {
        let quiet = Announcement::Quiet { minutes: 20, text: "lidar".into() };
        assert_eq!(
            encode(&FromEngineer::Announce { request: 7, announcement: quiet }),
            r#"{"type":"announce","request":7,"announcement":{"kind":"quiet","minutes":20,"text":"lidar"}}"#
        );
        let (result, summary, prepare) = (CaseResult::SecondSession, "a".into(), "b".into());
        let outcome = Announcement::Outcome(Outcome { result, summary, prepare });
        assert_eq!(
            encode(&FromEngineer::Announce { request: 8, announcement: outcome }),
            r#"{"type":"announce","request":8,"announcement":{"kind":"outcome","result":"second-session","summary":"a","prepare":"b"}}"#
        );
    }
}
