//! The object and a D-Bus client at two ends of a socket pair, and stand-ins for bus, kernel, polkit and logind.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fieldlink_device::bus::{NAME, PATH, Snapshot, Values};
use fieldlink_device::client::PROPERTIES;
use fieldlink_device::order::{Notification, Order};
use fieldlink_device::panel::View;
use fieldlink_device::words::Language;
use fieldlink_diagnosis::DiagnosticsSettings;
use fieldlink_evidence::Terms;
use fieldlink_transport::Dialer;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::message::{Flags, Header, Type as MessageType};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Guid, Message, MessageStream, Type};

use crate::access::Command;
use crate::config::HealthSettings;
use crate::diagnosis::Diagnoses;
use crate::health::HealthReader;
use crate::live::LiveView;
use crate::record::{RecordSettings, RecordStore};
use crate::rules::Refusal;
use crate::service::action::{Action, Denied};
use crate::service::authority::Authority;
use crate::service::network_check::NetworkCheck;
use crate::service::object::Object;
use crate::service::powers::{Powers, Sender, unknown};
use crate::service::publisher::{tell, tell_change};

/// The user ID of the account that engineers work as.
pub(super) const SUPPORT: u32 = 990;
/// The user ID of the person at the device.
const CLIENT: u32 = 1000;
/// The session that is recorded.
pub(super) const RECORDED: &str = "000102030405060708090a0b0c0d0e0f";
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What bus, polkit, logind and kernel say. By default: the person at the device asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// The bus: the sender's account, if it knows it.
    pub(super) user: Option<u32>,
    /// polkit: whether they may; silent if not given.
    pub(super) polkit: Option<bool>,
    /// logind: whether they are in front at a seat.
    pub(super) is_in_front: bool,
    /// The kernel: whether their process is in a session's unit.
    pub(super) is_in_session: bool,
}

impl Default for Said {
    fn default() -> Self {
        Self { user: Some(CLIENT), polkit: Some(true), is_in_front: true, is_in_session: false }
    }
}

/// Says it, and notes what polkit was asked.
#[derive(Debug)]
struct Sayers {
    said: Said,
    asked: Mutex<Vec<Action>>,
}

impl Powers for Sayers {
    fn sender<'a>(&'a self, _: &'a Connection, _: &'a Header<'a>) -> BoxFuture<'a, Result<Sender, Denied>> {
        let sender = self.said.user.map(|user| Sender { user, process: Some(1) });
        Box::pin(async move { sender.ok_or_else(|| unknown("nobody knows")) })
    }

    fn permits<'a>(
        &'a self,
        _: &'a Connection,
        _: &'a Header<'a>,
        action: Action,
    ) -> BoxFuture<'a, Result<bool, Denied>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(action);
        let word = self.said.polkit;
        Box::pin(async move { word.ok_or_else(|| unknown("polkit is not there")) })
    }

    fn is_in_front(&self, _: u32) -> bool {
        self.said.is_in_front
    }

    fn runs_in_session(&self, _: u32) -> bool {
        self.said.is_in_session
    }
}

/// A method and its arguments.
pub(super) struct Call {
    pub(super) interface: &'static str,
    pub(super) method: &'static str,
    body: Body,
}

enum Body {
    Empty,
    Text(String),
    Texts(String, String),
    ThreeTexts(String, String, String),
    Minutes(String, u32),
}

impl Call {
    pub(super) fn new(interface: &'static str, method: &'static str, body: impl Into<CallBody>) -> Self {
        Self { interface, method, body: body.into().0 }
    }
}

/// The arguments of a call.
pub(super) struct CallBody(Body);

impl From<()> for CallBody {
    fn from((): ()) -> Self {
        Self(Body::Empty)
    }
}

impl From<&str> for CallBody {
    fn from(text: &str) -> Self {
        Self(Body::Text(text.to_owned()))
    }
}

impl From<(&str, &str)> for CallBody {
    fn from((one, other): (&str, &str)) -> Self {
        Self(Body::Texts(one.to_owned(), other.to_owned()))
    }
}

impl From<(&str, &str, &str)> for CallBody {
    fn from((one, two, three): (&str, &str, &str)) -> Self {
        Self(Body::ThreeTexts(one.to_owned(), two.to_owned(), three.to_owned()))
    }
}

impl From<(&str, u32)> for CallBody {
    fn from((id, minutes): (&str, u32)) -> Self {
        Self(Body::Minutes(id.to_owned(), minutes))
    }
}

/// The object and its client, and what passes between them.
pub(super) struct Peers {
    /// What the object shows.
    pub(super) view: watch::Sender<View>,
    pub(super) live: LiveView,
    agent: Connection,
    client: Connection,
    commands: mpsc::Receiver<Command>,
    last: Option<Order>,
    /// Where the device keeps its records.
    pub(super) state: TempDir,
    _diagnose: UnixListener,
    sayers: Arc<Sayers>,
    /// What was told before.
    pub(super) has_told: Snapshot,
}

