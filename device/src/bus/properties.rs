//! The properties of the object: a [`Status`], flat, in types that every D-Bus library has.

use std::collections::HashMap;
use std::time::Duration;

use zbus::{OwnedVariant, Variant};

use super::arguments::{BusArguments, from_bus, to_bus};
use crate::notice::{self, Notice, Person};
use crate::status::{Away, Phase, Question, QuestionKind, Status, Visitor};

macro_rules! properties {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $name:literal,)*) => {
        /// Every property, as it stands on the bus. Empty and zero mean that there is none.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Properties {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Properties {
            /// Those that are not as they were in `before`.
            pub fn changed_since(&self, before: &Self) -> HashMap<&'static str, Variant<'static>> {
                let mut changed = HashMap::new();
                $(if self.$field != before.$field {
                    changed.insert($name, Variant::from(self.$field.clone()));
                })*
                changed
            }

            /// Reads them off the bus. Those that this version does not know are left out; those that are
            /// missing, or of another type, are empty.
            pub fn from_bus(values: HashMap<String, OwnedVariant>) -> Self {
                let mut properties = Self::default();
                properties.update(values);
                properties
            }

            /// Takes in those that have changed.
            pub fn update(&mut self, mut values: HashMap<String, OwnedVariant>) {
                $(if let Some(value) = values.remove($name).and_then(|value| value.try_into().ok()) {
                    self.$field = value;
                })*
            }
        }
    };
}

properties! {
    /// A [`Phase`].
    state: String = "State",
    /// While it is off: why, as a code.
    notice: String = "Notice",
    /// What else there is to say of it.
    notice_arguments: BusArguments = "NoticeArguments",
    /// The network's verdict: `N0` to `N14`, `connected` before the relay was asked.
    network: String = "Network",
    /// What else there is to say of it.
    network_arguments: BusArguments = "NetworkArguments",
    /// While connecting: what went wrong last.
    problem: String = "Problem",
    /// Wrong PINs so far.
    wrong_tries: u32 = "WrongTries",
    /// The session, 32 hexadecimal digits.
    session: String = "Session",
    /// The engineer's name.
    engineer: String = "Engineer",
    /// The engineer's company.
    company: String = "Company",
    /// The support case.
    ticket: String = "Ticket",
    /// The reseller.
    partner: String = "Partner",
    /// When the session is over: microseconds on `CLOCK_BOOTTIME`.
    deadline: u64 = "Deadline",
    /// While interrupted: an [`Away`].
    away: String = "Away",
    /// How often the engineer's program was started again and came back.
    returns: u32 = "Returns",
    /// The open question, 32 hexadecimal digits.
    question: String = "Question",
    /// A [`QuestionKind`].
    question_kind: String = "QuestionKind",
    /// How many minutes longer, for an extension.
    question_minutes: u32 = "QuestionMinutes",
    /// What is asked, in the engineer's words, if it is a question of theirs.
    question_text: String = "QuestionText",
    /// What to choose from.
    question_choices: Vec<String> = "QuestionChoices",
    /// When no answer counts as none: microseconds on `CLOCK_BOOTTIME`.
    question_deadline: u64 = "QuestionDeadline",
}

impl From<&Status> for Properties {
    fn from(status: &Status) -> Self {
        let (network, network_arguments) = notice::parts(&status.network);
        let mut properties = Self {
            state: status.phase.name().to_owned(),
            notice: status.notice.as_ref().map_or("", Notice::code).to_owned(),
            notice_arguments: status
                .notice
                .as_ref()
                .map(|notice| to_bus(notice.arguments()))
                .unwrap_or_default(),
            network,
            network_arguments: to_bus(network_arguments),
            problem: status.problem.clone().unwrap_or_default(),
            wrong_tries: status.wrong_tries.into(),
            deadline: microseconds(status.deadline.unwrap_or_default()),
            away: status.away.map_or("", Away::name).to_owned(),
            returns: status.returns,
            ..Self::default()
        };
        if let Some(visitor) = &status.visitor {
            properties.session = visitor.session.to_string();
            properties.engineer = visitor.who.engineer.clone();
            properties.company = visitor.who.company.clone();
            properties.ticket = visitor.who.ticket.clone();
            properties.partner = visitor.who.partner.clone().unwrap_or_default();
        }
        if let Some(question) = &status.question {
            properties.question = question.id.to_string();
            properties.question_kind = question.kind.name().to_owned();
            properties.question_minutes = question.minutes;
            properties.question_text = question.text.clone();
            properties.question_choices = question.choices.clone();
            properties.question_deadline = microseconds(question.until);
        }
        properties
    }
}

