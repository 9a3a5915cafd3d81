//! From a TCP connection to one of the four endpoints, or to a refusal.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use fieldlink_protocol::credential::{self, EngineerIdentity};
use fieldlink_protocol::endpoint;
use fieldlink_protocol::pipe::Hello;
use fieldlink_protocol::ticket::{PipeTicket, Signed, TicketError};
use futures_util::future::BoxFuture;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::header;
use tokio_util::sync::CancellationToken;

use crate::arrivals::{Arrival, Arrivals};
use crate::coalesced::Coalesced;
use crate::config::Limits;
use crate::directory::AttachRefusal;
use crate::endpoint::measure::Measuring;
use crate::endpoint::{agent, engineer, measure, pipe};
use crate::http::{self, Head, Refusal};
use crate::permits::{Permit, Permits};
use crate::socket::{self, Metered, PipeSocket, Purpose, Tls};
use crate::switchboard::Switchboard;

/// Seconds of silence after which the kernel asks a peer whether it is there: later than peers ping.
const KEEP_ALIVE: u32 = 30;

/// A connection's life after its handshake: small, while the handshake's memory is given back.
pub(crate) type Lifecycle = BoxFuture<'static, ()>;

/// What every connection needs.
pub(crate) struct HandshakeContext {
    /// The relay's side of TLS, with its certificate.
    pub tls: TlsAcceptor,
    /// The operator's bounds on peers.
    pub limits: Limits,
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

/// What kind of peer a request turned out to be from.
enum Peer {
    /// With the session ticket that its place is for, if it has a session's.
    Agent(Option<String>),
    Engineer(EngineerIdentity),
    /// With what it said already.
    Pipe(PipeTicket, Option<Message>),
    Measurement(measure::Turn),
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
        let mut tls = self.tls.accept(Metered::new(tcp)).await?;
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

    /// Credentials and tickets are looked at before anything else is said.
    async fn identify(&self, head: &Head, peer: SocketAddr) -> Result<(Peer, Permit), Refusal> {
        let stranger = || self.permits.stranger(peer.ip()).ok_or(Refusal::FULL);
        let session = |engineer| self.permits.session(engineer).ok_or(Refusal::FULL);
        let found = match head.request.uri().path() {
            endpoint::AGENT => {
                let (ticket, permit) = match self.returning_agent(head) {
                    Some((ticket, permit)) => (Some(ticket), permit),
                    None => (None, stranger()?),
                };
                (Peer::Agent(ticket), permit)
            }
            endpoint::ENGINEER => {
                let identity = self.authenticate(head).await?;
                let permit = session(identity.id)?;
                (Peer::Engineer(identity), permit)
            }
            endpoint::PIPE => {
                let ticket = self.check_ticket(head).await?;
                let hello = hello(head)?;
                let permit = session(ticket.subject)?;
                (Peer::Pipe(ticket, hello), permit)
            }
            endpoint::MEASURE => {
                // Only what would go through counts.
                acceptable(head)?;
                let permit = stranger()?;
                (Peer::Measurement(self.measuring.request(peer.ip())?), permit)
            }
            _ => return Err(Refusal::NOT_FOUND),
        };
        acceptable(head).map(|()| found)
    }

    /// The ticket of an agent that comes back to a session which goes on, and a place of that session for it.
    /// Without either it is a stranger.
    fn returning_agent(&self, head: &Head) -> Option<(String, Permit)> {
        let token = head.header(endpoint::TICKET_HEADER)?;
        let ticket = self.switchboard.returning_agent(token)?;
        Some((token.to_owned(), self.permits.agent(ticket.subject, ticket.session)?))
    }

