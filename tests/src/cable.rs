//! A cable between a program and its relay, which can be cut, or fall silent.

use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt::Linger};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Relay;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Condition {
    /// How often everything that was connected was reset.
    cuts: u32,
    /// New connections are reset.
    is_cut: bool,
    /// Bytes vanish, and neither end gets an error …
    is_silent: bool,
    /// … and what was connected when that began never works again.
    silences: u32,
}

/// A TCP forwarder on loopback.
pub struct Cable {
    address: String,
    condition: watch::Sender<Condition>,
    _runtime: tokio::runtime::Runtime,
}

impl Cable {
    /// Leads to `relay`.
    pub fn to(relay: &Relay) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (condition, watcher) = watch::channel(Condition::default());
        let far: Arc<str> = relay.address().into();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, far.clone(), watcher.clone()));
            }
        });
        Self { address, condition, _runtime: runtime }
    }

    /// `wss://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("wss://{}", self.address)
    }

    /// Resets every connection. New ones are reset too, until it is [mended](Self::mend).
    pub fn cut(&self) {
        self.condition.send_modify(|condition| {
            condition.cuts += 1;
            condition.is_cut = true;
        });
    }

    /// Lets everything vanish without an error, until it is [mended](Self::mend).
    pub fn silence(&self) {
        self.condition.send_modify(|condition| {
            condition.silences += 1;
            condition.is_silent = true;
        });
    }

    /// New connections work again.
    pub fn mend(&self) {
        self.condition.send_modify(|condition| {
            condition.is_cut = false;
            condition.is_silent = false;
        });
    }
}

async fn carry(mut near: TcpStream, far: Arc<str>, mut condition: watch::Receiver<Condition>) {
    let began = *condition.borrow_and_update();
    if began.is_cut {
        return reset(near);
    }
    let Ok(mut far) = TcpStream::connect(&*far).await else { return reset(near) };
    // What is written passes at once, as on a real cable.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let mut is_silent = began.is_silent;
    loop {
        let changed = tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far), if !is_silent => return,
            changed = condition.changed() => changed,
        };
        let now = *condition.borrow_and_update();
        // A cut that is mended at once is a cut all the same.
        if changed.is_err() || now.cuts > began.cuts {
            reset(far);
            return reset(near);
        }
        is_silent |= now.silences > began.silences;
    }
}

/// Closing with a linger of zero sends a reset instead of a FIN.
fn reset(stream: TcpStream) {
    let _ = setsockopt(&stream, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 });
}
