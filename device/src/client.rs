//! The agent on the system bus: reads its state, and gives it orders.

mod records;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use fieldlink_protocol::messages::{self, health::Health};
use fieldlink_protocol::pin::Pin as SecretPin;
use fieldlink_protocol::support_id::SupportId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::{Connection, OwnedVariant, Type};

use crate::bus::{
    ANSWER, AccessProperties, BusArguments, ConversationProperties, DiagnosticsProperties, HealthProperties,
    NAME, NetworkProperties, PATH, RecordsProperties, SessionProperties, Snapshot, from_bus,
};
use crate::emergency_stop::{self, StopError};
use crate::failure::{Failure, Kind};
use crate::network_notice::NetworkNotice;
use crate::notice;
use crate::order::ClientAnswer;
use crate::order::Order;
use crate::panel::Credentials;
use crate::status::Status;
use crate::words::Language;

/// The interface that every object's properties are read by.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How long ending a session over the bus may take; the agent itself needs a second at most.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait for an agent that is not on the bus.
const COMES_BACK: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often the properties are read, if they change meanwhile.
pub(crate) const READS: u32 = 8;
/// How long only the bus is tried.
const HEAD_START: Duration = Duration::from_millis(300);

/// A connection to the agent.
#[derive(Clone)]
pub struct Device {
    bus: Connection,
}

/// What a check of the network found.
pub struct CheckedNetwork {
    /// The code as an exit code.
    pub exit_code: u32,
    /// The verdict, for the client.
    pub notice: NetworkNotice,
    /// What it was concluded from, for the engineer.
    pub details: String,
    /// The same for programs.
    pub json: String,
}

/// Connects to the system bus.
pub async fn connect_to_bus() -> Result<Connection, Failure> {
    // Checking the network takes longer than any other answer.
    Builder::system()
        .method_timeout(4 * ANSWER)
        .build()
        .await
        .map_err(|error| Failure::new(Kind::NoService, "failed-connect").with("detail", error.to_string()))
}

/// The connection to the bus has ended.
pub fn no_bus() -> Failure {
    Failure::new(Kind::NoService, "failed-no-bus")
}

/// The agent does not answer in time, or its state changes faster than it can be read.
pub(crate) fn silent() -> Failure {
    Failure::new(Kind::NoService, "failed-silent-service")
}

/// Whether the bus says that the agent's name has no owner.
fn is_absent(error: &zbus::Error) -> bool {
    let names = ["org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"];
    matches!(error, zbus::Error::MethodError(name, ..) if names.contains(&name.as_str()))
}

/// The agent is in a state that this version does not know.
pub fn other_version() -> Failure {
    Failure::new(Kind::Failed, "failed-other-version")
}

/// Has a session ended, or remote access switched off, whether or not the bus answers.
pub async fn stop_now(order: Order) -> Result<(), Failure> {
    match emergency_stop::word_of(&order) {
        Some(word) => stop(word, async { Device::connect().await?.tell(order).await }).await,
        None => Device::connect().await?.tell(order).await,
    }
}

/// By the bus, which is given a head start, and by the emergency stop: whichever is done first.
async fn stop(word: &str, by_bus: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let by_bus = async {
        let silence = || Failure::new(Kind::NoService, "failed-silent-bus");
        timeout(STOP_PATIENCE, by_bus).await.unwrap_or_else(|_| Err(silence()))
    };
    let pressing = async {
        tokio::time::sleep(HEAD_START).await;
        emergency_stop::press(Path::new(emergency_stop::SOCKET), word).await
    };
    let (mut by_bus, mut pressing) = (pin!(by_bus), pin!(pressing));
    tokio::select! {
        done = &mut by_bus => match done {
            Err(silence) if silence.kind == Kind::NoService => or_pressed(silence, pressing.await),
            done => done,
        },
        pressed = &mut pressing => match pressed {
            Ok(()) => Ok(()),
            // The bus may have been faster after all; then there is nothing left to stop.
            pressed => by_bus.await.or_else(|failure| match failure.kind {
                Kind::NoService => or_pressed(failure, pressed),
                _ => Err(failure),
            }),
        },
    }
}

/// The outcome of the emergency stop, where the bus did not answer.
fn or_pressed(silence: Failure, pressed: Result<(), StopError>) -> Result<(), Failure> {
    match pressed {
        Ok(()) => Ok(()),
        Err(StopError::Refused(error)) => Err(error.into()),
        Err(StopError::Unreachable(_)) => Err(silence),
    }
}

impl Device {
    /// Connects to the system bus.
    pub async fn connect() -> Result<Self, Failure> {
        Ok(Self { bus: connect_to_bus().await? })
    }

    /// Reads the status, again for as long as it changes meanwhile.
    pub async fn status(&self) -> Result<Status, Failure> {
        for _ in 0..READS {
            let mut snapshot = Snapshot::default();
            for interface in Snapshot::INTERFACES.iter().rev() {
                snapshot.update(interface, self.call_on(PROPERTIES, "GetAll", interface).await?);
            }
            if u64::try_from(self.of_access("Revision").await?) == Ok(snapshot.access.revision) {
                return snapshot.to_status().ok_or_else(other_version);
            }
        }
        Err(silent())
    }

    /// The version of the agent that runs.
    pub async fn version(&self) -> Result<String, Failure> {
        let strange = |_| Failure::new(Kind::Failed, "failed-strange-version");
        self.of_access("Version").await?.try_into().map_err(strange)
    }

    /// A property of the interface that every agent has.
    async fn of_access(&self, name: &str) -> Result<OwnedVariant, Failure> {
        self.call_on(PROPERTIES, "Get", &(AccessProperties::INTERFACE, name)).await
    }

