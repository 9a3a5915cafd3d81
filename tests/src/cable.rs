//! A cable between a program and its relay, which can be cut, or fall silent.

use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt::Linger};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Relay;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// They pass.
    Whole,
    /// They vanish, and nobody is told. What was connected then never works again.
    Silent,
    /// Connections are reset.
    Cut,
}

/// The condition, and how often it was [`Condition::Cut`]: who looks too late must still see a cut.
#[derive(Debug, Clone, Copy)]
struct State {
    condition: Condition,
    cuts: u64,
}

impl State {
    /// Whether what was connected after `cuts` cuts is to be reset.
    fn resets(self, cuts: u64) -> bool {
        self.condition == Condition::Cut || self.cuts != cuts
    }
}

/// A TCP forwarder on loopback.
pub struct Cable {
    address: String,
    state: watch::Sender<State>,
    _runtime: tokio::runtime::Runtime,
}

impl Cable {
    /// Leads to `relay`.
    pub fn to(relay: &Relay) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (state, watcher) = watch::channel(State { condition: Condition::Whole, cuts: 0 });
        let far: Arc<str> = relay.address().into();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, far.clone(), watcher.clone()));
            }
        });
        Self { address, state, _runtime: runtime }
    }

    /// `wss://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("wss://{}", self.address)
    }

    /// Resets every connection. New ones are reset too, until it is [mended](Self::mend).
    pub fn cut(&self) {
        self.state.send_modify(|state| (state.condition, state.cuts) = (Condition::Cut, state.cuts + 1));
    }

    /// Lets everything vanish without a word, until it is [mended](Self::mend).
    pub fn silence(&self) {
        self.state.send_modify(|state| state.condition = Condition::Silent);
    }

    /// New connections work again.
    pub fn mend(&self) {
        self.state.send_modify(|state| state.condition = Condition::Whole);
    }
}

async fn carry(mut near: TcpStream, far: Arc<str>, mut state: watch::Receiver<State>) {
    let State { condition, cuts } = *state.borrow_and_update();
    if condition == Condition::Whole {
        let Ok(mut far) = TcpStream::connect(&*far).await else { return reset(near) };
        // What is written passes at once, as on a real cable.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            changed = state.changed() => if changed.is_err() { return },
        }
        if state.borrow_and_update().resets(cuts) {
            reset(far);
        } else {
            // The far end is not told either.
            std::mem::forget(far);
        }
    }
    if state.wait_for(|state| state.resets(cuts)).await.is_ok() {
        reset(near);
    }
}

/// Closing with a linger of zero sends a reset instead of a farewell.
fn reset(stream: TcpStream) {
    let _ = setsockopt(&stream, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 });
}
