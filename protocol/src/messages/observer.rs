//! What somebody who only watches is told, by the relay and, under the seal, by the agent; and the one thing that they say.
//!
//! There is no message with which an observer could do anything: after the first, the agent reads nothing from them and
//! closes the pipe over the next byte. Once the session is over, whom the client lets have the report may fetch it.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::announcements::Announcement;
use super::operation::{OperationState, is_operation_name};
use super::people::{self, Participant};
use super::questions::{Answer, Question};
use super::report::{ReportPiece, ReportWanted};
use super::{Bounded, Features, all, anchors};
use crate::ids::{ObserverId, PipeId, RunId, SessionId};
use crate::live::LiveEvent;
use crate::secret::Secret;
use crate::ticket::{ObserverTicket, PipeTicket, Signed};
use crate::{limits, reason::Reason};

/// From the relay to an observer, on `/v1/observer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToObserver {
    /// Here is a pipe; the agent was told.
    Opened {
        /// The session.
        session: SessionId,
        /// The link that was used.
        observer: ObserverId,
        /// The run that the session stands on.
        run: RunId,
        /// The pipe to attach to.
        pipe: PipeId,
        /// Opens the observer's side of it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// Not now: the scanner is away, or there are too many.
    Unavailable {},
    /// The relay has signed how far the account of the session is. After [`ToObserver::Opened`], for who listed: feature `anchors`.
    Anchored {
        /// The session.
        session: SessionId,
        /// `fieldlink-anchor v1 | SESSION | SEQ | HEAD | TIME`.
        line: String,
        /// Of the line with its end: SSHSIG, armoured.
        signature: String,
    },
    /// The session is over, or this link was withdrawn.
    Ended {
        /// Why.
        reason: Reason,
    },
}

/// What an observer says to the relay: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Nothing {}

/// What the device of an observer is known by: 32 random bytes that it drew when it used the link first.
#[derive(Clone)]
pub struct DeviceSecret(pub Secret<32>);

/// From an observer to the agent, under the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromObserver {
    /// The first message, and the only one while the session lasts.
    Hello {
        /// The link is for the first device that shows one.
        device: DeviceSecret,
        /// Program and version.
        software: String,
        /// What it understands.
        features: Features,
        /// How much of which channels it has had: bytes of output by the channel's number. For one that comes back.
        places: Vec<(u64, u64)>,
    },
    /// A piece of the report. After [`FromAgent::Closing`] only. Feature `report`.
    Fetch {
        /// Which.
        wanted: ReportWanted,
    },
}

/// From the agent to an observer, under the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromAgent {
    /// The first message: the device is the right one.
    Welcome {
        /// The scanner's host name.
        hostname: String,
        /// The support case.
        ticket: String,
        /// Seconds that are left of the session.
        seconds: u32,
    },
    /// What terminals show.
    Live {
        /// What happened.
        event: LiveEvent,
        /// With output: how much of the channel's they have had with this, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<u64>,
    },
    /// What else happened.
    Seen {
        /// What.
        event: Seen,
    },
    /// From now on, what to show the relay: the session has another owner.
    Ticket {
        /// The new one.
        observer_ticket: Signed<ObserverTicket>,
    },
    /// The session is over. Its report can be fetched until [`FromAgent::End`], or until the observer leaves. Feature `report`.
    Closing {
        /// Why it is over.
        reason: Reason,
    },
    /// A piece of the report. Feature `report`.
    Report {
        /// Which, or that there is none.
        piece: ReportPiece,
    },
    /// It is over for this observer.
    End {
        /// Why.
        reason: Reason,
    },
}

/// What happens in a session besides terminals, as those who watch are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Seen {
    /// Who takes part now.
    People {
        /// Everybody but the client.
        people: Vec<Participant>,
    },
    /// How much time is left.
    TimeLeft {
        /// Seconds.
        seconds: u32,
    },
    /// A line of chat.
    Chat {
        /// The engineer's, or the client's.
        from_engineer: bool,
        /// Cleaned.
        text: String,
    },
    /// The client is asked something.
    Asked {
        /// What.
        question: Question,
    },
    /// The client has answered, or has not.
    Answered {
        /// What.
        answer: Answer,
    },
    /// The engineer told the client something.
    Announced {
        /// What.
        announcement: Announcement,
    },
    /// How an operation stands.
    Operation {
        /// Its name.
        operation: String,
        /// How it stands.
        state: OperationState,
    },
    /// The engineer is out of reach.
    Interrupted {},
    /// The engineer is in reach again.
    Resumed {},
}

