//! One connection of somebody who watches: a pipe from the relay, the proof of the link's key, the one message.

use std::time::Duration;

use bytes::Bytes;
use fieldlink_evidence::KeptAnchor;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::link::LinkKey;
use fieldlink_protocol::messages::observer::{FromAgent, FromObserver, Nothing, ToObserver};
use fieldlink_protocol::messages::{decode, encode_fit};
use fieldlink_protocol::pairing::{EngineerLogin, PairingContext, PairingMessage};
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::ticket::{ObserverTicket, Signed};
use fieldlink_protocol::{endpoint, feature, limits};
use fieldlink_transport::{
    Attached, AttachedError, ControlConnection, DialError, Dialer, PipeEnd, PipeLimits, PipeReader,
    PipeWriter,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::Watched;
use crate::anchors::AnchorBook;
use crate::exit::{Failure, Kind};
use crate::relay_session::LAST_ANCHOR;
use crate::reports::{Fetching, Got, Writing};
use crate::words::say;

type Connection = ControlConnection<Nothing, ToObserver>;

/// How long the end of a pipe is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// What it takes.
pub(super) struct Contact<'a> {
    pub dialer: &'a Dialer,
    pub bounds: PipeLimits,
    pub key: &'a LinkKey,
    /// Where what the relay signs of the session is kept.
    pub anchors: &'a AnchorBook,
    /// Who is told of what is not kept.
    pub sender: &'a mpsc::Sender<Watched>,
}

/// Why there is nothing to watch.
pub(super) enum NoContact {
    /// It is over, or this link is.
    Over(Reason),
    /// Something went wrong, which may pass or not.
    Failed(Failure, bool),
}

/// A pipe on which the scanner shows the session.
pub(super) struct Opened {
    opener: Opener,
    reader: PipeReader,
    /// Nothing more is said on it while the session lasts; dropping it would end our direction, which is the scanner's to end.
    writer: PipeWriter,
    sealer: Sealer,
    /// As the relay calls it.
    pub(super) session: SessionId,
    driving: AbortOnDropHandle<PipeEnd>,
    anchors: AbortOnDropHandle<()>,
    _stop: DropGuard,
}

impl Contact<'_> {
    /// Gets a pipe and proves that we have the link.
    pub(super) async fn open(
        &self,
        ticket: &Signed<ObserverTicket>,
        hello: FromObserver,
    ) -> Result<Opened, NoContact> {
        let (answer, connection) = self.ask(ticket).await?;
        let ToObserver::Opened { session, observer, run, pipe, pipe_ticket } = answer else {
            return Err(may_pass(Kind::NotAvailable, say!("scanner-not-connected")));
        };
        let keeping = keep_anchors(connection, self.anchors.clone(), self.sender.clone());
        let anchors = AbortOnDropHandle::new(tokio::spawn(keeping));
        let attached = timeout(limits::HANDSHAKE, Attached::attach(self.dialer, &pipe_ticket)).await;
        let mut attached = attached.map_err(|_| silent())?.map_err(of_dial)?;
        let context = PairingContext::of_observer(session, run, observer);
        let keys = timeout(limits::PAIRING, exchange(&mut attached, self.key, &context)).await;
        let keys = keys.map_err(|_| silent())??;
        let kind = PipeKind::Observer;
        let side = Side { role: Role::Engineer, pipe, kind, key: keys.pipe_key(pipe, kind) };
        let (reader, writer, driver) = attached.establish(side, self.bounds).await.map_err(of_pipe)?;
        let stop = CancellationToken::new();
        let cancel = stop.clone();
        let driving: JoinHandle<_> =
            tokio::spawn(async move { driver.run(cancel, || Reason::EngineerEnded.code().to_owned()).await });
        let (driving, stop) = (AbortOnDropHandle::new(driving), stop.drop_guard());
        let sealer = Sealer::new(&keys.engineer_to_agent, session, run, Role::Engineer);
        let opener = Opener::new(&keys.agent_to_engineer, session, run, Role::Agent);
        let mut opened = Opened { opener, reader, writer, sealer, session, driving, anchors, _stop: stop };
        opened.say(&hello).await.ok_or_else(silent)?;
        Ok(opened)
    }

    /// The relay's answer, and the connection on which it came: a relay that signs what goes on tells of it there.
    async fn ask(&self, ticket: &Signed<ObserverTicket>) -> Result<(ToObserver, Connection), NoContact> {
        let headers =
            [(endpoint::TICKET_HEADER, ticket.as_str()), (endpoint::FEATURES_HEADER, feature::ANCHORS)];
        let dialled = Connection::dial_with(self.dialer, endpoint::OBSERVER, &headers);
        let mut connection = dialled.await.map_err(of_dial)?;
        let answer = timeout(limits::HANDSHAKE, connection.next()).await;
        let answer = answer.map_err(|_| silent())?;
        let answer = answer.map_err(|error| may_pass(Kind::RelayUnreachable, error.to_string()))?;
        match answer {
            ToObserver::Ended { reason } => Err(NoContact::Over(reason)),
            answer => Ok((answer, connection)),
        }
    }
}

/// Keeps what the relay signs of the session until it closes the connection; one that does not sign does so at once. Why
/// something is not kept is told once.
async fn keep_anchors(mut connection: Connection, mut book: AnchorBook, sender: mpsc::Sender<Watched>) {
    let mut is_told = false;
    loop {
        match connection.next().await {
            Ok(ToObserver::Anchored { session, line, signature }) => {
                if let Err(why) = book.keep(session, &KeptAnchor { line, signature })
                    && !is_told
                {
                    // Whoever has no time for it is told the next time.
                    is_told = sender.try_send(Watched::NotAnchored(why.to_string())).is_ok();
                }
            }
            Ok(_) => {}
            Err(_) => return connection.close("read").await,
        }
    }
}

