//! The messages for the person beside the device, as types. They travel as a code and arguments: on the bus, in JSON,
//! in the log. [`words`](crate::words) turns them into sentences.

use std::collections::BTreeMap;

use fieldlink_protocol::reason::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

const CLOCK_AWAITED: &str = "clock-awaited";

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
    /// A session that went through a restart goes on once this device's clock is set.
    ClockAwaited,
    /// The code of a reason that this version does not know.
    Unknown(String),
}

impl Notice {
    /// The code of the reason, to be read out over the phone.
    pub fn code(&self) -> &str {
        match self {
            Self::Ended(reason) | Self::Hearsay(reason) => reason.code(),
            Self::Burnt(_) => Reason::Burnt.code(),
            Self::Idle => "idle",
            Self::ClockAwaited => CLOCK_AWAITED,
            Self::Unknown(code) => code,
        }
    }

    /// Everything about it but the code.
    pub fn arguments(&self) -> Arguments {
        match self {
            Self::Hearsay(_) => Arguments::from([("hearsay".to_owned(), Value::Bool(true))]),
            Self::Burnt(who) => arguments_of(who),
            Self::Ended(_) | Self::Idle | Self::ClockAwaited | Self::Unknown(_) => Arguments::new(),
        }
    }

    /// The notice of a code and its arguments; never fails.
    pub fn of_parts(code: &str, arguments: Arguments) -> Self {
        let is_hearsay = arguments.get("hearsay") == Some(&Value::Bool(true));
        match Reason::from_code(code) {
            _ if code == "idle" => Self::Idle,
            _ if code == CLOCK_AWAITED => Self::ClockAwaited,
            Some(Reason::Burnt) => from_arguments(arguments).map_or(Self::Ended(Reason::Burnt), Self::Burnt),
            Some(reason) if is_hearsay => Self::Hearsay(reason),
            Some(reason) => Self::Ended(reason),
            None if code == Reason::Unknown.code() => Self::Ended(Reason::Unknown),
            None => Self::Unknown(code.to_owned()),
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
    use crate::network_notice::NetworkNotice;
    use crate::warning::Warning;

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
            Notice::ClockAwaited,
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