impl DeviceSecret {
    /// A new one.
    pub fn random() -> Self {
        Self(Secret::random())
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(…)")
    }
}

impl PartialEq for DeviceSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }
}

impl Eq for DeviceSecret {}

impl Serialize for DeviceSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::link::LinkKey(self.0.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DeviceSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::link::LinkKey::deserialize(deserializer).map(|key| Self(key.0))
    }
}

impl Bounded for Nothing {
    fn check(&self) -> Result<(), &'static str> {
        match *self {}
    }
}

impl Bounded for ToObserver {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Opened { pipe_ticket, .. } => {
                all(&[(pipe_ticket.is_wellformed(), "the pipe ticket is malformed or too long")])
            }
            Self::Anchored { line, signature, .. } => anchors::check(line, signature),
            Self::Unavailable {} | Self::Ended { .. } => Ok(()),
        }
    }
}

impl Bounded for FromObserver {
    fn check(&self) -> Result<(), &'static str> {
        let (software, features, places) = match self {
            Self::Hello { software, features, places, .. } => (software, features, places),
            Self::Fetch { wanted } => return wanted.check(),
        };
        all(&[
            (software.len() <= limits::NAME, "the software's name is too long"),
            (features.fits(), "too many features"),
            (places.len() <= limits::PLACES, "there are too many channels"),
        ])
    }
}

impl Bounded for FromAgent {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Welcome { hostname, ticket, .. } => all(&[
                (hostname.len() <= limits::HOST_NAME, "the host name is too long"),
                (ticket.len() <= limits::REFERENCE, "the ticket is too long"),
            ]),
            Self::Ticket { observer_ticket } => {
                all(&[(observer_ticket.is_wellformed(), "the observer ticket is malformed or too long")])
            }
            Self::Seen { event } => event.check(),
            // Bounded by the message's own length.
            Self::Live { .. } | Self::Closing { .. } | Self::End { .. } => Ok(()),
            Self::Report { piece } => piece.check(),
        }
    }
}

impl Seen {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::People { people } => people::check(people),
            Self::Chat { text, .. } => all(&[(text.len() <= limits::CHAT, "the line is too long")]),
            Self::Asked { question } => question.check(),
            Self::Answered { answer } => answer.check(),
            Self::Announced { announcement } => announcement.check(),
            Self::Operation { operation, state } => {
                all(&[(is_operation_name(operation), "that is no name of an operation")])?;
                state.check()
            }
            Self::TimeLeft { .. } | Self::Interrupted {} | Self::Resumed {} => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn an_observer_can_say_who_they_are_and_nothing_else() {
        let hello = FromObserver::Hello {
            device: DeviceSecret(Secret::new([7; 32])),
            software: "fieldlink-connect".into(),
            features: Features::ours(),
            places: vec![(1, 70_000)],
        };
        let text = encode(&hello);
        assert_eq!(decode::<FromObserver>(text.as_bytes()).expect("the same"), hello);
        assert!(!format!("{hello:?}").contains("BwcH"));
        for other in [
            r#"{"type":"input","channel":1,"text":"rm -rf /"}"#,
            r#"{"type":"ask","request":1,"question":{"kind":"text","text":"a","choices":[]}}"#,
            r#"{"type":"chat","text":"hello"}"#,
            r#"{"type":"end","reason":"client-ended"}"#,
            "{}",
        ] {
            assert!(decode::<FromObserver>(other.as_bytes()).is_err(), "{other}");
            assert!(decode::<Nothing>(other.as_bytes()).is_err(), "{other}");
        }
        let FromObserver::Hello { device, software, features, .. } = hello else { panic!("another") };
        let places = vec![(1, 1); limits::PLACES + 1];
        let long = FromObserver::Hello { device, software, features, places };
        assert!(decode::<FromObserver>(encode(&long).as_bytes()).is_err());
    }

    #[test]
    fn what_terminals_show_fits_whatever_it_is() {
        // Each control character takes six bytes in JSON, each byte that is no text three.
        let worst = "\u{1b}".repeat(LiveEvent::PIECE);
        let live = FromAgent::Live {
            event: LiveEvent::Output { channel: u64::MAX, text: worst },
            place: Some(u64::MAX),
        };
        assert!(encode(&live).len() + 64 <= limits::CONTROL_MESSAGE);
    }
}
