//! Between engineer and agent, under the seal of the control pipe. The relay never sees these.

use serde::{Deserialize, Serialize};

use super::announcements::Announcement;
use super::observer::Seen;
use super::operation::{OperationState, is_operation_name};
use super::people::{self, Participant};
use super::questions::{Answer, Question};
use super::report::{ReportPiece, ReportWanted};
use super::runbook::{RunbookRun, RunbookWord};
use super::{Bounded, Features, all};
use crate::health::Concern;
use crate::{ids::PipeId, limits, live::LiveEvent, reason::Reason, text};

/// What the engineer's side tells the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromEngineer {
    /// The first message.
    Hello {
        /// The one SSH key that is let in, in OpenSSH's format (`ssh-ed25519 …`).
        ssh_key: String,
        /// Program and version.
        software: String,
        /// What this side understands.
        features: Features,
        /// Of one who joins a session: whether to watch only.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        observes: bool,
    },
    /// Every [`limits::HEARTBEAT_INTERVAL`].
    Heartbeat {},
    /// An SSH connection was ended while its pipe had no connection to say so on.
    PipeClosed {
        /// The connection's pipe.
        pipe: PipeId,
    },
    /// The client is to be asked something. Answered by [`FromAgent::Answered`], once. Feature `questions`.
    Ask {
        /// Names the question between the two programs; the engineer's side counts them up.
        request: u32,
        /// What.
        question: Question,
    },
    /// A question is taken back; what is answered meanwhile is still told. Feature `questions`.
    Withdraw {
        /// The question.
        request: u32,
    },
    /// The client is told something. Answered by [`FromAgent::Answered`], once, with [`Answer::Taken`] or
    /// [`Answer::Busy`]. Feature `announcements`.
    Announce {
        /// As in `Ask`, with which it shares the numbers.
        request: u32,
        /// What.
        announcement: Announcement,
    },
    /// Which runbook the engineer goes through, and how far it is. Answered by [`FromAgent::Answered`], once. Feature
    /// `runbooks`.
    Runbook {
        /// As in `Ask`, with which it shares the numbers.
        request: u32,
        /// What.
        word: RunbookWord,
    },
    /// A line for the client. Feature `chat`.
    Chat {
        /// The line.
        text: String,
    },
    /// A piece of the report. After [`FromAgent::Closing`] only. Feature `report`.
    Fetch {
        /// Which.
        wanted: ReportWanted,
    },
    /// The engineer's side has what there is to fetch, or wants no more. After [`FromAgent::Closing`] only. Feature `report`.
    Fetched {},
    /// The engineer ends the session. It says nothing to an agent that has said [`FromAgent::Closing`] at the same time.
    End {
        /// Why.
        reason: Reason,
    },
}

/// What the agent tells the engineer's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromAgent {
    /// The first message.
    Hello {
        /// The SSH host key of this session, in OpenSSH's format (`ssh-ed25519 …`).
        host_key: String,
        /// The account that the engineer works as.
        user: String,
        /// The scanner's host name.
        hostname: String,
        /// Program and version.
        software: String,
        /// What this side understands.
        features: Features,
    },
    /// The client is being asked.
    Asking {
        /// Seconds until no answer counts as no.
        seconds: u32,
    },
    /// The client said yes; SSH pipes may come.
    Admitted {
        /// Seconds until the session ends.
        seconds: u32,
    },
    /// Every [`limits::HEARTBEAT_INTERVAL`].
    Heartbeat {
        /// Seconds until the session ends.
        seconds: u32,
    },
    /// What came of a question. Feature `questions`.
    Answered {
        /// The question.
        request: u32,
        /// The answer.
        answer: Answer,
    },
    /// Whether the client is there; said when it changes. Feature `presence`.
    Presence {
        /// How it stands now.
        state: ClientPresence,
    },
    /// How much data the session has moved; said when it changes, every few seconds at most. Feature `data`.
    Data {
        /// Bytes of all channels, both ways.
        bytes: u64,
        /// What becomes of channels that carry much.
        transfers: Transfers,
    },
    /// A quiet period has begun, is another one now, or is over. Feature `quiet`.
    Quiet {
        /// Seconds until it is over; 0: there is none any more.
        seconds: u32,
    },
    /// The device runs on its battery, which is low; said whenever it is lower. Feature `battery`.
    Battery {
        /// Percent that are left; none: it is not low any more.
        percent: Option<u8>,
    },
    /// Something of the device's health is worth a warning; each is said once, and again when it is worse. Feature
    /// `health`.
    HealthWarned {
        /// What.
        concern: Concern,
    },
    /// What terminals show is not recorded from here on; said once. Feature `recording`.
    RecordingStopped {},
    /// How an operation of the scanner's stands; said when it changes, and once to an engineer who was not there.
    /// Feature `operations`.
    Operation {
        /// Its name.
        operation: String,
        /// How it stands.
        state: OperationState,
    },
    /// Who takes part in the session now.
    People {
        /// Everybody but the client.
        people: Vec<Participant>,
    },
    /// For one who only watches: what terminals show.
    Live {
        /// What happened.
        event: LiveEvent,
    },
    /// For one who only watches: what else happened.
    Seen {
        /// What.
        event: Seen,
    },
    /// The runbook that is gone through in this session, said to an engineer who was not there. Feature `runbooks`.
    Runbook {
        /// All of it.
        run: RunbookRun,
    },
    /// A line from the client. Feature `chat`.
    Chat {
        /// The line.
        text: String,
    },
    /// The session is over. What there is of it still is its report, which can be fetched until one of the two says
    /// [`FromAgent::End`]. Feature `report`.
    Closing {
        /// Why it is over.
        reason: Reason,
    },
    /// A piece of the report. Feature `report`.
    Report {
        /// Which, or that there is none.
        piece: ReportPiece,
    },
    /// The agent or the client ended the session, or did not allow it.
    End {
        /// Why.
        reason: Reason,
    },
}

