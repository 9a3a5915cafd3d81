//! Who asks for what: credentials and tickets.

use std::net::SocketAddr;

use fieldlink_protocol::credential::{self, EngineerIdentity};
use fieldlink_protocol::pipe::Hello;
use fieldlink_protocol::ticket::{ObserverTicket, PipeTicket, Signed, TicketError};
use fieldlink_protocol::{endpoint, feature};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::header;

use super::HandshakeContext;
use crate::directory::{AttachRefusal, AttachmentId};
use crate::endpoint::measure;
use crate::endpoint::observer::Observer;
use crate::http::{Head, Refusal};
use crate::permits::Permit;

/// With this header a server in front of the relay says that a request came early (RFC 8470, section 5.1).
pub(super) const EARLY_DATA: &str = "early-data";

/// What kind of peer a request turned out to be from.
pub(super) enum Peer {
    /// Somebody who watches, with the ticket that lets them.
    Observer(Observer),
    /// With the session ticket that its place is for, if it has a session's.
    Agent(Option<String>),
    Engineer(EngineerIdentity),
    Pipe(PipeVisit),
    /// A connection in reserve.
    Spare(PipeTicket),
    Measurement(measure::Turn),
}

/// A side of a pipe that comes to attach.
pub(super) struct PipeVisit {
    pub(super) ticket: PipeTicket,
    /// What it said already.
    pub(super) hello: Option<Message>,
    /// Whose HELLO it was told already.
    pub(super) heard: Option<AttachmentId>,
}

impl HandshakeContext {
    /// Credentials and tickets are looked at before anything else is said.
    pub(super) async fn identify(&self, head: &Head, peer: SocketAddr) -> Result<(Peer, Permit), Refusal> {
        // A server in front of us took it before its own handshake was over.
        if head.has(EARLY_DATA) {
            return Err(Refusal::TOO_EARLY);
        }
        let stranger = || self.permits.stranger(peer.ip()).ok_or(Refusal::FULL);
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
                let permit = self.permits.session(identity.id).ok_or(Refusal::FULL)?;
                (Peer::Engineer(identity), permit)
            }
            endpoint::PIPE if head.has(endpoint::ATTACH_HEADER) => {
                let (ticket, permit) = self.identify_spare(head).await?;
                (Peer::Spare(ticket), permit)
            }
            endpoint::PIPE => {
                let (visit, permit) = self.identify_pipe(head).await?;
                (Peer::Pipe(visit), permit)
            }
            endpoint::OBSERVER => {
                let ticket = self.check_observer(head)?;
                // A ticket is easily passed on: its holder takes no place of the engineer's before there is a pipe.
                let takes_anchors = lists(head, feature::ANCHORS);
                (Peer::Observer(Observer { ticket, takes_anchors, address: peer.ip() }), stranger()?)
            }
            path if path.strip_prefix(endpoint::OBSERVER).is_some_and(|rest| rest.starts_with('/')) => {
                return Err(Refusal::LINK);
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

    /// The side of a pipe that a request is from, without a place for it.
    pub(super) async fn identify_side(&self, head: &Head) -> Result<PipeVisit, Refusal> {
        let ticket = self.check_ticket(head).await?;
        Ok(PipeVisit { ticket, hello: hello(head)?, heard: None })
    }

    async fn identify_pipe(&self, head: &Head) -> Result<(PipeVisit, Permit), Refusal> {
        let visit = self.identify_side(head).await?;
        let permit = self.permits.session(visit.ticket.subject).ok_or(Refusal::FULL)?;
        Ok((visit, permit))
    }

    async fn identify_spare(&self, head: &Head) -> Result<(PipeTicket, Permit), Refusal> {
        let (visit, permit) = self.identify_pipe(head).await?;
        // It says its HELLO when it is used.
        if head.header(endpoint::ATTACH_HEADER) != Some(endpoint::SPARE) || visit.hello.is_some() {
            return Err(Refusal::ATTACH);
        }
        self.switchboard.may_keep_spare(&visit.ticket).map_err(|_| Refusal::ATTACH)?;
        Ok((visit.ticket, permit))
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

    /// Whether somebody may watch. Whether the session still runs, and whose it is now, is found out when they are
    /// answered.
    fn check_observer(&self, head: &Head) -> Result<ObserverTicket, Refusal> {
        let token = head
            .header(endpoint::TICKET_HEADER)
            .ok_or_else(|| Refusal::ticket("ticket-missing", "there is none"))?;
        let (token, now) = (Signed::from_text(token), self.switchboard.unix());
        self.switchboard.tickets().verify_observer(&token, now).map_err(ticket_refusal)
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
            Err(AttachRefusal::NoSpare) => Err(Refusal::ATTACH),
            Err(AttachRefusal::SessionOver) => {
                let end = store.session_end(ticket.session).await.ok().flatten();
                Err(Refusal::session_over(end))
            }
        }
    }
}

/// Whether the request lists a feature.
fn lists(head: &Head, feature: &str) -> bool {
    let listed = head.header(endpoint::FEATURES_HEADER).unwrap_or_default();
    listed.split(',').any(|name| name.trim() == feature)
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
pub(super) fn acceptable(head: &Head) -> Result<(), Refusal> {
    head.acceptance()?;
    if head.offers_our_version() { Ok(()) } else { Err(Refusal::VERSION) }
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
