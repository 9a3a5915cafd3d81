//! Hears NetworkManager's signals by itself, and when they came.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use futures_util::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream, OwnedVariant};

use super::Bus;
use crate::PATIENCE;

const NAME: &str = "org.freedesktop.NetworkManager";
const ROOT: &str = "/org/freedesktop/NetworkManager";

/// Something that was heard.
#[derive(Debug)]
enum Heard {
    /// A property of NetworkManager's own object is now that number.
    Property(String, u32),
    /// The name has an owner.
    Appeared,
}

/// An own connection to the bus. Stops when it is dropped.
pub struct Listener {
    heard: Receiver<(Instant, Heard)>,
    cancel: Option<DropGuard>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens from now on.
    pub fn start(bus: &Bus) -> Self {
        Self::to_name(bus, NAME)
    }

    /// Listens from now on, and knows when `name` comes.
    pub fn to_name(bus: &Bus, name: &'static str) -> Self {
        let (sender, heard) = channel();
        let (ready, is_ready) = channel();
        let (cancel, address) = (CancellationToken::new(), bus.address());
        let stopped = cancel.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let listening = stopped.run_until_cancelled(listen(address, name, sender, ready));
            runtime.expect("a runtime").block_on(listening);
        });
        is_ready.recv_timeout(PATIENCE).expect("it listens");
        Self { heard, cancel: Some(cancel.drop_guard()), thread: Some(thread) }
    }

    /// Waits until a property of NetworkManager becomes `number`, and says when the signal came.
    pub fn wait_for(&self, property: &str, number: u32) -> Instant {
        self.wait(
            &format!("{property} {number}"),
            |heard| matches!(heard, Heard::Property(name, value) if name == property && *value == number),
        )
    }

    /// Waits until the name is on the bus.
    pub fn wait_for_name(&self) -> Instant {
        self.wait("its name", |heard| matches!(heard, Heard::Appeared))
    }

    /// Forgets what was heard so far.
    pub fn forget(&self) {
        while self.heard.try_recv().is_ok() {}
    }

    fn wait(&self, what: &str, wanted: impl Fn(&Heard) -> bool) -> Instant {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, heard) =
                self.heard.recv_timeout(left).unwrap_or_else(|_| panic!("nobody ever said {what}"));
            if wanted(&heard) {
                return at;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.cancel = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn listen(address: String, name: &str, heard: Sender<(Instant, Heard)>, ready: Sender<()>) {
    let connection = Builder::address(address.as_str()).build().await.expect("a bus");
    let properties = MatchRule::builder()
        .msg_type(Type::Signal)
        .path(ROOT)
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .build()
        .expect("a rule");
    let owners = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .arg(0, name)
        .build()
        .expect("a rule");
    let mut properties = MessageStream::for_match_rule(properties, &connection, None).await.expect("heard");
    let mut owners = MessageStream::for_match_rule(owners, &connection, None).await.expect("heard");
    ready.send(()).expect("awaited");
    loop {
        let heard_now: Vec<Heard> = tokio::select! {
            Some(Ok(message)) = properties.next() => {
                let body = message.body();
                let changed: (String, HashMap<String, OwnedVariant>, Vec<String>) =
                    body.deserialize().expect("as specified");
                let number = |(name, value): (String, OwnedVariant)| {
                    Some(Heard::Property(name, u32::try_from(value).ok()?))
                };
                changed.1.into_iter().filter_map(number).collect()
            }
            Some(Ok(message)) = owners.next() => {
                let (_, _, new): (String, String, String) = message.body().deserialize().expect("as specified");
                if new.is_empty() { Vec::new() } else { vec![Heard::Appeared] }
            }
            else => return,
        };
        let now = Instant::now();
        for heard_one in heard_now {
            if heard.send((now, heard_one)).is_err() {
                return;
            }
        }
    }
}
