//! From a TCP connection to one of the five endpoints, or to a refusal.

mod early;
mod visitor;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::arrivals::{Arrival, Arrivals};
use crate::coalesced::Coalesced;
use crate::config::Limits;
use crate::control::{Control, Haste};
use crate::endpoint::measure::Measuring;
use crate::endpoint::{agent, engineer, measure, observer, pipe, spare};
use crate::http::{self, Refusal};
use crate::permits::{Permit, Permits};
use crate::socket::{self, Metered, PipeSocket, Purpose, Tls};
use crate::switchboard::Switchboard;
use crate::tls::{Opened, open};

use self::visitor::Peer;

/// Seconds of silence after which the kernel asks a peer whether it is there: later than peers ping.
const KEEP_ALIVE: u32 = 30;

/// A connection's life after its handshake: small, while the handshake's memory is given back.
pub(crate) type Lifecycle = BoxFuture<'static, ()>;

/// What every connection needs.
pub(crate) struct HandshakeContext {
    /// The relay's side of TLS, with its certificate.
    pub tls: Arc<ServerConfig>,
    /// The operator's bounds on peers.
    pub limits: Arc<Limits>,
    /// The handshakes under way.
    pub arrivals: Arc<Arrivals>,
    /// The places for connections after their handshake.
    pub permits: Permits,
    /// Looks at the roster because of credentials that are not on it.
    pub roster_looks: Coalesced,
    /// The turns for measurements.
    pub measuring: Measuring,
    /// What the endpoints work on: the directory, tickets and the store.
    pub switchboard: Arc<Switchboard>,
    /// Fires when handshakes are not worth finishing any more.
    pub stopping: CancellationToken,
}

impl HandshakeContext {
    /// Takes a connection through its handshake, in bounded time.
    pub(crate) async fn receive(self: Arc<Self>, tcp: TcpStream, peer: SocketAddr) -> Option<Lifecycle> {
        // Counted when its turn has come, so that it is not blamed for waiting in line here.
        let Some(arrival) = self.arrivals.enter(peer.ip(), Instant::now()) else {
            tracing::debug!("no room even for a handshake");
            return None;
        };
        let received = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return None,
            () = arrival.displaced() => {
                tracing::debug!("handshake made way for a newer one");
                return None;
            }
            received = timeout(self.limits.handshake, self.try_receive(tcp, peer, &arrival)) => received,
        };
        match received {
            Ok(Ok(life)) => life,
            Ok(Err(error)) => {
                tracing::debug!(%error, "handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("handshake took too long");
                None
            }
        }
    }

    async fn try_receive(
        &self,
        tcp: TcpStream,
        peer: SocketAddr,
        arrival: &Arrival,
    ) -> io::Result<Option<Lifecycle>> {
        tune(&tcp, &self.limits)?;
        tcp.readable().await?;
        arrival.speaks();
        match open(&self.tls, Metered::new(tcp)).await? {
            Opened::Secured(tls) => self.converse(tls, peer).await,
            Opened::Early(early) => self.converse_early(early, peer).await,
        }
    }

    async fn converse(&self, mut tls: Tls, peer: SocketAddr) -> io::Result<Option<Lifecycle>> {
        let head = match http::read_head(&mut tls).await? {
            Ok(head) => head,
            Err(refusal) => return self.refuse(tls, &refusal).await,
        };
        let identified = self.identify(&head, peer).await;
        match identified.and_then(|found| Ok((found, head.acceptance()?))) {
            Ok(((visitor, permit), acceptance)) => {
                tls.write_all(&acceptance).await?;
                tls.flush().await?;
                Ok(Some(self.admit(visitor, tls, head.tail, peer, permit).await))
            }
            Err(refusal) => self.refuse(tls, &refusal).await,
        }
    }

    async fn admit(
        &self,
        visitor: Peer,
        tls: Tls,
        tail: Vec<u8>,
        peer: SocketAddr,
        permit: Permit,
    ) -> Lifecycle {
        let (switchboard, limits) = (&self.switchboard, &self.limits);
        let purpose = match visitor {
            Peer::Pipe(_) | Peer::Spare(_) => Purpose::Pipe,
            Peer::Measurement(_) => Purpose::Measurement,
            Peer::Agent(_) | Peer::Engineer(_) | Peer::Observer(_) => Purpose::Control,
        };
        let web_socket = socket::upgrade(tls, tail, purpose).await;
        match visitor {
            Peer::Agent(ticket) => {
                let mailbox = switchboard.connect_agent(peer.ip());
                let control = Control::new(web_socket, mailbox, limits.clone(), false, Haste::Cut);
                Box::pin(agent::serve(control, switchboard.clone(), limits.handshake, (ticket, permit)))
            }
            Peer::Engineer(identity) => {
                let line = switchboard.connect_engineer(peer.ip(), identity.id);
                Box::pin(engineer::serve(
                    web_socket,
                    line,
                    identity,
                    switchboard.clone(),
                    limits.clone(),
                    permit,
                ))
            }
            Peer::Measurement(turn) => {
                Box::pin(measure::serve(web_socket, self.stopping.clone(), (turn, permit)))
            }
            Peer::Observer(observer) => {
                Box::pin(observer::serve(web_socket, observer, switchboard.clone(), limits.clone(), permit))
            }
            Peer::Spare(ticket) => {
                let socket = PipeSocket { web_socket, hello: None, heard: None, permit };
                Box::pin(spare::serve(socket, ticket, switchboard.clone(), limits.clone()))
            }
            Peer::Pipe(visit) => {
                let socket = PipeSocket { web_socket, hello: visit.hello, heard: visit.heard, permit };
                Box::pin(pipe::serve(socket, visit.ticket, switchboard.clone(), limits.clone()))
            }
        }
    }

    async fn refuse(&self, mut tls: Tls, refusal: &Refusal) -> io::Result<Option<Lifecycle>> {
        tracing::debug!(code = refusal.code(), "refused");
        http::refuse(&mut tls, refusal).await?;
        Ok(None)
    }
}

/// Small messages leave at once. A peer that acknowledges nothing is given up by the kernel, if the relay has not
/// noticed before; the kernel probes a silent one, because an old splice may have nothing to say.
fn tune(tcp: &TcpStream, limits: &Limits) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let patience = u32::try_from(3 * limits.write.as_millis()).unwrap_or(u32::MAX);
    setsockopt(tcp, sockopt::TcpUserTimeout, &patience)?;
    setsockopt(tcp, sockopt::KeepAlive, &true)?;
    setsockopt(tcp, sockopt::TcpKeepIdle, &KEEP_ALIVE)?;
    setsockopt(tcp, sockopt::TcpKeepInterval, &KEEP_ALIVE)?;
    Ok(())
}
