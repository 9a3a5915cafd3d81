//! What is known of the agent, and what its signals change of it. Pure: messages go in.

use fieldlink_protocol::{limits, text};
use zbus::Message;
use zbus::message::Type as MessageType;
use zbus::names::OwnedUniqueName;

use crate::bus::{AccessProperties, BusArguments, NAME, Snapshot, Values, from_bus};
use crate::failure::Failure;
use crate::notice;
use crate::order::Notification;
use crate::warning::Warning;

/// The message bus, as a sender: a name that no connection can own.
pub(super) const BUS: &str = "org.freedesktop.DBus";

/// What is known of the agent.
#[derive(Default)]
pub(super) struct Known {
    /// Its connection to the bus; nothing while it is away.
    pub(super) owner: Option<OwnedUniqueName>,
    pub(super) snapshot: Snapshot,
    /// The parts of a change that have come, while its last part has not.
    begun: Vec<(String, Values)>,
}

/// What a signal of the bus or of the agent is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Changed,
    Notified(Notification),
    Started,
    Stopped,
}

impl Known {
    /// Takes in an interface's properties. The connection that answers first is the agent's; another one is another
    /// agent's, of which nothing is known yet.
    pub(super) fn learn(&mut self, interface: &str, answer: &Message) -> Result<(), Failure> {
        let sender = answer.header().sender().map(|sender| OwnedUniqueName::from(sender.to_owned()));
        if interface == AccessProperties::INTERFACE {
            self.owner = sender;
        } else if self.owner != sender {
            self.owner = None;
        }
        self.snapshot.update(interface, answer.body().deserialize()?);
        Ok(())
    }

    /// Takes in an interface's part of a change. True if it is the last part, and something else than the revision is
    /// new: only then it counts, so that no caller sees half of it.
    fn change(&mut self, interface: String, values: Values) -> bool {
        let revision = values.get("Revision").and_then(|value| u64::try_from(&**value).ok());
        let is_end = interface == AccessProperties::INTERFACE;
        if Snapshot::INTERFACES.contains(&interface.as_str()) && self.begun.len() < Snapshot::INTERFACES.len()
        {
            self.begun.push((interface, values));
        }
        if !is_end {
            return false;
        }
        let change = std::mem::take(&mut self.begun);
        let Some(revision) = revision.filter(|revision| *revision > self.snapshot.access.revision) else {
            return false;
        };
        let mut before = self.snapshot.clone();
        for (interface, values) in change {
            self.snapshot.update(&interface, values);
        }
        before.access.revision = revision;
        self.snapshot != before
    }

    /// Takes in a message. Senders other than the bus and the agent are ignored.
    pub(super) fn hear(&mut self, message: &Message) -> Option<Heard> {
        let header = message.header();
        let sender = header.sender()?;
        if header.message_type() != MessageType::Signal {
            return None;
        }
        match (sender.as_str(), header.member()?.as_str()) {
            (BUS, "NameOwnerChanged") => self.hear_of_owner(message),
            (sender, member) if self.owner.as_ref().is_some_and(|owner| owner.as_str() == sender) => {
                self.hear_agent(message, member)
            }
            _ => None,
        }
    }

    fn hear_of_owner(&mut self, message: &Message) -> Option<Heard> {
        let (name, _, owner): (String, String, String) = message.body().deserialize().ok()?;
        if name != NAME {
            return None;
        }
        (self.owner, self.begun) = (None, Vec::new());
        Some(if owner.is_empty() { Heard::Stopped } else { Heard::Started })
    }

