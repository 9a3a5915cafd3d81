//! What the agent tells by itself, followed over a connection to the bus of its own.
//!
//! Every process on the device can send every other a signal, whatever it claims to be about. Only those count that come
//! from the connection that owned the agent's name when it was asked last: the bus itself vouches for senders.

use std::collections::HashMap;
use std::num::NonZeroU32;

use fieldlink_protocol::{limits, text};
use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::message::Type as MessageType;
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedVariant, fdo};

use crate::bus::{ANSWER, BusArguments, INTERFACE, NAME, PATH, Properties, from_bus};
use crate::client::{self, PROPERTIES};
use crate::failure::{Failure, Kind};
use crate::notice::{self, Warning};
use crate::order::Notification;
use crate::status::Status;

/// The message bus, as a sender: a name that nobody else can have.
const BUS: &str = "org.freedesktop.DBus";

/// How often a service that has just come back is asked how things stand.
const LOOKS: u32 = 3;

/// Something new.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// This is how things stand now.
    Status(Box<Status>),
    /// Something happened beside it.
    Notified(Notification),
    /// The service has stopped. It may come back.
    Stopped,
    /// It is there again, and this is how things stand.
    Back(Box<Status>),
}

/// Follows the agent.
pub struct Watch {
    bus: Connection,
    messages: MessageStream,
    state: Known,
}

/// What is known of the agent.
#[derive(Default)]
struct Known {
    /// Its connection to the bus; nothing while it is away.
    owner: Option<OwnedUniqueName>,
    properties: Properties,
}

/// What a message is about, if it is from somebody who may say it.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Changed,
    Notified(Notification),
    Started,
    Stopped,
}

impl Watch {
    /// Begins to follow it. Fails if it does not run.
    pub async fn open() -> Result<Self, Failure> {
        let bus = client::connect_to_bus().await?;
        let daemon = fdo::DBusProxy::new(&bus).await?;
        let signals = || MatchRule::builder().msg_type(MessageType::Signal);
        let ours = signals().sender(NAME).path(PATH).build()?;
        let owners = signals().sender(BUS).member("NameOwnerChanged").arg(0, NAME).build()?;
        for rule in [ours, owners] {
            daemon.add_match_rule(rule).await.map_err(zbus::Error::from)?;
        }
        let messages = MessageStream::from(&bus);
        let mut watch = Self { bus, messages, state: Known::default() };
        watch.look().await?;
        Ok(watch)
    }

    /// How things stood when the latest news came.
    pub fn status(&self) -> Result<Status, Failure> {
        self.state.properties.to_status().ok_or_else(client::other_version)
    }

    /// Waits for news. `None` once the bus is gone.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            let message = self.messages.next().await?.ok()?;
            let news = match self.state.hear(&message) {
                Some(Heard::Changed) => self.how_it_stands().map(News::Status),
                Some(Heard::Notified(notification)) => Some(News::Notified(notification)),
                Some(Heard::Stopped) => Some(News::Stopped),
                // It may be gone again; then that is the next news.
                Some(Heard::Started) => self.look_at_new_owner().await,
                None => None,
            };
            if news.is_some() {
                return news;
            }
        }
    }

    /// Until it has answered, nobody is believed.
    async fn look_at_new_owner(&mut self) -> Option<News> {
        for _ in 0..LOOKS {
            if self.look().await.is_ok() {
                return self.how_it_stands().map(News::Back);
            }
        }
        None
    }

    fn how_it_stands(&self) -> Option<Box<Status>> {
        self.status().ok().map(Box::new)
    }

    /// Asks for everything, and learns from the answer who the agent is. What came before the answer is
    /// older than it, and is dropped.
    async fn look(&mut self) -> Result<(), Failure> {
        let question = Message::method_call(PATH, "GetAll").destination(NAME).interface(PROPERTIES);
        let question = question.build(&INTERFACE)?;
        self.bus.send(&question).await?;
        let answer = timeout(ANSWER, self.answer_to(question.primary_header().serial_num()));
        let late = || Failure::new(Kind::NoService, "failed-silent-service");
        let answer = answer.await.unwrap_or_else(|_| Err(late()))?;
        let values: HashMap<String, OwnedVariant> = answer.body().deserialize()?;
        let owner = answer.header().sender().map(|sender| OwnedUniqueName::from(sender.to_owned()));
        self.state = Known { owner, properties: Properties::from_bus(values) };
        Ok(())
    }

    async fn answer_to(&mut self, serial: NonZeroU32) -> Result<Message, Failure> {
        while let Some(message) = self.messages.next().await {
            let message = message?;
            if message.header().reply_serial() == Some(serial) {
                return match message.message_type() {
                    MessageType::MethodReturn => Ok(message),
                    _ => Err(zbus::Error::from(message).into()),
                };
            }
        }
        Err(client::no_bus())
    }
}