impl Peers {
    /// Connects them; bus, kernel, polkit and logind say `said`.
    pub(super) async fn start(said: Said) -> Self {
        let sayers = Arc::new(Sayers { said, asked: Mutex::default() });
        let (view, shown) = watch::channel(View::default());
        let (orders, commands) = mpsc::channel(16);
        let live = LiveView::default();
        let state = tempfile::tempdir().expect("a directory");
        let health = HealthReader::new(&HealthSettings::default());
        // Who asks is taken in; nobody answers.
        let socket = state.path().join("diagnose.sock");
        let _diagnose = UnixListener::bind(&socket).expect("a socket");
        std::fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("ours");
        let diagnostics = DiagnosticsSettings { socket: Some(socket), ..DiagnosticsSettings::default() };
        let object = Object {
            records: Some(Arc::new(store_with_a_record(state.path()).await)),
            reports: Arc::default(),
            commands: orders,
            view: shown,
            live: live.clone(),
            authority: Authority::of(Some(SUPPORT), sayers.clone()),
            language: Some(Language::German),
            diagnoses: Diagnoses::new(&diagnostics, health.clone()),
            health,
            probes: vec!["lidars".to_owned()],
            network: Arc::new(AsyncMutex::new(NetworkCheck::new(dialer_to_nobody()))),
        };
        let (one, other) = UnixStream::pair().expect("a socket pair");
        let agent = object.serve(Builder::unix_stream(one).server(Guid::generate()).p2p()).build();
        let client = Builder::unix_stream(other).p2p().build();
        let (agent, client) = tokio::try_join!(agent, client).expect("two peers");
        let (last, has_told) = (None, Snapshot::default());
        Self { view, live, agent, client, commands, last, state, _diagnose, sayers, has_told }
    }

    /// Makes a call; an order that comes of it has `outcome`. The name of the error otherwise.
    pub(super) async fn call(&mut self, call: &Call, outcome: Result<(), Refusal>) -> Result<(), String> {
        let mut calling = std::pin::pin!(send(&self.client, call));
        let mut outcome = Some(outcome);
        loop {
            tokio::select! {
                done = &mut calling => return done.map(drop),
                Some(command) = self.commands.recv() => {
                    self.last = Some(command.order);
                    let reply = command.reply.expect("the caller waits");
                    let _ = reply.send(outcome.take().expect("one order"));
                }
            }
        }
    }

    /// Makes a call that expects no answer.
    pub(super) async fn call_without_reply(&self, call: &Call) {
        let message = Message::method_call(PATH, call.method);
        let message = message.interface(call.interface);
        let message = message.with_flags(Flags::NO_REPLY_EXPECTED);
        let message = match &call.body {
            Body::Empty => message.build(&()),
            Body::Text(text) => message.build(text),
            Body::Texts(one, other) => message.build(&(one, other)),
            Body::ThreeTexts(one, two, three) => message.build(&(one, two, three)),
            Body::Minutes(id, minutes) => message.build(&(id, minutes)),
        };
        self.client.send(&message.expect("a message")).await.expect("sent");
    }

    /// What a call that succeeds answers.
    pub(super) async fn body_of<T: DeserializeOwned + Type>(&self, call: &Call) -> T {
        let reply = send(&self.client, call).await.expect("an answer");
        reply.body().deserialize().expect("of this shape")
    }

    /// What is in the file whose descriptor a call answers with.
    pub(super) async fn file_of(&self, call: &Call) -> File {
        let reply = send(&self.client, call).await.expect("an answer");
        let file: zbus::OwnedFd = reply.body().deserialize().expect("a descriptor");
        std::os::fd::OwnedFd::from(file).into()
    }

    /// A property of the object.
    pub(super) async fn property(&self, interface: &str, name: &str) -> String {
        let named = (interface, name);
        let reply = self.client.call_method(None::<&str>, PATH, Some(PROPERTIES), "Get", &named);
        let value: zbus::OwnedVariant =
            reply.await.expect("an answer").body().deserialize().expect("a value");
        value.try_into().expect("text")
    }

    /// The order that arrived since this was asked last.
    pub(super) fn last_order(&mut self) -> Option<Order> {
        let waiting = self.commands.try_recv().ok().map(|command| command.order);
        self.last.take().or(waiting)
    }

