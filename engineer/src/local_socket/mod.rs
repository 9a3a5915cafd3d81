//! How other programs on this computer use a session: a socket in the session's private directory.
//!
//! A client sends one line of JSON, a [`Request`], and gets one line back, a [`Reply`]. After
//! [`Reply::Opened`] the connection *is* an SSH connection to the scanner; after [`Reply::Lines`] come
//! that many lines more, a [`Line`](crate::dialogue::Line) each. A client that closes the connection wants
//! no reply any more.

pub(crate) mod client;

use std::io;

use fieldlink_protocol::live::LiveEvent;
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::control::{ClientPresence, Transfers};
use fieldlink_protocol::messages::observer::Seen;
use fieldlink_protocol::messages::operation::OperationState;
use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::support_id::SupportId;
use serde::{Deserialize, Serialize};

use crate::control::Trouble;
use crate::end::End;

/// Longest line, in bytes.
pub(crate) const LINE: usize = 32 * 1024;
/// Longest line of what is watched, in bytes: a piece of output, every byte of which may be escaped.
pub(crate) const VIEWED_LINE: usize = 64 * 1024;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// An SSH connection.
    Pipe {
        /// What for.
        purpose: Purpose,
    },
    /// An SSH connection that was made ahead is used from now on, until this client closes the connection; there is
    /// no reply.
    Use,
    /// How the session stands.
    Status,
    /// End the session; the answer comes when it has ended.
    End,
    /// The answer comes when the session has ended.
    Watch,
    /// Ask the client something; the answer comes when theirs does.
    Ask {
        /// What.
        question: Question,
    },
    /// Tell the client something; the answer comes when the scanner has it.
    Announce {
        /// What.
        announcement: Announcement,
    },
    /// Tell the scanner what is new of the runbook that is kept in the session's directory; the answer comes when the
    /// scanner has it.
    Runbook {
        /// What is new.
        news: RunbookNews,
    },
    /// Send the client a line.
    Chat {
        /// The line.
        text: String,
    },
    /// What engineer and client said last.
    Lines,
    /// What the session's terminals show, and what else happens, as it happens: lines of [`Viewed`]. For a session that
    /// is only watched from here.
    View,
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Viewed {
    /// What a terminal shows. **Not cleaned**.
    Live {
        /// What happened.
        event: LiveEvent,
    },
    /// What this side has to say.
    Note {
        /// In words.
        text: String,
    },
    /// What else happened. **Not cleaned**.
    Seen {
        /// What.
        event: Seen,
    },
}

/// What is new of a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunbookNews {
    /// It runs, and is as far as is kept.
    Runs,
    /// Another one of its steps is over.
    Settled,
    /// It is given up.
    GivenUp,
}

/// What an SSH connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// The session's own shell or command.
    Shell,
    /// Anything else: the session outlives the shell for it.
    Other,
    /// For what may be wanted soon: it is a connection like the others, but does not count as one before it is used.
    Ahead,
    /// To see whether ssh gets a connection on this computer; it leads nowhere.
    Rehearsal,
}

/// What the session answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Reply {
    /// What follows is SSH.
    Opened,
    /// There is no connection to be had now.
    Refused {
        /// Why, in one line.
        reason: String,
    },
    /// How the session stands.
    Status(Box<Status>),
    /// The session has ended.
    Ended {
        /// Who ended it.
        by: String,
        /// Why: a reason's code.
        reason: String,
        /// One sentence.
        message: String,
    },
    /// What came of a question.
    Answered {
        /// The answer.
        answer: Answer,
    },
    /// The line is on its way.
    Sent {
        /// What delays it.
        trouble: Option<Trouble>,
    },
    /// So many lines follow.
    Lines {
        /// How many.
        count: usize,
    },
    /// The scanner does not know how.
    TooOld {
        /// Why, in one line.
        reason: String,
    },
}

impl Reply {
    pub(crate) fn ended(end: &End) -> Self {
        Self::Ended { by: end.by().into(), reason: end.reason.code().into(), message: end.sentence() }
    }
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    /// The scanner.
    pub id: SupportId,
    /// The support case.
    pub ticket: String,
    /// The relay.
    pub relay: String,
    /// `connecting`, `pairing`, `asking`, `active`, `interrupted` or `ended`.
    pub state: String,
    /// The scanner's name, once it is known.
    pub hostname: Option<String>,
    /// The account on the scanner, once it is known.
    pub user: Option<String>,
    /// Seconds until the session ends (or until no answer counts as no).
    pub seconds: Option<u64>,
    /// SSH connections that are open.
    pub connections: usize,
    /// Whether the client is there, once the session is active.
    pub presence: Option<ClientPresence>,
    /// Seconds until the quiet period that was announced is over.
    pub quiet_seconds: Option<u64>,
    /// Bytes that the session has moved, once it is active.
    pub data_used: Option<u64>,
    /// What becomes of what carries much.
    pub transfers: Transfers,
    /// The scanner's battery in percent, if it is low.
    pub battery: Option<u8>,
    /// The operation that runs, or ran last.
    pub operation: Option<Operation>,
    /// Who takes part, as far as is known.
    #[serde(default)]
    pub people: Vec<Participant>,
    /// While interrupted: what is wrong, and how often another connection was tried.
    pub trouble: Option<Trouble>,
}

/// An operation of the scanner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    /// Its name.
    pub(crate) name: String,
    /// How it stands.
    pub(crate) state: OperationState,
}

pub(crate) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("our messages have string keys only");
    line.push(b'\n');
    line
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(line: &[u8]) -> io::Result<T> {
    let line = line.strip_suffix(b"\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_slice(line)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_as_agreed() {
        let line = |request: &Request| String::from_utf8(encode(request)).expect("text");
        let pipe = Request::Pipe { purpose: Purpose::Other };
        assert_eq!(line(&pipe), "{\"request\":\"pipe\",\"purpose\":\"other\"}\n");
        assert_eq!(line(&Request::End), "{\"request\":\"end\"}\n");
        let ask = Request::Ask { question: Question::Extension { minutes: 30, reason: String::new() } };
        assert_eq!(
            line(&ask),
            "{\"request\":\"ask\",\"question\":{\"kind\":\"extension\",\"minutes\":30}}\n"
        );
        for request in [pipe, ask, Request::Chat { text: "hi".into() }, Request::Lines] {
            assert_eq!(decode::<Request>(&encode(&request)).expect("the same"), request);
        }
        for wrong in ["", "\n", "{}\n", "{\"request\":\"end\"}"] {
            assert!(decode::<Request>(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn replies_stay_on_one_line(reason in "\\PC*|.*") {
            let reply = Reply::Refused { reason };
            let line = encode(&reply);
            prop_assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
            prop_assert_eq!(decode::<Reply>(&line).expect("the same"), reply);
        }
    }
}