/// The OPAQUE run with which the pipe begins: the link's key is the password.
async fn exchange(
    attached: &mut Attached,
    key: &LinkKey,
    context: &PairingContext,
) -> Result<fieldlink_protocol::keys::SessionKeys, NoContact> {
    let foreign = || NoContact::Over(Reason::Incompatible);
    let (login, ke1) = EngineerLogin::start(&key.0).map_err(|_| foreign())?;
    attached.send(PairingMessage::Start { ke1, proof: Bytes::new() }.encode()).await.map_err(of_pipe)?;
    let answer = attached.receive().await.map_err(of_pipe)?;
    let Ok(PairingMessage::Response(response)) = PairingMessage::decode(&answer) else {
        return Err(foreign());
    };
    let refused = |_| NoContact::Failed(Failure::new(Kind::WrongPin, say!("link-not-accepted")), false);
    let (keys, ke3) = login.finish(&response, context).map_err(refused)?;
    attached.send(PairingMessage::Finish(ke3).encode()).await.map_err(of_pipe)?;
    Ok(keys)
}

impl Opened {
    /// The next message as it was sealed; none when the pipe is over. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.opener.open_next() {
                Ok(Some(message)) => return Some(message.to_vec()),
                Ok(None) => self.opener.receive(&self.reader.next().await?),
                // A message may be cut off where the scanner ended: why, it says when it closes.
                Err(_) => return None,
            }
        }
    }

    /// Says something; `None`: it is over.
    async fn say(&mut self, message: &FromObserver) -> Option<()> {
        let sealed = encode_fit(message).ok().and_then(|text| self.sealer.seal(text.as_bytes()).ok())?;
        let mut buffer = PipeWriter::buffer(sealed.len());
        buffer.extend_from_slice(&sealed);
        self.writer.send(buffer).await.ok()
    }

    /// Fetches an edition of the report, and keeps it; what there is of it then. Nothing, if there is no such edition. Of
    /// something more may come for as long as its `patience` lasts.
    pub(super) async fn fetch(
        &mut self,
        fetching: &mut Fetching,
        (mut writing, patience): (Writing, Duration),
    ) -> anyhow::Result<Option<Writing>> {
        while !writing.is_complete() {
            while let Some(wanted) = fetching.poll_transmit() {
                if self.say(&FromObserver::Fetch { wanted }).await.is_none() {
                    return Ok(Some(writing));
                }
            }
            let next = timeout(patience, self.next()).await.ok().flatten();
            let piece = match next.map(|message| decode::<FromAgent>(&message)) {
                Some(Ok(FromAgent::Report { piece })) => piece,
                Some(Ok(FromAgent::End { .. }) | Err(_)) | None => return Ok(Some(writing)),
                // It was on its way.
                Some(Ok(_)) => continue,
            };
            match fetching.handle(piece) {
                Ok(Got::LastEdition) => return Ok(None),
                Ok(got) => writing.take(&got)?,
                Err(_) => return Ok(Some(writing)),
            }
        }
        Ok(Some(writing))
    }

    /// The session is over: waits a moment for what the relay signs of its last lines.
    pub(super) async fn last_anchor(&mut self) {
        let _ = timeout(LAST_ANCHOR, &mut self.anchors).await;
    }

    /// Waits for the pipe's end.
    pub(super) async fn close(self) {
        let Self { reader, driving, .. } = self;
        drop(reader);
        let _ = timeout(FAREWELL, driving).await;
    }
}

fn may_pass(kind: Kind, message: String) -> NoContact {
    NoContact::Failed(Failure::new(kind, message), true)
}

fn silent() -> NoContact {
    may_pass(Kind::RelayUnreachable, say!("relay-did-not-answer"))
}

/// What the relay says over a ticket that it does not accept is about the link, for whoever has nothing else.
fn of_dial(error: DialError) -> NoContact {
    match error {
        DialError::Refused { code, .. } if Reason::from_code(&code).is_some() => {
            NoContact::Over(Reason::from_code(&code).unwrap_or(Reason::Unknown))
        }
        DialError::Refused { code, .. } if code == "session-over" || code.contains("ticket") => {
            NoContact::Failed(Failure::new(Kind::SessionOver, say!("link-not-valid")), false)
        }
        error => {
            let passes = !matches!(
                error,
                DialError::CertificateExpired(..)
                    | DialError::CertificateUntrusted(..)
                    | DialError::Version { .. }
                    | DialError::OutdatedTls(..)
                    | DialError::NotARelay(..)
            );
            NoContact::Failed(error.into(), passes)
        }
    }
}

fn of_pipe(error: AttachedError) -> NoContact {
    match error {
        AttachedError::Dial(error) => of_dial(error),
        AttachedError::Closed(text) => match Reason::from_code(&text) {
            Some(Reason::WrongPin) => {
                NoContact::Failed(Failure::new(Kind::WrongPin, say!("link-not-accepted")), false)
            }
            Some(reason) if !super::is_passing(reason) => NoContact::Over(reason),
            _ => may_pass(Kind::NotAvailable, text),
        },
        error => may_pass(Kind::RelayUnreachable, error.to_string()),
    }
}