impl Known {
    /// Takes in a message. Senders other than the bus and the agent are ignored.
    fn hear(&mut self, message: &Message) -> Option<Heard> {
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
        self.owner = None;
        Some(if owner.is_empty() { Heard::Stopped } else { Heard::Started })
    }

    fn hear_agent(&mut self, message: &Message, member: &str) -> Option<Heard> {
        let body = message.body();
        match member {
            "PropertiesChanged" => {
                let (interface, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
                    body.deserialize().ok()?;
                (interface == INTERFACE).then(|| self.properties.update(changed))?;
                Some(Heard::Changed)
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
    use crate::bus::to_bus;
    use crate::notice::Arguments;
    use crate::panel::describe_notification;
    use crate::status::Phase;
    use crate::words::{Language, Words};

    const AGENT: &str = ":1.7";
    const STRANGER: &str = ":1.8";

    fn known() -> Known {
        let owner = UniqueName::try_from(AGENT).expect("a name").into();
        let properties = Properties { state: "off".to_owned(), ..Properties::default() };
        Known { owner: Some(owner), properties }
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
        let message = Message::signal(PATH, INTERFACE, "Warning").sender(sender);
        message.build(&(code, arguments)).expect("a message")
    }

    fn changed(sender: &'static str, interface: &str, state: &str) -> Message {
        let values = HashMap::from([("State", zbus::Variant::from(state.to_owned()))]);
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
            signal(STRANGER, INTERFACE, "Chat", ("engineer", "read me your password")),
            warning(STRANGER, "delayed", BusArguments::new()),
            changed(STRANGER, INTERFACE, "active"),
            changed(AGENT, "org.example.Other", "active"),
            owner_changed(STRANGER, NAME, STRANGER),
            owner_changed(BUS, "org.example.Other", STRANGER),
        ] {
            assert_eq!(known.hear(&forged), None, "{forged:?}");
        }
        assert_eq!(known.properties.state, "off");
        let said = known.hear(&signal(AGENT, INTERFACE, "Chat", ("engineer", "hello")));
        let chat = Notification::Chat { from_engineer: true, text: "hello".to_owned() };
        assert_eq!(said, Some(Heard::Notified(chat)));
    }

    #[test]
    fn what_has_changed_is_taken_from_the_signal() {
        let mut known = known();
        assert_eq!(known.hear(&changed(AGENT, INTERFACE, "active")), Some(Heard::Changed));
        let status = known.properties.to_status().expect("a known state");
        assert_eq!(status.phase, Phase::Active);
    }

    #[test]
    fn whoever_was_the_agent_is_nobody_once_another_is() {
        let mut known = known();
        assert_eq!(known.hear(&owner_changed(BUS, NAME, "")), Some(Heard::Stopped));
        assert_eq!(known.hear(&changed(AGENT, INTERFACE, "active")), None);
        assert_eq!(known.hear(&owner_changed(BUS, NAME, STRANGER)), Some(Heard::Started));
        // Not before it was asked itself.
        assert_eq!(known.hear(&changed(STRANGER, INTERFACE, "active")), None);
    }

    #[test]
    fn nothing_that_is_said_moves_the_cursor() {
        let words = Words::new(Language::English);
        let text = |message| match known().hear(&message) {
            Some(Heard::Notified(notification)) => describe_notification(&words, &notification),
            other => panic!("{other:?}"),
        };
        let chat = text(signal(AGENT, INTERFACE, "Chat", ("engineer", "\u{1b}[2Jx")));
        let arguments = Arguments::from([("text".to_owned(), "\u{1b}]0;y\u{7}".into())]);
        let warning = text(warning(AGENT, "answered", to_bus(arguments)));
        assert!(warning.contains("]0;y"), "{warning:?}");
        assert!(!chat.contains('\u{1b}') && !warning.contains('\u{1b}'), "{chat:?} {warning:?}");
    }
}
