//! Dials the relay, and turns what can go wrong into errors that a caller can tell apart.
//!
//! [`race`] decides which address is tried when, and with what kind of ClientHello; [`learnt`] is what earlier
//! diallings have found out about this network. Both are pure. [`conductor`] has the sockets.
//!
//! # How the parts fit
//!
//! Dialling (`transport/dial/`). `race.rs` decides which address is tried when, with which kind of ClientHello, and
//! which connection is sent the request; `learnt.rs` is what is remembered of the network, until
//! `Dialer::network_changed` or some time without use. Both are pure; `race/simulation.rs` has thousands of names
//! on broken networks (`FIELDLINK_SEED=n` replays one). `conductor.rs` has the sockets. `Dialer::probe` reports the
//! steps with their times (resolve, TCP, proxy, TLS, upgrade), everything else only takes the result. Only one
//! connection at a time is sent the request: a ticket may be good once. On the way that worked the last time the request
//! of a pipe that comes back goes ahead, in TLS's first flight (`ahead.rs`); the same way is tried without, if that does
//! not pass. `tls/` checks certificates with the
//! library's verifier, and explains what that refuses: `certificate.rs` says whose fault it seems to be.
//! `transport/proxy/` has the `CONNECT` tunnel: `reply.rs` is a pure parser, `section.rs` decides between
//! configuration, environment and none, once per relay.

mod ahead;
mod answer;
mod conductor;
mod destination;
mod error;
mod learnt;
mod line;
mod lookup;
mod race;
mod route;
mod steps;
mod upgrade;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;

pub use answer::Answer;
pub use destination::Destination;
pub use error::{CertificateDates, DialError};
pub use steps::{DialStep, StepReport};

use self::ahead::Ahead;
use self::conductor::{Conductor, Outcome, Request};
use self::learnt::Learnt;
use self::line::Line;
use self::lookup::Lookups;
use super::RelayAddress;
use super::interfaces::Interfaces;
use super::proxy::Proxy;
use super::tls::TlsClient;
use crate::purpose::Purpose;

/// What a relay says of a request that it would take after the handshake only.
const TOO_EARLY: &str = "too-early";

/// A WebSocket to the relay.
pub type WebSocket = WebSocketStream<Ahead<TlsStream<TcpStream>>>;

/// How a relay is dialled: address, proxy and trust. Clones share what was learnt about the network, and the
/// counter of [`Dialer::changes`].
#[derive(Clone)]
pub struct Dialer {
    line: Arc<Line>,
    learnt: Arc<Mutex<Learnt>>,
    /// What [`Learnt`] counts its time from.
    born: Instant,
    changes: Arc<watch::Sender<u64>>,
    interfaces: Arc<watch::Sender<Interfaces>>,
}

impl Dialer {
    /// A dialer for `relay`, trusting what `tls` trusts.
    pub fn new(relay: RelayAddress, tls: TlsClient) -> Self {
        let line = Line { relay, proxy: None, tls, lookups: Lookups::default(), interface: None };
        Self {
            line: Arc::new(line),
            learnt: Arc::default(),
            born: Instant::now(),
            changes: Arc::new(watch::Sender::new(0)),
            interfaces: Arc::default(),
        }
    }

    /// The same, through `proxy` if there is one. The proxy looks up the relay's name.
    pub fn through(self, proxy: Option<Proxy>) -> Self {
        let line = Line { proxy, ..self.line.anew() };
        Self { line: Arc::new(line), ..Self::new(self.line.relay.clone(), self.line.tls.clone()) }
    }

    /// The same over one interface, whatever the routes say. It begins with what this one has learnt of the relay, and
    /// keeps what it learns to itself.
    pub(super) fn over(&self, interface: &Arc<str>) -> Self {
        let line = Line { interface: Some(interface.clone()), ..self.line.anew() };
        let learnt = Arc::new(Mutex::new(self.learnt().clone()));
        Self { line: Arc::new(line), learnt, ..self.clone() }
    }

    /// The proxy that is used.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.line.proxy.as_ref()
    }

    /// The relay's address.
    pub fn relay(&self) -> &RelayAddress {
        &self.line.relay
    }

    /// Tells every holder of a connection that the network has changed, so that a new connection may
    /// take a better way than the one it has. What was learnt about the network before is forgotten.
    pub fn network_changed(&self) {
        self.forget_network();
        self.changes.send_modify(|count| *count += 1);
    }

    /// Forgets what was learnt about the network, which may be another one.
    pub(super) fn forget_network(&self) {
        self.learnt().forget();
        self.line.lookups.forget();
    }

    /// Tells every holder of a connection which interfaces there are.
    pub fn set_interfaces(&self, interfaces: Interfaces) {
        self.interfaces.send_if_modified(|known| {
            let is_new = *known != interfaces;
            *known = interfaces;
            is_new
        });
    }

    /// The interfaces that are known.
    pub(super) fn interfaces(&self) -> watch::Receiver<Interfaces> {
        self.interfaces.subscribe()
    }

    /// How often the network has changed. A holder of a connection dials anew when this changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Dials `path` without further headers, and reports every step, also the one that failed. It takes
    /// no longer than any other dialling.
    pub async fn probe(&self, path: &str) -> (Vec<StepReport>, Result<WebSocket, DialError>) {
        let Outcome { reports, reached, .. } = self.race((path, &[]), Purpose::Control).await;
        (reports, reached)
    }

    /// Connects to `path` with further headers.
    pub(super) async fn dial(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<WebSocket, DialError> {
        self.race((path, headers), purpose).await.reached
    }

    async fn race(&self, request: Request<'_>, purpose: Purpose) -> Outcome {
        let plan = self.learnt().plan(self.born.elapsed());
        let (way, outcome) = Conductor::new(&self.line, plan, request, purpose).run().await;
        let is_too_early =
            matches!(&outcome.reached, Err(DialError::Refused { code, .. }) if code == TOO_EARLY);
        if let Some(way) = way {
            self.learnt().reached(&plan, way, self.born.elapsed());
        }
        if outcome.went_ahead && (way.is_none() || is_too_early) {
            self.learnt().lost_ahead(&plan);
        }
        outcome
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
