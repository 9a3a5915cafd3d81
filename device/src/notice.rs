//! The messages for the person beside the device, as types. They travel as a code and arguments: on the bus, in JSON,
//! in the log. [`words`](crate::words) turns them into sentences.

use std::collections::BTreeMap;

use fieldlink_protocol::messages::announcements::CaseResult;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::verdict::Verdict;

/// The arguments of a message: texts, numbers, yes and no.
pub type Arguments = BTreeMap<String, Value>;

/// The engineer who connects, or asks to, as messages name them. Every text is cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The engineer's name.
    pub engineer: String,
    /// The engineer's company.
    pub company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller who arranged the call, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// The authority that certified the engineer's name to this device; without it, the name is the relay's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// Why remote access is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A session ended, or access was switched off.
    Ended(Reason),
    /// Only the relay says so, and names another party as the cause. It may have made that up.
    Hearsay(Reason),
    /// Too many wrong PINs were tried; the last one was by this engineer.
    Burnt(Person),
    /// No engineer connected within the agent's `idle_seconds`.
    Idle,
    /// The code of a reason that this version does not know.
    Unknown(String),
}

/// An event that the client is told of once, beside the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Warning {
    /// The end of the session is near.
    TimeLeft {
        /// Minutes until then.
        minutes: u64,
    },
    /// The session lasts longer now.
    MoreTime {
        /// Seconds until its end.
        seconds: u64,
    },
    /// It cannot last any longer.
    NoMoreTime,
    /// A wrong PIN was tried.
    WrongPin {
        /// The engineer who tried it.
        #[serde(flatten)]
        who: Person,
    },
    /// An engineer broke off while the PIN was checked, which counts as a wrong one.
    BrokenOff {
        /// The engineer who broke off.
        #[serde(flatten)]
        who: Person,
    },
    /// An engineer was turned away because nothing proves who they are.
    NotBelieved {
        /// The engineer, as the relay says.
        #[serde(flatten)]
        who: Person,
        /// What was wrong with the proof.
        reason: Reason,
    },
    /// The client did not let an engineer in.
    Refused {
        /// The engineer's name.
        engineer: String,
    },
    /// The client did not answer, so an engineer was not let in.
    NotLetIn {
        /// The engineer's name.
        engineer: String,
    },
    /// The client agreed that a function may be used.
    UseAllowed {
        /// The function.
        function: Function,
    },
    /// The client said no to a question.
    AnsweredNo,
    /// The client answered a question.
    Answered {
        /// The text of the answer.
        text: String,
    },
    /// The client chose an answer to a ready question.
    Chosen {
        /// Its name.
        choice: String,
    },
    /// The client has done what they were asked to.
    Done,
    /// A question was not answered in time.
    NoAnswer,
    /// The engineer took a question back.
    Withdrawn,
    /// An engineer's request ended before the client answered it.
    NoLongerAsks {
        /// The engineer's name.
        engineer: String,
        /// Why the request ended.
        reason: Reason,
        /// Whether only the relay says so, which may have made it up.
        hearsay: bool,
    },
    /// A line of chat from the client waits for the connection.
    Delayed,
    /// The engineer works alone for a while.
    Quiet {
        /// Seconds until that is over.
        seconds: u64,
        /// What is done meanwhile; empty if the engineer has not said.
        text: String,
    },
    /// The engineer does not work alone any more.
    QuietOver,
    /// The engineer wants the client beside the device.
    Called,
    /// The engineer made a note.
    Noted {
        /// The note.
        text: String,
        /// Whether it is what the client said.
        by_client: bool,
    },
    /// The engineer's outcome of the support case.
    Outcome {
        /// How it stands.
        result: CaseResult,
        /// What was found and done; may be empty.
        summary: String,
        /// What is to be prepared for a second session; may be empty.
        prepare: String,
    },
    /// The client is asked whether they are still there.
    StillThere {
        /// Seconds in which they may say so.
        seconds: u64,
    },
    /// Nobody said so.
    NobodyThere {
        /// Whether what the engineer sends is held until somebody does.
        is_held: bool,
    },
    /// The client's verdict on a session.
    VerdictGiven {
        /// Whether it has helped.
        verdict: Verdict,
        /// What they say of it; may be empty.
        words: String,
    },
    /// Somebody did.
    BackAgain {
        /// Whether something was held.
        was_held: bool,
    },
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Warning {
    /// Whether somebody is wanted beside the device, who may not be looking.
    pub fn rings(&self) -> bool {
        matches!(self, Self::Called | Self::StillThere { .. })
    }

    /// Whether it says how the open question was closed.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::TimeLeft { .. }
            | Self::WrongPin { .. }
            | Self::BrokenOff { .. }
            | Self::NotBelieved { .. }
            | Self::Delayed
            | Self::Quiet { .. }
            | Self::QuietOver
            | Self::Called
            | Self::Noted { .. }
            | Self::Outcome { .. }
            | Self::StillThere { .. }
            | Self::NobodyThere { .. }
            | Self::BackAgain { .. }
            | Self::VerdictGiven { .. }
            | Self::Unknown => false,
            Self::MoreTime { .. }
            | Self::NoMoreTime
            | Self::Refused { .. }
            | Self::NotLetIn { .. }
            | Self::UseAllowed { .. }
            | Self::AnsweredNo
            | Self::Answered { .. }
            | Self::Chosen { .. }
            | Self::Done
            | Self::NoAnswer
            | Self::Withdrawn
            | Self::NoLongerAsks { .. } => true,
        }
    }
}

