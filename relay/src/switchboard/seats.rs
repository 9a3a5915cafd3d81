//! Places at pipes: attachments that wait, attachments that join, and what the relay has to say to both meanwhile.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use fieldlink_protocol::pipe::Role;
use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{State, Switchboard, Traffic};
use crate::directory::{Aftermath, AttachmentId, CloseCause, PipeEnd, Place};
use crate::socket::PipeSocket;

/// What attaching led to.
pub(crate) enum Seated {
    /// The first: wait for the partner's connection, then splice.
    First(Seat, oneshot::Receiver<Box<PipeSocket>>),
    /// The second: hand the connection over.
    Second(Handover),
}

/// The first side's place at a pipe. Dropping it gives the place up.
pub(crate) struct Seat {
    /// Until when to wait for the partner.
    pub until: Instant,
    /// Whether the pipe was spliced before.
    pub again: bool,
    /// Counts what passes.
    pub traffic: Arc<Traffic>,
    signals: Arc<Signals>,
    switchboard: Arc<Switchboard>,
    place: Place,
}

/// A spare connection's place at a pipe. Dropping it gives the place up.
pub(crate) struct SpareSeat {
    signals: Arc<Signals>,
    switchboard: Arc<Switchboard>,
    place: Place,
}

/// The way to the partner that waits.
pub(crate) struct Handover(oneshot::Sender<Box<PipeSocket>>);

/// The switchboard's end of a seat.
pub(super) struct SeatEnd {
    partner: Option<oneshot::Sender<Box<PipeSocket>>>,
    /// What the side said with its request.
    hello: Option<Message>,
    signals: Arc<Signals>,
}

#[derive(Default)]
struct Signals {
    parted: CancellationToken,
    parting: OnceLock<CloseCause>,
    /// For the engineer, and for the agent.
    prods: [Notify; 2],
}

impl Switchboard {
    pub(super) fn seat(
        self: &Arc<Self>,
        state: &mut State,
        place: Place,
        (until, again): (Instant, bool),
        hello: Option<Message>,
    ) -> Seated {
        let (sender, partner) = oneshot::channel();
        let signals = Arc::<Signals>::default();
        let end = SeatEnd { partner: Some(sender), hello, signals: signals.clone() };
        state.seats.insert(place.attachment, end);
        let ledger = state.ledgers.get(&place.session);
        let traffic = ledger.map(|ledger| ledger.traffic.clone()).unwrap_or_default();
        Seated::First(Seat { until, again, traffic, signals, switchboard: self.clone(), place }, partner)
    }

    pub(super) fn spare_seat(self: &Arc<Self>, state: &mut State, place: Place) -> SpareSeat {
        let signals = Arc::<Signals>::default();
        let end = SeatEnd { partner: None, hello: None, signals: signals.clone() };
        state.seats.insert(place.attachment, end);
        SpareSeat { signals, switchboard: self.clone(), place }
    }
}

impl State {
    /// The way to an attachment that waits.
    pub(super) fn handover(&mut self, partner: AttachmentId) -> Option<Handover> {
        let seat = self.seats.get_mut(&partner)?;
        seat.hello = None;
        seat.partner.take().map(Handover)
    }

    /// What an attachment that waits has said.
    pub(super) fn hello(&self, attachment: AttachmentId) -> Option<Message> {
        self.seats.get(&attachment)?.hello.clone()
    }

    pub(super) fn part(&self, attachment: AttachmentId, parting: CloseCause) {
        if let Some(seat) = self.seats.get(&attachment) {
            // The first one stands.
            let _ = seat.signals.parting.set(parting);
            seat.signals.parted.cancel();
        }
    }

    pub(super) fn prod(&self, attachment: AttachmentId, side: Role) {
        if let Some(seat) = self.seats.get(&attachment) {
            seat.signals.prod(side).notify_one();
        }
    }
}

impl Seat {
    /// Waits until the relay wants its connections closed.
    pub(crate) async fn parted(&self) -> CloseCause {
        self.signals.parted().await
    }

    /// Waits until a side is to be asked to attach again. Safe to cancel.
    pub(crate) async fn prodded(&self) -> Role {
        tokio::select! {
            () = self.signals.prod(Role::Engineer).notified() => Role::Engineer,
            () = self.signals.prod(Role::Agent).notified() => Role::Agent,
        }
    }

    /// Says how the wait, or the splice, has ended. `None`: it was told to.
    pub(crate) fn end(&self, end: PipeEnd) -> Option<Aftermath> {
        self.switchboard.with(|state| state.directory.parted(self.place, end, Instant::now()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.switchboard.with(|state| {
            state.seats.remove(&self.place.attachment);
            // If it has said so before, this finds nothing.
            state.directory.parted(self.place, PipeEnd::Lost, Instant::now());
        });
    }
}

impl SpareSeat {
    /// Waits until the relay wants its connection closed.
    pub(crate) async fn parted(&self) -> CloseCause {
        self.signals.parted().await
    }
}

impl Drop for SpareSeat {
    fn drop(&mut self) {
        self.switchboard.with(|state| {
            state.seats.remove(&self.place.attachment);
            state.directory.release_spare(self.place);
        });
    }
}

impl Handover {
    /// Hands the connection to the partner, or gives it back if the partner has just gone.
    pub(crate) fn hand_over(self, socket: Box<PipeSocket>) -> Result<(), Box<PipeSocket>> {
        self.0.send(socket)
    }
}

impl Signals {
    async fn parted(&self) -> CloseCause {
        self.parted.cancelled().await;
        self.parting.get().copied().unwrap_or(CloseCause::Done)
    }

    fn prod(&self, side: Role) -> &Notify {
        match side {
            Role::Engineer => &self.prods[0],
            Role::Agent => &self.prods[1],
        }
    }
}