    fn hear_agent(&mut self, message: &Message, member: &str) -> Option<Heard> {
        let body = message.body();
        match member {
            "PropertiesChanged" => {
                let (interface, values, _): (String, Values, Vec<String>) = body.deserialize().ok()?;
                self.change(interface, values).then_some(Heard::Changed)
            }
            "Chat" => {
                let (from, words): (String, String) = body.deserialize().ok()?;
                let (from_engineer, text) = (from == "engineer", text::clean(&words, limits::CHAT));
                Some(Heard::Notified(Notification::Chat { from_engineer, text }))
            }
            "Warning" => {
                let (code, arguments): (String, BusArguments) = body.deserialize().ok()?;
                let warning = notice::of_parts(&code, from_bus(&arguments)).unwrap_or(Warning::Unknown);
                Some(Heard::Notified(Notification::Warning(warning)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use zbus::names::UniqueName;

    use super::*;
    use crate::bus::{Changes, ConversationProperties, PATH, SessionProperties, to_bus};
    use crate::client::PROPERTIES;
    use crate::notice::Arguments;
    use crate::panel::describe_notification;
    use crate::status::Phase;
    use crate::words::{Language, Words};

    const AGENT: &str = ":1.7";
    const STRANGER: &str = ":1.8";
    const ACCESS: &str = AccessProperties::INTERFACE;
    const SESSION: &str = SessionProperties::INTERFACE;
    const CONVERSATION: &str = ConversationProperties::INTERFACE;

    fn known() -> Known {
        let owner = UniqueName::try_from(AGENT).expect("a name").into();
        let mut snapshot = Snapshot::default();
        snapshot.access.state = "off".to_owned();
        Known { owner: Some(owner), snapshot, begun: Vec::new() }
    }

    fn signal(
        sender: &'static str,
        interface: &'static str,
        member: &'static str,
        words: (&str, &str),
    ) -> Message {
        Message::signal(PATH, interface, member).sender(sender).build(&words).expect("a message")
    }

    fn warning(sender: &'static str, code: &str, arguments: BusArguments) -> Message {
        let message = Message::signal(PATH, ACCESS, "Warning").sender(sender);
        message.build(&(code, arguments)).expect("a message")
    }

    fn changed(sender: &'static str, interface: &str, state: &str, revision: u64) -> Message {
        let state = ("State", zbus::Variant::from(state.to_owned()));
        told(sender, interface, Changes::from([state, ("Revision", revision.into())]))
    }

    fn named(engineer: &str) -> Message {
        told(AGENT, SESSION, Changes::from([("Engineer", zbus::Variant::from(engineer.to_owned()))]))
    }

    fn told(sender: &'static str, interface: &str, values: Changes) -> Message {
        let body = (interface, values, Vec::<String>::new());
        Message::signal(PATH, PROPERTIES, "PropertiesChanged").sender(sender).build(&body).expect("a message")
    }

    fn owner_changed(sender: &'static str, name: &str, owner: &str) -> Message {
        let message = Message::signal("/org/freedesktop/DBus", BUS, "NameOwnerChanged").sender(sender);
        message.build(&(name, AGENT, owner)).expect("a message")
    }

    #[test]
    fn only_the_agent_speaks_for_itself() {
        let mut known = known();
        for forged in [
            signal(STRANGER, CONVERSATION, "Chat", ("engineer", "read me your password")),
            warning(STRANGER, "delayed", BusArguments::new()),
            changed(STRANGER, ACCESS, "active", 1),
            changed(AGENT, "org.example.Other", "active", 1),
            owner_changed(STRANGER, NAME, STRANGER),
            owner_changed(BUS, "org.example.Other", STRANGER),
        ] {
            assert_eq!(known.hear(&forged), None, "{forged:?}");
        }
        assert_eq!(known.snapshot.access.state, "off");
        let said = known.hear(&signal(AGENT, CONVERSATION, "Chat", ("engineer", "hello")));
        let chat = Notification::Chat { from_engineer: true, text: "hello".to_owned() };
        assert_eq!(said, Some(Heard::Notified(chat)));
    }

    #[test]
    fn what_has_changed_is_taken_from_the_signal() {
        let mut known = known();
        assert_eq!(known.hear(&changed(AGENT, ACCESS, "active", 1)), Some(Heard::Changed));
        let status = known.snapshot.to_status().expect("a known state");
        assert_eq!(status.phase, Phase::Active);
    }

    #[test]
    fn a_change_counts_once_it_is_told_to_its_end() {
        let mut known = known();
        assert_eq!(known.hear(&named("Ada")), None);
        assert_eq!(known.snapshot.session.engineer, "");
        assert_eq!(known.hear(&changed(AGENT, ACCESS, "asking", 7)), Some(Heard::Changed));
        assert_eq!((&*known.snapshot.session.engineer, known.snapshot.access.revision), ("Ada", 7));
        assert_eq!(known.hear(&changed(AGENT, ACCESS, "asking", 8)), None, "only the revision is new");
        // What was told before it was read is older than that.
        assert_eq!(known.hear(&named("Eve")), None);
        assert_eq!(known.hear(&changed(AGENT, ACCESS, "off", 8)), None);
        assert_eq!((&*known.snapshot.session.engineer, &*known.snapshot.access.state), ("Ada", "asking"));
    }

    #[test]
    fn half_a_change_is_forgotten_with_the_agent_that_told_it() {
        let mut known = known();
        assert_eq!(known.hear(&named("Ada")), None);
        known.hear(&owner_changed(BUS, NAME, STRANGER));
        known.owner = Some(UniqueName::try_from(AGENT).expect("a name").into());
        known.hear(&changed(AGENT, ACCESS, "asking", 7));
        assert_eq!(known.snapshot.session.engineer, "");
    }

    #[test]
    fn whoever_was_the_agent_is_nobody_once_another_is() {
        let mut known = known();
        assert_eq!(known.hear(&owner_changed(BUS, NAME, "")), Some(Heard::Stopped));
        assert_eq!(known.hear(&changed(AGENT, ACCESS, "active", 1)), None);
        assert_eq!(known.hear(&owner_changed(BUS, NAME, STRANGER)), Some(Heard::Started));
        // Not before it was asked itself.
        assert_eq!(known.hear(&changed(STRANGER, ACCESS, "active", 1)), None);
    }

    #[test]
    fn nothing_that_is_said_moves_the_cursor() {
        let words = Words::new(Language::English);
        let text = |message| match known().hear(&message) {
            Some(Heard::Notified(notification)) => describe_notification(&words, &notification),
            other => panic!("{other:?}"),
        };
        let chat = text(signal(AGENT, CONVERSATION, "Chat", ("engineer", "\u{1b}[2Jx")));
        let arguments = Arguments::from([("text".to_owned(), "\u{1b}]0;y\u{7}".into())]);
        let warning = text(warning(AGENT, "answered", to_bus(arguments)));
        assert!(warning.contains("]0;y"), "{warning:?}");
        assert!(!chat.contains('\u{1b}') && !warning.contains('\u{1b}'), "{chat:?} {warning:?}");
    }
}