impl Properties {
    /// What they say. `None` if the service is of a version with states that this one does not know.
    pub fn to_status(&self) -> Option<Status> {
        Some(Status {
            phase: Phase::from_name(&self.state)?,
            notice: given(&self.notice).map(|code| Notice::of_parts(&code, from_bus(&self.notice_arguments))),
            network: notice::of_parts(&self.network, from_bus(&self.network_arguments)).unwrap_or_default(),
            problem: given(&self.problem),
            wrong_tries: u8::try_from(self.wrong_tries).unwrap_or(u8::MAX),
            visitor: self.session.parse().ok().map(|session| Visitor {
                session,
                who: Person {
                    engineer: self.engineer.clone(),
                    company: self.company.clone(),
                    ticket: self.ticket.clone(),
                    partner: given(&self.partner),
                },
            }),
            deadline: Some(Duration::from_micros(self.deadline)).filter(|deadline| !deadline.is_zero()),
            away: Away::from_name(&self.away),
            returns: self.returns,
            question: self.to_question(),
        })
    }

    fn to_question(&self) -> Option<Question> {
        Some(Question {
            id: self.question.parse().ok()?,
            kind: QuestionKind::from_name(&self.question_kind)?,
            minutes: self.question_minutes,
            text: self.question_text.clone(),
            choices: self.question_choices.clone(),
            until: Duration::from_micros(self.question_deadline),
        })
    }
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{QuestionId, SessionId};
    use fieldlink_protocol::reason::Reason;

    use super::*;
    use crate::notice::NetworkNotice;

    fn asking() -> Status {
        Status {
            phase: Phase::Active,
            network: NetworkNotice::N9 { percent: 30 },
            visitor: Some(Visitor {
                session: SessionId::random(),
                who: Person {
                    engineer: "Ada".into(),
                    company: "Scans AG".into(),
                    ticket: "T-7".into(),
                    partner: None,
                },
            }),
            deadline: Some(Duration::from_micros(77)),
            question: Some(Question {
                id: QuestionId::random(),
                kind: QuestionKind::Text,
                minutes: 0,
                text: "Is it green?".into(),
                choices: vec!["yes".into(), "no".into()],
                until: Duration::from_micros(78),
            }),
            ..Status::default()
        }
    }

    #[test]
    fn a_status_comes_through_the_bus_whole() {
        let off = Status { notice: Some(Notice::Hearsay(Reason::ClientEnded)), ..Status::default() };
        for status in [asking(), off, Status::default()] {
            let sent = Properties::from(&status).changed_since(&Properties::default());
            let received = sent.into_iter().map(|(name, value)| {
                (name.to_owned(), OwnedVariant::try_from(value).expect("no descriptors"))
            });
            let properties = Properties::from_bus(received.collect());
            assert_eq!(properties.to_status(), Some(status));
        }
    }

    #[test]
    fn only_what_changed_is_told() {
        let (before, mut after) = (asking(), asking());
        after.visitor = before.visitor.clone();
        let question = after.question.as_mut().expect("one");
        question.id = before.question.as_ref().expect("one").id;
        question.until += Duration::from_secs(1);
        let changed = Properties::from(&after).changed_since(&Properties::from(&before));
        assert_eq!(changed.keys().collect::<Vec<_>>(), [&"QuestionDeadline"]);
    }
}