    /// What polkit was asked since this was asked last.
    pub(super) fn asked(&self) -> Vec<Action> {
        std::mem::take(&mut self.sayers.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The description of the object that it gives itself.
    pub(super) async fn description(&self) -> String {
        let interface = Some("org.freedesktop.DBus.Introspectable");
        let reply = self.client.call_method(None::<&str>, PATH, interface, "Introspect", &()).await;
        reply.expect("an answer").body().deserialize().expect("text")
    }

    /// Every property, as read, and the names.
    pub(super) async fn read_all(&self) -> (Snapshot, Vec<String>) {
        let (mut snapshot, mut names) = (Snapshot::default(), Vec::new());
        for interface in Snapshot::INTERFACES {
            let reply = self.client.call_method(None::<&str>, PATH, Some(PROPERTIES), "GetAll", &interface);
            let values: Values = reply.await.expect("an answer").body().deserialize().expect("properties");
            names.extend(values.keys().map(|name| format!("{interface}.{name}")));
            snapshot.update(interface, values);
        }
        names.sort();
        (snapshot, names)
    }

    /// What is told of the way from what was told before to `now`, and the names in their order.
    pub(super) async fn told_change(&mut self, now: &Snapshot) -> (Snapshot, Vec<String>) {
        let mut signals = MessageStream::from(&self.client);
        let mut told = self.has_told.clone();
        tell_change(&self.emitter(), &mut told, now.clone()).await.expect("told");
        assert_eq!(told, *now);
        let (mut snapshot, mut names) = (self.has_told.clone(), Vec::new());
        while snapshot.access.revision != now.access.revision {
            let (member, (interface, values, gone)) =
                next_signal::<(String, Values, Vec<String>)>(&mut signals).await;
            assert!(member == "PropertiesChanged" && interface.starts_with(NAME) && gone.is_empty());
            let mut of_interface: Vec<_> = values.keys().map(|name| format!("{interface}.{name}")).collect();
            of_interface.sort();
            names.extend(of_interface);
            snapshot.update(&interface, values);
        }
        self.has_told = told;
        (snapshot, names)
    }

    /// The signal that is made of a notification: its name and its arguments.
    pub(super) async fn told<T: DeserializeOwned + Type>(&self, notification: Notification) -> (String, T) {
        let mut signals = MessageStream::from(&self.client);
        tell(&self.emitter(), notification).await.expect("told");
        next_signal(&mut signals).await
    }

    fn emitter(&self) -> SignalEmitter<'_> {
        SignalEmitter::new(&self.agent, PATH).expect("a path")
    }
}

async fn send(client: &Connection, call: &Call) -> Result<Message, String> {
    let (to, interface) = (None::<&str>, Some(call.interface));
    let sent = async {
        match &call.body {
            Body::Empty => client.call_method(to, PATH, interface, call.method, &()).await,
            Body::Text(text) => client.call_method(to, PATH, interface, call.method, text).await,
            Body::Texts(one, other) => {
                client.call_method(to, PATH, interface, call.method, &(one, other)).await
            }
            Body::ThreeTexts(one, two, three) => {
                client.call_method(to, PATH, interface, call.method, &(one, two, three)).await
            }
            Body::Minutes(id, minutes) => {
                client.call_method(to, PATH, interface, call.method, &(id, minutes)).await
            }
        }
    };
    match timeout(PATIENCE, sent).await.expect("an answer in time") {
        Ok(reply) => Ok(reply),
        Err(zbus::Error::MethodError(name, ..)) => Err(name.to_string()),
        Err(error) => panic!("{}: {error}", call.method),
    }
}

async fn next_signal<T: DeserializeOwned + Type>(signals: &mut MessageStream) -> (String, T) {
    let next = async {
        loop {
            let message = signals.next().await.expect("connected").expect("a message");
            if message.message_type() == MessageType::Signal {
                let member = message.header().member().expect("a name").to_string();
                return (member, message.body().deserialize().expect("of this shape"));
            }
        }
    };
    timeout(PATIENCE, next).await.expect("a signal in time")
}

/// The records of a device, one of them of the session [`RECORDED`], which is over.
async fn store_with_a_record(state: &Path) -> RecordStore {
    let settings = RecordSettings::default();
    let store = RecordStore::open(state, "0123456789abcdef", settings).expect("a store");
    let terms = Terms {
        language: None,
        minutes: 60,
        never: Vec::new(),
        asks: Vec::new(),
        reaches: Vec::new(),
        retention_days: 90,
    };
    let recording = store.begin(RECORDED.parse().expect("an ID"), terms).expect("a recording");
    recording.close().head().await.expect("closed");
    store
}

/// Nothing listens at its address, and it trusts only a certificate that no server has.
fn dialer_to_nobody() -> Dialer {
    let nobody = rcgen::generate_simple_self_signed(["nobody".to_owned()]).expect("a certificate");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, nobody.cert.pem()).expect("writable");
    let tls = fieldlink_transport::client_config(Some(&file)).expect("roots");
    // A port of no service's; connecting is refused at once.
    Dialer::new("wss://127.0.0.1:1".parse().expect("an address"), tls)
}