    async fn authenticate(&self, head: &Head) -> Result<EngineerIdentity, Refusal> {
        let value = head.header(header::AUTHORIZATION.as_str()).unwrap_or_default();
        let bearer = value.strip_prefix("Bearer ").and_then(credential::parse_bearer);
        let (id, secret_hash) = bearer.ok_or(Refusal::CREDENTIAL)?;
        let store = self.switchboard.store();
        let known = |_: ()| store.roster().borrow().authenticate(id, &secret_hash);
        if let Some(engineer) = known(()) {
            return Ok(engineer);
        }
        // The engineer may have been added this moment. Unknown IDs and wrong secrets take the same way.
        self.roster_looks.run(async { drop(store.refresh_roster().await) }).await;
        known(()).ok_or(Refusal::CREDENTIAL)
    }

    async fn check_ticket(&self, head: &Head) -> Result<PipeTicket, Refusal> {
        let token = head
            .header(endpoint::TICKET_HEADER)
            .ok_or_else(|| Refusal::ticket("ticket-missing", "there is none"))?;
        let (token, now) = (Signed::from_text(token), self.switchboard.unix());
        let ticket = self.switchboard.tickets().verify_pipe(&token, now).map_err(ticket_refusal)?;
        let store = self.switchboard.store();
        if !store.roster().borrow().contains(ticket.subject) {
            return Err(Refusal::ticket("revoked", "the engineer's access was withdrawn"));
        }
        match self.switchboard.may_attach(&ticket) {
            Ok(()) => Ok(ticket),
            Err(AttachRefusal::Pending) => Err(Refusal::PENDING),
            Err(AttachRefusal::UnknownSide) => {
                Err(Refusal::ticket("side-unknown", "it is for a side that this relay does not know"))
            }
            Err(AttachRefusal::TicketUsed) => Err(Refusal::ticket("ticket-used", "it was used")),
            Err(AttachRefusal::SessionOver) => {
                let end = store.session_end(ticket.session).await.ok().flatten();
                Err(Refusal::session_over(end))
            }
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
            Peer::Pipe(..) => Purpose::Pipe,
            Peer::Measurement(_) => Purpose::Measurement,
            Peer::Agent(_) | Peer::Engineer(_) => Purpose::Control,
        };
        let web_socket = socket::upgrade(tls, tail, purpose).await;
        match visitor {
            Peer::Agent(ticket) => {
                let line = switchboard.connect_agent(peer.ip());
                let place = agent::Place { ticket, permit };
                Box::pin(agent::serve(web_socket, line, switchboard.clone(), limits.clone(), place))
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
            Peer::Pipe(ticket, hello) => {
                let socket = PipeSocket { web_socket, hello, permit };
                Box::pin(pipe::serve(socket, ticket, switchboard.clone(), limits.clone()))
            }
        }
    }

    async fn refuse(&self, mut tls: Tls, refusal: &Refusal) -> io::Result<Option<Lifecycle>> {
        tracing::debug!(code = refusal.code(), "refused");
        http::refuse(&mut tls, refusal).await?;
        Ok(None)
    }
}

/// The HELLO that a side says with its attachment: it is passed on as its first message. Whether it is the pipe's own is
/// for the partner to judge.
fn hello(head: &Head) -> Result<Option<Message>, Refusal> {
    if !head.has(endpoint::HELLO_HEADER) {
        return Ok(None);
    }
    let hello = head.header(endpoint::HELLO_HEADER).and_then(Hello::of_header);
    hello.map(|hello| Some(Message::Binary(hello))).ok_or(Refusal::HELLO)
}

/// Whether a request asks for a WebSocket of our version.
fn acceptable(head: &Head) -> Result<(), Refusal> {
    head.acceptance()?;
    if head.offers_our_version() { Ok(()) } else { Err(Refusal::VERSION) }
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

fn ticket_refusal(error: TicketError) -> Refusal {
    let code = match error {
        TicketError::Malformed => "ticket-malformed",
        TicketError::UnknownKey => "ticket-unknown",
        TicketError::Forged => "ticket-forged",
        TicketError::Early => "ticket-early",
        TicketError::Expired => "ticket-expired",
    };
    Refusal::ticket(code, &error.to_string())
}
