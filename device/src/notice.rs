//! What the person beside the device is told, as types. They travel as a code and arguments: on the bus, in JSON, in
//! the log. [`words`](crate::words) turns them into sentences.

use std::collections::BTreeMap;

use fieldlink_protocol::reason::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The arguments of a message: texts, numbers, yes and no.
pub type Arguments = BTreeMap<String, Value>;

/// Who connects, or wants to, as messages name them. Every text is cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The engineer's name.
    pub engineer: String,
    /// Their company.
    pub company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
}

/// Why remote access is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A session ended, or access was switched off.
    Ended(Reason),
    /// The relay says so, and names somebody else as the cause, which it may have made up.
    Hearsay(Reason),
    /// The PIN was tried wrongly too often; the last to try it was this one.
    Burnt(Person),
    /// Nobody used it.
    Idle,
    /// A service of another version says this.
    Unknown(String),
}

/// What is told beside the status, once.
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
        /// By them.
        #[serde(flatten)]
        who: Person,
    },
    /// An engineer broke off while the PIN was checked, which counts as a wrong one.
    BrokenOff {
        /// Who.
        #[serde(flatten)]
        who: Person,
    },
    /// The client did not let an engineer in.
    Refused {
        /// Their name.
        engineer: String,
    },
    /// The client did not answer, so an engineer was not let in.
    NotLetIn {
        /// Their name.
        engineer: String,
    },
    /// The client said no to a question.
    AnsweredNo,
    /// The client answered a question.
    Answered {
        /// What they said.
        text: String,
    },
    /// A question was not answered in time.
    NoAnswer,
    /// A question was taken back.
    Withdrawn,
    /// An engineer does not want to come in any more.
    NoLongerAsks {
        /// Their name.
        engineer: String,
        /// Why.
        reason: Reason,
        /// Whether that is only what the relay says.
        hearsay: bool,
    },
    /// A line of chat waits for the connection.
    Delayed,
    /// A service of another version says something else.
    #[serde(other)]
    Unknown,
}

impl Warning {
    /// Whether it says what became of the question that was open.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::TimeLeft { .. }
            | Self::WrongPin { .. }
            | Self::BrokenOff { .. }
            | Self::Delayed
            | Self::Unknown => false,
            Self::MoreTime { .. }
            | Self::NoMoreTime
            | Self::Refused { .. }
            | Self::NotLetIn { .. }
            | Self::AnsweredNo
            | Self::Answered { .. }
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
    /// Something else, or nobody knows.
    Other,
}

/// How good the network is: N0 to N14, or nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "code")]
pub enum NetworkNotice {
    /// Nobody has looked yet.
    #[default]
    #[serde(rename = "")]
    Unchecked,
    /// Connected; the relay has not been asked yet, so nobody is to read "N0" over the phone.
    #[serde(rename = "connected")]
    NotAsked {
        /// By what.
        kind: NetworkKind,
        /// The name of the Wi-Fi.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether data costs.
        metered: bool,
    },
    /// Good.
    N0 {
        /// By what.
        kind: NetworkKind,
        /// The name of the Wi-Fi.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether data costs.
        metered: bool,
    },
    /// No network.
    N1,
    /// No address.
    N2,
    /// A portal.
    N3,
    /// No internet.
    N4,
    /// The proxy.
    N5,
    /// The relay is out of reach.
    N6,
    /// The clock is wrong.
    N7 {
        /// What it says.
        clock: String,
    },
    /// The secure connection is changed on its way.
    N8,
    /// The Wi-Fi is too weak.
    N9 {
        /// Its strength.
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
        /// Whether the rate is less than that.
        below: bool,
        /// Whether there was a measurement.
        measured: bool,
        /// Whether it is a hotspot already.
        hotspot: bool,
    },
    /// The relay's certificate.
    N11,
    /// The revocation of the relay's certificate, or the like, cannot be checked.
    N12,
    /// The relay does not run.
    N13,
    /// Something else answers.
    N14,
    /// A service of another version says something else.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl Notice {
    /// The reason, read out over the phone.
    pub fn code(&self) -> &str {
        match self {
            Self::Ended(reason) | Self::Hearsay(reason) => reason.code(),
            Self::Burnt(_) => Reason::Burnt.code(),
            Self::Idle => "idle",
            Self::Unknown(code) => code,
        }
    }

    /// Everything else about it.
    pub fn arguments(&self) -> Arguments {
        match self {
            Self::Hearsay(_) => Arguments::from([("hearsay".to_owned(), Value::Bool(true))]),
            Self::Burnt(who) => arguments_of(who),
            Self::Ended(_) | Self::Idle | Self::Unknown(_) => Arguments::new(),
        }
    }

    /// What a code and its arguments say.
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
