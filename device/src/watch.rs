//! Follows the agent's signals over a connection to the bus of its own.
//!
//! Every process on the device can send every other a signal, whatever it claims to be about. Only those count whose
//! sender owned the agent's name when it was asked last: the bus itself fills in senders, so they cannot be forged.

mod known;

use std::collections::VecDeque;
use std::num::NonZeroU32;

use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::timeout;
use zbus::message::Type as MessageType;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedVariant, Type, fdo};

use self::known::{BUS, Heard, Known};
use crate::bus::{ANSWER, AccessProperties, NAME, PATH, Snapshot};
use crate::client::{self, PROPERTIES, READS};
use crate::failure::Failure;
use crate::order::Notification;
use crate::status::Status;

/// How often an agent that has just come back is asked for its state.
const LOOKS: u32 = 3;
/// Most notifications that are kept while it is asked.
const KEPT: usize = 64;

/// What [`Watch::next`] reports.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// The status has changed to this.
    Status(Box<Status>),
    /// An event beside the status.
    Notified(Notification),
    /// The service has stopped. It may come back.
    Stopped,
    /// It is there again, with this status.
    Back(Box<Status>),
}

/// Follows the agent's status and its notifications.
pub struct Watch {
    bus: Connection,
    messages: MessageStream,
    state: Known,
    /// Notifications that came while the agent was asked for its state.
    unread: VecDeque<Notification>,
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
        let mut watch = Self { bus, messages, state: Known::default(), unread: VecDeque::new() };
        watch.look().await?;
        Ok(watch)
    }

    /// The status when the latest news came.
    pub fn status(&self) -> Result<Status, Failure> {
        self.state.snapshot.to_status().ok_or_else(client::other_version)
    }

    /// Waits for news. `None` once the bus is gone.
    pub async fn next(&mut self) -> Option<News> {
        if let Some(notification) = self.unread.pop_front() {
            return Some(News::Notified(notification));
        }
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

    /// Asks the new owner of the name. Until it has answered, no connection is taken for the agent.
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

    /// Reads all properties, and takes the connection that answers for the agent's.
    async fn look(&mut self) -> Result<(), Failure> {
        for _ in 0..READS {
            self.state = Known::default();
            for interface in Snapshot::INTERFACES.iter().rev() {
                let answer = self.ask("GetAll", interface).await?;
                self.state.learn(interface, &answer)?;
            }
            let answer = self.ask("Get", &(AccessProperties::INTERFACE, "Revision")).await?;
            let revision: OwnedVariant = answer.body().deserialize()?;
            // Otherwise something has changed, or the agent has, while it answered.
            if self.state.owner.is_some()
                && u64::try_from(revision) == Ok(self.state.snapshot.access.revision)
            {
                return Ok(());
            }
        }
        Err(client::silent())
    }

    async fn ask<B: Serialize + Type>(&mut self, method: &str, body: &B) -> Result<Message, Failure> {
        let question = Message::method_call(PATH, method).destination(NAME).interface(PROPERTIES);
        let question = question.build(body)?;
        self.bus.send(&question).await?;
        let answer = timeout(ANSWER, self.answer_to(question.primary_header().serial_num()));
        answer.await.unwrap_or_else(|_| Err(client::silent()))
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
            match self.state.hear(&message) {
                Some(Heard::Notified(notification)) if self.unread.len() < KEPT => {
                    self.unread.push_back(notification);
                }
                // What has changed is taken in already, and an agent that has stopped does not answer.
                _ => {}
            }
        }
        Err(client::no_bus())
    }
}