/// By what this device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// A cable.
    Cable,
    /// A Wi-Fi.
    Wifi,
    /// A phone's hotspot.
    Hotspot,
    /// A mobile network.
    Mobile,
    /// A phone over Bluetooth.
    Bluetooth,
    /// Another kind, or one that the agent does not know.
    Other,
}

/// How good the network is: N0 to N14, or nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "code")]
pub enum NetworkNotice {
    /// The agent has not checked the network yet.
    #[default]
    #[serde(rename = "")]
    Unchecked,
    /// Connected; the relay has not been asked yet, so the client must not read out "N0" yet.
    #[serde(rename = "connected")]
    NotAsked {
        /// The kind of connection.
        kind: NetworkKind,
        /// The name of the Wi-Fi (SSID), cleaned.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether NetworkManager takes data for metered.
        metered: bool,
    },
    /// Good.
    N0 {
        /// The kind of connection.
        kind: NetworkKind,
        /// The name of the Wi-Fi (SSID), cleaned.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether NetworkManager takes data for metered.
        metered: bool,
    },
    /// Not connected to a network.
    N1,
    /// Connected, but the network gives no address.
    N2,
    /// A captive portal wants a sign-in first.
    N3,
    /// The network does not lead to the internet.
    N4,
    /// The proxy refuses the connection, or does not answer.
    N5,
    /// The relay cannot be reached.
    N6,
    /// The clock is wrong.
    N7 {
        /// Date, hour and minute that the clock shows, in UTC.
        clock: String,
    },
    /// The secure connection is changed on its way.
    N8,
    /// The Wi-Fi is too weak.
    N9 {
        /// Strength of its signal, rounded to ten percent.
        percent: u64,
    },
    /// Slow or unstable.
    N10 {
        /// The median round trip; none if nothing answered, or nothing was measured.
        #[serde(skip_serializing_if = "Option::is_none")]
        milliseconds: Option<u64>,
        /// The slower direction, in Mbit/s with one decimal; none if it was cut off before.
        #[serde(skip_serializing_if = "Option::is_none")]
        rate: Option<String>,
        /// Whether the real rate is less than `rate`.
        below: bool,
        /// Whether there was a measurement.
        measured: bool,
        /// Whether it is a hotspot already.
        hotspot: bool,
    },
    /// The relay's certificate is not in order: expired, say.
    N11,
    /// It cannot be told whether something reads along, or the relay is not set up well.
    N12,
    /// What stands before the relay answers, but the relay does not run.
    N13,
    /// Another service answers at the relay's address.
    N14,
    /// A code that this version does not know.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl Notice {
    /// The code of the reason, to be read out over the phone.
    pub fn code(&self) -> &str {
        match self {
            Self::Ended(reason) | Self::Hearsay(reason) => reason.code(),
            Self::Burnt(_) => Reason::Burnt.code(),
            Self::Idle => "idle",
            Self::Unknown(code) => code,
        }
    }

