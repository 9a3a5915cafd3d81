//! The agent on the system bus, as its clients see it.

use std::collections::HashMap;
use std::pin::Pin;

use fieldlink_protocol::pin::Pin as SecretPin;
use fieldlink_protocol::support_id::SupportId;
use futures_util::StreamExt;
use futures_util::stream::{Stream, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::connection::Builder;
use zbus::message::Type as MessageType;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedVariant, Type};

use super::failure::{Failure, Kind};
use crate::access::{Happening, Order};
use crate::bus::{ANSWER, INTERFACE, NAME, PATH, Properties};
use crate::panel::Credentials;
use crate::rules::ClientAnswer;
use crate::status::{Line, Status};

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A connection to the agent.
#[derive(Clone)]
pub(super) struct Device {
    bus: Connection,
}

/// What is heard from the agent.
#[derive(Debug)]
pub(super) enum News {
    /// Some property has changed; [`Device::status`] tells how things stand.
    Changed,
    /// Something happened beside it.
    Happened(Happening),
    /// The service has started, or stopped.
    Service {
        /// Whether it is there now.
        is_there: bool,
    },
}

/// News, one after another.
pub(super) type NewsStream = Pin<Box<dyn Stream<Item = News> + Send>>;

impl Device {
    /// Connects to the system bus.
    pub(super) async fn connect() -> Result<Self, Failure> {
        // Checking the network takes longer than any other answer.
        let bus = Builder::system().method_timeout(4 * ANSWER).build().await.map_err(|error| {
            Failure::new(Kind::NoService, format!("could not connect to the system bus: {error}"))
        })?;
        Ok(Self { bus })
    }

    /// How things stand.
    pub(super) async fn status(&self) -> Result<Status, Failure> {
        let values: HashMap<String, OwnedVariant> = self.call_on(PROPERTIES, "GetAll", &INTERFACE).await?;
        let strange = || Failure::new(Kind::Failed, "the service is of another version: restart the device");
        Properties::from_bus(values).to_status().ok_or_else(strange)
    }

    /// The service's version.
    pub(super) async fn version(&self) -> Result<String, Failure> {
        let value: OwnedVariant = self.call_on(PROPERTIES, "Get", &(INTERFACE, "Version")).await?;
        let strange = |_| Failure::new(Kind::Failed, "the service does not say its version");
        value.try_into().map_err(strange)
    }

    /// Support ID and PIN.
    pub(super) async fn credentials(&self) -> Result<Credentials, Failure> {
        let (support_id, pin): (String, String) = self.call_on(INTERFACE, "GetCredentials", &()).await?;
        let pin = zeroize::Zeroizing::new(pin);
        match (support_id.parse::<SupportId>(), SecretPin::parse(&pin)) {
            (Ok(support_id), Ok(pin)) => Ok(Credentials { support_id, pin }),
            _ => Err(Failure::new(Kind::Failed, "the service gave no usable support ID and PIN")),
        }
    }

    /// The network's verdict as an exit code, as text, and as JSON.
    pub(super) async fn check_network(&self) -> Result<(u32, String, String), Failure> {
        self.call_on(INTERFACE, "CheckNetwork", &()).await
    }

    /// Has an order carried out.
    pub(super) async fn give(&self, order: Order) -> Result<(), Failure> {
        match order {
            Order::Start => self.call("Start", &()).await,
            Order::Stop(_) | Order::Shutdown(_) => self.call("Stop", &()).await,
            Order::End => self.call("End", &()).await,
            Order::Answer(question, ClientAnswer::Yes) => self.call("Allow", &question.to_string()).await,
            Order::Answer(question, ClientAnswer::No) => self.call("Refuse", &question.to_string()).await,
            Order::Answer(question, ClientAnswer::Text(text)) => {
                self.call("Answer", &(question.to_string(), text)).await
            }
            Order::Grant(session, minutes) => {
                self.call("GrantExtension", &(session.to_string(), minutes)).await
            }
            Order::Chat(text) => self.call("SendChat", &text).await,
            Order::Ping => Ok(()),
        }
    }

    /// What happens from now on.
    pub(super) async fn news(&self) -> Result<NewsStream, Failure> {
        let signals = MatchRule::builder().msg_type(MessageType::Signal).sender(NAME).path(PATH).build()?;
        let signals = MessageStream::for_match_rule(signals, &self.bus, None).await?;
        let owners = MatchRule::builder()
            .msg_type(MessageType::Signal)
            .sender("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(0, NAME)
            .build()?;
        let owners = MessageStream::for_match_rule(owners, &self.bus, None).await?;
        let heard = signals.filter_map(|message| async { message.ok().as_ref().and_then(read_signal) });
        let owned = owners.filter_map(|message| async { message.ok().as_ref().and_then(read_owner) });
        Ok(Box::pin(select(heard, owned)))
    }

    async fn call<B: Serialize + Type>(&self, method: &str, body: &B) -> Result<(), Failure> {
        self.call_on(INTERFACE, method, body).await
    }

    async fn call_on<B: Serialize + Type, R: DeserializeOwned + Type>(
        &self,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<R, Failure> {
        let reply = self.bus.call_method(Some(NAME), PATH, Some(interface), method, body).await?;
        Ok(reply.body().deserialize()?)
    }
}

fn read_signal(message: &Message) -> Option<News> {
    let header = message.header();
    match header.member()?.as_str() {
        "PropertiesChanged" => Some(News::Changed),
        "Chat" => {
            let (from, text): (String, String) = message.body().deserialize().ok()?;
            Some(News::Happened(Happening::Chat { from_engineer: from == "engineer", text }))
        }
        "Warning" => {
            let (code, sentence): (String, String) = message.body().deserialize().ok()?;
            Some(News::Happened(Happening::Warning(Line { code, sentence })))
        }
        _ => None,
    }
}

fn read_owner(message: &Message) -> Option<News> {
    let (_, _, owner): (String, String, String) = message.body().deserialize().ok()?;
    Some(News::Service { is_there: !owner.is_empty() })
}
