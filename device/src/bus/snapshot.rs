//! The properties of every interface together: a [`Status`], flat, in types that every D-Bus library has.

use super::access::AccessProperties;
use super::conversation::ConversationProperties;
use super::network::NetworkProperties;
use super::session::SessionProperties;
use super::{Changes, Values};
use crate::status::Status;

/// Every property, as it stands on the bus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Where remote access stands.
    pub access: AccessProperties,
    /// Who is connected.
    pub session: SessionProperties,
    /// What is asked.
    pub conversation: ConversationProperties,
    /// How good the network is.
    pub network: NetworkProperties,
}

impl From<&Status> for Snapshot {
    fn from(status: &Status) -> Self {
        Self {
            access: status.into(),
            session: status.into(),
            conversation: status.into(),
            network: status.into(),
        }
    }
}

impl Snapshot {
    /// The interfaces in the order in which a change of them is told: the one with the revision is the last.
    pub const INTERFACES: [&str; 4] = [
        NetworkProperties::INTERFACE,
        SessionProperties::INTERFACE,
        ConversationProperties::INTERFACE,
        AccessProperties::INTERFACE,
    ];

    /// What has changed, by interface, in the order in which it is told.
    pub fn changed_since(&self, before: &Self) -> Vec<(&'static str, Changes)> {
        let changes = [
            self.network.changed_since(&before.network),
            self.session.changed_since(&before.session),
            self.conversation.changed_since(&before.conversation),
            self.access.changed_since(&before.access),
        ];
        let all = Self::INTERFACES.into_iter().zip(changes);
        all.filter(|(_, changes)| !changes.is_empty()).collect()
    }

    /// Takes in properties of one interface.
    pub fn update(&mut self, interface: &str, values: Values) {
        match interface {
            AccessProperties::INTERFACE => self.access.update(values),
            SessionProperties::INTERFACE => self.session.update(values),
            ConversationProperties::INTERFACE => self.conversation.update(values),
            NetworkProperties::INTERFACE => self.network.update(values),
            _ => {}
        }
    }

    /// What they say. `None` if the service is of a version with states that this one does not know.
    pub fn to_status(&self) -> Option<Status> {
        let mut status = Status::default();
        self.access.read_into(&mut status)?;
        self.session.read_into(&mut status);
        self.conversation.read_into(&mut status);
        self.network.read_into(&mut status);
        Some(status)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldlink_protocol::ids::{QuestionId, SessionId};
    use fieldlink_protocol::messages::ready::Ready;
    use fieldlink_protocol::policy::Function;
    use fieldlink_protocol::reason::Reason;
    use zbus::OwnedVariant;

    use super::*;
    use crate::network_notice::NetworkNotice;
    use crate::notice::{Notice, Person};
    use crate::status::{Beside, Phase, Question, QuestionKind, QuietPeriod, Terms, Visitor};

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
                    authority: Some("Scans engineers".into()),
                },
            }),
            deadline: Some(Duration::from_micros(77)),
            presence: Some(Beside::Asked),
            presence_deadline: Some(Duration::from_micros(76)),
            quiet: Some(QuietPeriod { until: Duration::from_micros(75), text: "lidar".into() }),
            terms: Some(Terms {
                minutes: 60,
                never: vec![Function::Upload],
                asks: vec![Function::Restart],
                reaches: vec!["lidar:80".into()],
                retention_days: 90,
            }),
            question: Some(Question {
                text: "Is it green?".into(),
                choices: vec!["yes".into(), "no".into()],
                function: Some(Function::Exec),
                ready: Some(Ready::Sounds),
                ..Question::new(QuestionId::random(), QuestionKind::Text, Duration::from_micros(78))
            }),
            ..Status::default()
        }
    }

    /// As it is read on the other side of the bus.
    fn received(changes: Vec<(&'static str, Changes)>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (interface, changes) in changes {
            let values = changes.into_iter().map(|(name, value)| {
                (name.to_owned(), OwnedVariant::try_from(value).expect("no descriptors"))
            });
            snapshot.update(interface, values.collect());
        }
        snapshot
    }

    #[test]
    fn a_status_comes_through_the_bus_whole() {
        let (notice, verdict_for) = (Some(Notice::Hearsay(Reason::ClientEnded)), Some(SessionId::random()));
        let off = Status { notice, verdict_for, ..Status::default() };
        for status in [asking(), off, Status::default()] {
            let sent = Snapshot::from(&status).changed_since(&Snapshot::default());
            assert_eq!(received(sent).to_status(), Some(status));
        }
    }

    #[test]
    fn only_what_changed_is_told_and_the_revision_last() {
        let (before, mut after) = (asking(), asking());
        after.visitor = before.visitor.clone();
        let question = after.question.as_mut().expect("one");
        question.id = before.question.as_ref().expect("one").id;
        question.until += Duration::from_secs(1);
        let mut after = Snapshot::from(&after);
        after.access.revision = 1;
        let told: Vec<_> = after
            .changed_since(&Snapshot::from(&before))
            .into_iter()
            .map(|(interface, changes)| (interface, changes.into_keys().collect::<Vec<_>>()))
            .collect();
        let expected = [
            (ConversationProperties::INTERFACE, vec!["QuestionDeadline"]),
            (AccessProperties::INTERFACE, vec!["Revision"]),
        ];
        assert_eq!(told, expected);
    }
}
