//! Further engineers: each has a registration, pairing runs and a control channel of their own, beside those of the engineer
//! whose session it is. The relay takes each for an agent with a session; what they share is on this side of it.

use std::collections::HashMap;
use std::sync::Arc;

use fieldlink_protocol::feature;
use fieldlink_protocol::ids::{EngineerId, SessionId};
use fieldlink_protocol::join_code::JoinCode;
use fieldlink_protocol::messages::agent::{Claim, FromAgent};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use fieldlink_ssh::session_process::EndOutcome;
use fieldlink_transport::Dialer;
use futures_util::future::select_all;
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::task::AbortOnDropHandle;

use super::carry_out;
use super::closing::Closing;
use super::returning::{Return, Returning};
use crate::record::{Fetch, Reports};
use crate::rules::{RequestId, SeatId};
use crate::session::pairing::{Run, Verified};
use crate::session::{LiveSession, SessionEvent};
use crate::tunnel::{Tunnel, TunnelEvent};

/// The place of a further engineer, from the join code on.
pub(super) struct Seat {
    pub(super) id: SeatId,
    pub(super) key: Arc<RegistrationKey>,
    pub(super) address: SupportId,
    pub(super) tunnel: (Tunnel, mpsc::Receiver<TunnelEvent>),
    /// Whether the relay knows this registration now.
    pub(super) is_registered: bool,
    /// Whoever asked for the code and has not been told it yet.
    pub(super) asked: Option<(RequestId, JoinCode)>,
    pub(super) pairings: JoinSet<Run>,
    pub(super) pairing: HashMap<task::Id, EngineerId>,
    pub(super) proven: Option<Box<Verified>>,
    pub(super) live: Option<LiveSession>,
    pub(super) session_ticket: Option<Signed<SessionTicket>>,
    pub(super) returning: Returning,
    /// Shows what terminals show, if they only watch.
    pub(super) feed: Option<AbortOnDropHandle<()>>,
}

/// What a place reports.
pub(super) enum SeatEvent {
    Tunnel(TunnelEvent),
    /// Nothing keeps its registration any more.
    TunnelFailed,
    Run(Box<Run>),
    RunFailed(JoinError),
    Session(SessionEvent),
    Return(Return),
}

/// What the places report together.
pub(super) enum SeatsEvent {
    Of(SeatId, SeatEvent),
    /// Somebody's connections have ended, or not.
    Left(Left),
}

/// All places but that of the engineer whose session it is.
#[derive(Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    leaving: JoinSet<Left>,
}

/// What has become of somebody who had to leave.
pub(super) struct Left {
    pub(super) outcome: EndOutcome,
    /// What stays, to be fetched.
    pub(super) closing: Option<Box<Closing>>,
}

impl Seat {
    /// Registers a join code.
    pub(super) fn open(
        dialer: Dialer,
        id: SeatId,
        (request, code): (RequestId, JoinCode),
        joins: Signed<SessionTicket>,
    ) -> Self {
        let key = Arc::new(RegistrationKey::generate());
        let claim = Claim::SupportId { support_id: code.address, lease: None, joins: Some(joins) };
        Self {
            id,
            address: code.address,
            tunnel: Tunnel::open(dialer, key.clone(), claim),
            key,
            is_registered: false,
            asked: Some((request, code)),
            pairings: JoinSet::new(),
            pairing: HashMap::new(),
            proven: None,
            live: None,
            session_ticket: None,
            returning: Returning::default(),
            feed: None,
        }
    }