    /// Everything about it but the code.
    pub fn arguments(&self) -> Arguments {
        match self {
            Self::Hearsay(_) => Arguments::from([("hearsay".to_owned(), Value::Bool(true))]),
            Self::Burnt(who) => arguments_of(who),
            Self::Ended(_) | Self::Idle | Self::Unknown(_) => Arguments::new(),
        }
    }

    /// The notice of a code and its arguments; never fails.
    pub fn of_parts(code: &str, arguments: Arguments) -> Self {
        let is_hearsay = arguments.get("hearsay") == Some(&Value::Bool(true));
        match Reason::from_code(code) {
            _ if code == "idle" => Self::Idle,
            Some(Reason::Burnt) => from_arguments(arguments).map_or(Self::Ended(Reason::Burnt), Self::Burnt),
            Some(reason) if is_hearsay => Self::Hearsay(reason),
            Some(reason) => Self::Ended(reason),
            None if code == Reason::Unknown.code() => Self::Ended(Reason::Unknown),
            None => Self::Unknown(code.to_owned()),
        }
    }
}

impl NetworkNotice {
    /// The code that is read out over the phone; empty if there is none (yet).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unchecked | Self::NotAsked { .. } | Self::Unknown => "",
            Self::N0 { .. } => "N0",
            Self::N1 => "N1",
            Self::N2 => "N2",
            Self::N3 => "N3",
            Self::N4 => "N4",
            Self::N5 => "N5",
            Self::N6 => "N6",
            Self::N7 { .. } => "N7",
            Self::N8 => "N8",
            Self::N9 { .. } => "N9",
            Self::N10 { .. } => "N10",
            Self::N11 => "N11",
            Self::N12 => "N12",
            Self::N13 => "N13",
            Self::N14 => "N14",
        }
    }
}

/// The code and the arguments of a message that is tagged with its code.
pub fn parts(message: &impl Serialize) -> (String, Arguments) {
    let mut arguments = arguments_of(message);
    let code = match arguments.remove("code") {
        Some(Value::String(code)) => code,
        _ => String::new(),
    };
    (code, arguments)
}

/// The message of a code and its arguments, if this version knows it.
pub fn of_parts<T: DeserializeOwned>(code: &str, mut arguments: Arguments) -> Option<T> {
    arguments.insert("code".to_owned(), code.into());
    from_arguments(arguments)
}

fn arguments_of(message: &impl Serialize) -> Arguments {
    match serde_json::to_value(message) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => Arguments::new(),
    }
}

fn from_arguments<T: DeserializeOwned>(arguments: Arguments) -> Option<T> {
    serde_json::from_value(Value::Object(arguments.into_iter().collect())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(partner: Option<&str>) -> Person {
        let text = |text: &str| text.to_owned();
        Person {
            engineer: text("Ada"),
            company: text("Scans AG"),
            ticket: text("T-7"),
            partner: partner.map(text),
            authority: None,
        }
    }

    #[test]
    fn notices_come_through_as_code_and_arguments() {
        let notices = [
            Notice::Ended(Reason::ClientEnded),
            Notice::Hearsay(Reason::ClientEnded),
            Notice::Ended(Reason::Unknown),
            Notice::Burnt(person(Some("Reseller"))),
            Notice::Burnt(person(None)),
            Notice::Idle,
            Notice::Unknown("of-tomorrow".into()),
        ];
        for notice in notices {
            assert_eq!(Notice::of_parts(notice.code(), notice.arguments()), notice);
        }
    }

    #[test]
    fn what_this_version_does_not_know_is_no_error() {
        assert_eq!(of_parts("of-tomorrow", Arguments::new()), Some(Warning::Unknown));
        assert_eq!(of_parts("N99", Arguments::new()), Some(NetworkNotice::Unknown));
        let (code, arguments) = parts(&Warning::WrongPin { who: person(None) });
        assert_eq!((code.as_str(), arguments.len()), ("wrong-pin", 3));
        assert_eq!(of_parts(&code, arguments), Some(Warning::WrongPin { who: person(None) }));
        assert_eq!(of_parts::<Warning>("wrong-pin", Arguments::new()), None, "arguments are missing");
    }
}
