//! Who takes part in a session besides the client, as both sides of the control channel list them.

use serde::{Deserialize, Serialize};

use super::all;
use crate::limits;

/// What somebody may do in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The engineer whose session it is.
    Owner,
    /// A further engineer, who works on the device, too.
    Working,
    /// A further engineer, who only watches.
    Observing,
    /// Somebody with a link, who only watches.
    Watching,
}

impl Part {
    /// The name on D-Bus and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Working => "working",
            Self::Observing => "observing",
            Self::Watching => "watching",
        }
    }

    /// The part that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Owner, Self::Working, Self::Observing, Self::Watching]
            .into_iter()
            .find(|part| part.name() == name)
    }
}

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attendance {
    /// May come, and has not yet.
    Invited,
    /// Is connected.
    Here,
    /// Was connected, and may come back.
    Away,
}

impl Attendance {
    /// The name on D-Bus and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Here => "here",
            Self::Away => "away",
        }
    }

    /// What has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Invited, Self::Here, Self::Away].into_iter().find(|attendance| attendance.name() == name)
    }
}

/// One of those who take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// As the client reads it, and as orders about them name them. Cleaned, and unique in the session.
    pub name: String,
    /// As the client reads it; empty for those with a link.
    pub company: String,
    /// What they may do.
    pub part: Part,
    /// Whether they are there.
    pub attendance: Attendance,
    /// Whether this is who the list is sent to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub you: bool,
}

/// Checks a list of people.
pub(super) fn check(people: &[Participant]) -> Result<(), &'static str> {
    let fits = |person: &Participant| person.name.len() <= NAME && person.company.len() <= NAME;
    all(&[
        (people.len() <= limits::PEOPLE, "there are too many people"),
        (people.iter().all(fits), "a name is too long"),
    ])
}

/// Longest name in a list, in bytes: cleaning may make one longer, and one that is not unique gets a number.
const NAME: usize = 3 * limits::NAME + 8;