    /// Whether their program can do this.
    fn has_program_with(&self, feature: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.engineer_has(feature))
    }

    /// Tells the relay something.
    pub(super) fn say_to_relay(&self, message: FromAgent) {
        self.tunnel.0.send(message);
    }

    async fn next(&mut self) -> SeatEvent {
        let live = async {
            match &mut self.live {
                Some(live) => live.next_event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.tunnel.1.recv() => event.map_or(SeatEvent::TunnelFailed, SeatEvent::Tunnel),
            Some(run) = self.pairings.join_next_with_id() => {
                self.pairing.remove(&run.as_ref().map_or_else(JoinError::id, |(id, _)| *id));
                run.map_or_else(SeatEvent::RunFailed, |(_, run)| SeatEvent::Run(Box::new(run)))
            }
            event = live => SeatEvent::Session(event),
            event = self.returning.next() => SeatEvent::Return(event),
        }
    }

    /// Ends everything of theirs, and tells both sides why. With something to fetch it is the end of the session for everybody.
    async fn end(self, session: Option<SessionId>, (reason, fetch): (Reason, Option<Fetch>)) -> Left {
        let Self { tunnel, mut pairings, live, returning, feed, is_registered, .. } = self;
        drop(feed);
        pairings.shutdown().await;
        returning.give_up(reason).await;
        let telling = async {
            session.into_iter().for_each(|session| {
                tunnel.0.send(Closing::word(fetch.is_some(), session, reason));
            });
        };
        let ending = carry_out::part(live, (reason, fetch.is_some()), telling);
        let (outcome, parting) = ending.await;
        let outcome = outcome.map_or(EndOutcome::Unconfirmed, |()| EndOutcome::Orderly);
        let closing = match session.filter(|_| parting.is_some()) {
            Some(session) => Some(Box::new(Closing {
                session,
                reason,
                tunnel,
                is_kept: true,
                is_relay_here: is_registered,
                parting,
                fetch,
                attestation: None,
            })),
            None => {
                session.into_iter().for_each(|session| tunnel.0.send(FromAgent::Ended { session, reason }));
                drop(tunnel.1);
                tunnel.0.close().await;
                None
            }
        };
        Left { outcome, closing }
    }
}

impl Left {
    const FAILED: Self = Self { outcome: EndOutcome::Unconfirmed, closing: None };
}

impl Seats {
    pub(super) fn add(&mut self, seat: Seat) {
        self.seats.push(seat);
    }

    pub(super) fn find(&self, id: SeatId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.id == id)
    }

    pub(super) fn find_mut(&mut self, id: SeatId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.id == id)
    }

    pub(super) fn take(&mut self, id: SeatId) -> Option<Seat> {
        let at = self.seats.iter().position(|seat| seat.id == id)?;
        Some(self.seats.remove(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// Ends everything of one of them, without waiting for it.
    pub(super) fn end(
        &mut self,
        id: SeatId,
        session: Option<SessionId>,
        (reason, reports): (Reason, Option<Arc<Reports>>),
    ) {
        if let Some(seat) = self.take(id) {
            let reports = reports.filter(|_| seat.has_program_with(feature::REPORT));
            // From now on the session stays for them, whoever else leaves.
            self.leaving.spawn(seat.end(session, (reason, reports.map(Fetch::of))));
        }
    }

    /// Waits until everything has ended of those who had to leave, and gives what stays of it.
    pub(super) async fn ended(&mut self) -> (EndOutcome, Vec<Box<Closing>>) {
        let (mut all, mut closings) = (EndOutcome::Orderly, Vec::new());
        while let Some(left) = self.leaving.join_next().await {
            let Left { outcome, closing } = left.unwrap_or(Left::FAILED);
            if outcome == EndOutcome::Unconfirmed {
                all = EndOutcome::Unconfirmed;
            }
            closings.extend(closing);
        }
        (all, closings)
    }

    /// The next report. Safe to cancel.
    pub(super) async fn next(&mut self) -> SeatsEvent {
        let Self { seats, leaving } = self;
        let of_one = async {
            if seats.is_empty() {
                return std::future::pending().await;
            }
            let all = seats.iter_mut().map(|seat| {
                Box::pin(async {
                    let id = seat.id;
                    SeatsEvent::Of(id, seat.next().await)
                })
            });
            select_all(all).await.0
        };
        tokio::select! {
            event = of_one => event,
            Some(left) = leaving.join_next() => SeatsEvent::Left(left.unwrap_or(Left::FAILED)),
        }
    }
}