/// Whether somebody is beside the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPresence {
    /// As far as is known.
    #[default]
    Here,
    /// They are being asked.
    Asked,
    /// They have not answered. The session goes on.
    Away,
    /// They have not answered, and what the engineer sends is held until they do.
    Held,
}

/// Whether channels that carry much may go on: they may cost the client money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transfers {
    /// They may.
    #[default]
    Pass,
    /// They wait for the client's word.
    Held,
    /// They may not, and end.
    Refused,
}

const KEY_LENGTH: usize = 200;

impl Bounded for FromEngineer {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Hello { ssh_key, software, features, .. } => all(&[
                (ssh_key.len() <= KEY_LENGTH, "the SSH key is too long"),
                (software.len() <= limits::NAME, "the software's name is too long"),
                (features.fits(), "too many features"),
            ]),
            Self::Ask { question, .. } => question.check(),
            Self::Announce { announcement, .. } => announcement.check(),
            Self::Runbook { word, .. } => word.check(),
            Self::Fetch { wanted } => wanted.check(),
            Self::Chat { text } => all(&[(text.len() <= limits::CHAT, "the line is too long")]),
            _ => Ok(()),
        }
    }
}

impl Bounded for FromAgent {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Hello { host_key, user, hostname, software, features } => all(&[
                (host_key.len() <= KEY_LENGTH, "the host key is too long"),
                (
                    is_account_name(user),
                    "the account's name is too long or has characters that ssh could misread",
                ),
                (hostname.len() <= limits::HOST_NAME, "the host name is too long"),
                (software.len() <= limits::NAME, "the software's name is too long"),
                (features.fits(), "too many features"),
            ]),
            Self::Answered { answer, .. } => answer.check(),
            Self::Battery { percent } => {
                all(&[(percent.is_none_or(|percent| percent <= 100), "the battery is more than full")])
            }
            Self::HealthWarned { concern } => concern.check(),
            Self::Operation { operation, state } => {
                all(&[(is_operation_name(operation), "that is no name of an operation")])?;
                state.check()
            }
            Self::People { people } => people::check(people),
            Self::Seen { event } => event.check(),
            Self::Runbook { run } => run.check(),
            Self::Report { piece } => piece.check(),
            Self::Chat { text } => all(&[(text.len() <= limits::CHAT, "the line is too long")]),
            _ => Ok(()),
        }
    }
}

/// Whether `user` is fit to name the account that engineers work as: the names that directories give
/// (`ada@corp.example`, `CORP\ada`, `scanner$`, `Zoë`) are. It goes into an SSH configuration on the engineer's
/// computer, so nothing passes that ssh would expand (`%`, `${`), quote, refuse (`valid_ruser` in its source) or take
/// for another word.
pub fn is_account_name(user: &str) -> bool {
    let is_fit = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' | '@' | '+' | '$' | '\\' => true,
        other => !other.is_ascii() && !other.is_whitespace() && text::is_harmless(other),
    };
    (1..=limits::ACCOUNT).contains(&user.len())
        && !user.starts_with('-')
        && !user.ends_with('\\')
        && !user.contains("\\\\")
        && user.chars().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn refuses_what_could_reach_the_engineers_configuration() {
        let hello = |user: &str| FromAgent::Hello {
            host_key: "ssh-ed25519 AAAA".into(),
            user: user.into(),
            hostname: "scanner".into(),
            software: "x".into(),
            features: Features::ours(),
        };
        for user in ["fieldlink-support", "ada@corp.example", "CORP\\ada", "scanner$", "Zoë", "a.b+c", "山田"]
        {
            assert!(decode::<FromAgent>(encode(&hello(user)).as_bytes()).is_ok(), "{user:?}");
        }
        for user in [
            "",
            "-oProxyCommand=x",
            "a\nProxyCommand x",
            "a b",
            "%h",
            "${HOME}",
            "a\\",
            "a\\\\b",
            "a\"b",
            "a#",
            "a'",
            "*",
            "a\u{a0}b",
            "a\u{202e}b",
            "a;b",
            "a=b",
            &"x".repeat(limits::ACCOUNT + 1),
        ] {
            assert!(decode::<FromAgent>(encode(&hello(user)).as_bytes()).is_err(), "{user:?}");
        }
    }

    #[test]
    fn refuses_unknown_fields_types_and_lengths() {
        for text in [
            r#"{"type":"heartbeat","seconds":1,"more":2}"#,
            r#"{"type":"surprise"}"#,
            r#"{"type":"end","reason":"busy","more":2}"#,
            r#"{"seconds":1}"#,
            "[]",
            "",
            "\u{0}",
        ] {
            assert!(decode::<FromAgent>(text.as_bytes()).is_err(), "{text}");
        }
        assert!(decode::<FromEngineer>(br#"{"type":"heartbeat","more":2}"#).is_err());
        assert!(decode::<FromEngineer>(b"\xff\xfe").is_err());
        assert!(decode::<FromEngineer>(&vec![b' '; limits::CONTROL_MESSAGE + 1]).is_err());
    }
}