    /// The language that the agent is set to, if it is.
    pub async fn language(&self) -> Result<Option<Language>, Failure> {
        let arguments = &(AccessProperties::INTERFACE, "Language");
        let reply = self.bus.call_method(Some(NAME), PATH, Some(PROPERTIES), "Get", arguments).await?;
        let value: OwnedVariant = reply.body().deserialize()?;
        Ok(String::try_from(value).ok().and_then(|code| Language::from_code(&code)))
    }

    /// Reads support ID and PIN, which polkit permits to the client only.
    pub async fn credentials(&self) -> Result<Credentials, Failure> {
        let (support_id, pin): (String, String) =
            self.call_on(AccessProperties::INTERFACE, "GetCredentials", &()).await?;
        let pin = zeroize::Zeroizing::new(pin);
        match (support_id.parse::<SupportId>(), SecretPin::parse(&pin)) {
            (Ok(support_id), Ok(pin)) => Ok(Credentials { support_id, pin }),
            _ => Err(Failure::new(Kind::Failed, "failed-strange-credentials")),
        }
    }

    /// Has the agent check the network, which takes some seconds.
    pub async fn check_network(&self) -> Result<CheckedNetwork, Failure> {
        let (exit_code, code, arguments, details, json): (u32, String, BusArguments, String, String) =
            self.call_on(NetworkProperties::INTERFACE, "Check", &()).await?;
        let notice = notice::of_parts(&code, from_bus(&arguments)).unwrap_or(NetworkNotice::Unknown);
        Ok(CheckedNetwork { exit_code, notice, details, json })
    }

    /// What the device knows of itself, which takes some seconds.
    pub async fn health(&self) -> Result<Health, Failure> {
        let health: String = self.call_on(HealthProperties::INTERFACE, "Read", &()).await?;
        // A newer agent may know more than this program.
        let health: Health = messages::decode(health.as_bytes()).map_err(|_| other_version())?;
        Ok(health.fitted())
    }

    /// What comes of a diagnosis of the device, as it is collected (see [`fieldlink_protocol::messages::diagnosis`]).
    pub async fn diagnosis(&self) -> Result<OwnedFd, Failure> {
        let stream: zbus::OwnedFd = self.call_on(DiagnosticsProperties::INTERFACE, "Collect", &()).await?;
        Ok(stream.into())
    }

    /// Has the agent carry out an order; one that ends something goes to the emergency stop, too.
    pub async fn give(&self, order: Order) -> Result<(), Failure> {
        match emergency_stop::word_of(&order) {
            Some(word) => stop(word, self.tell(order)).await,
            None => self.tell(order).await,
        }
    }

    async fn tell(&self, order: Order) -> Result<(), Failure> {
        const ACCESS: &str = AccessProperties::INTERFACE;
        const SESSION: &str = SessionProperties::INTERFACE;
        const CONVERSATION: &str = ConversationProperties::INTERFACE;
        const RECORDS: &str = RecordsProperties::INTERFACE;
        match order {
            Order::Start => self.call_on(ACCESS, "Start", &()).await,
            Order::Stop(_) | Order::Shutdown(_) => self.call_on(ACCESS, "Stop", &()).await,
            Order::End => self.call_on(SESSION, "End", &()).await,
            Order::Grant(session, minutes) => {
                self.call_on(SESSION, "GrantExtension", &(session.to_string(), minutes)).await
            }
            Order::Answer(question, ClientAnswer::Yes) => {
                self.call_on(CONVERSATION, "Allow", &question.to_string()).await
            }
            Order::Answer(question, ClientAnswer::No) => {
                self.call_on(CONVERSATION, "Refuse", &question.to_string()).await
            }
            Order::Answer(question, ClientAnswer::Text(text)) => {
                self.call_on(CONVERSATION, "Answer", &(question.to_string(), text)).await
            }
            Order::Answer(question, ClientAnswer::InLanguage(text, language)) => {
                let body = &(question.to_string(), text, language.code());
                self.call_on(CONVERSATION, "AnswerIn", body).await
            }
            Order::Chat(text) => self.call_on(CONVERSATION, "SendChat", &text).await,
            Order::Verdict(session, verdict, words) => {
                self.call_on(SESSION, "GiveVerdict", &(session.to_string(), verdict.name(), words)).await
            }
            Order::Remove(name) => self.call_on(SESSION, "Remove", &name).await,
            Order::Here => self.call_on(SESSION, "Here", &()).await,
            Order::DeleteRecord(session) => self.call_on(RECORDS, "Delete", &session.to_string()).await,
            Order::ForgetRecords => self.call_on(RECORDS, "ForgetAll", &()).await,
            Order::Ping => Ok(()),
        }
    }

    /// A stream of what the engineer's terminals show (see [`live`](crate::live)).
    pub async fn watch_terminals(&self) -> Result<OwnedFd, Failure> {
        let stream: zbus::OwnedFd = self.call_on(SessionProperties::INTERFACE, "Watch", &()).await?;
        Ok(stream.into())
    }

    async fn call_on<B: Serialize + Type, R: DeserializeOwned + Type>(
        &self,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<R, Failure> {
        let began = Instant::now();
        loop {
            let reply = self.bus.call_method(Some(NAME), PATH, Some(interface), method, body).await;
            match reply {
                Ok(reply) => return Ok(reply.body().deserialize()?),
                // systemd starts a failed agent again, which takes a moment. No agent has had the call.
                Err(error) if is_absent(&error) && began.elapsed() < COMES_BACK => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
