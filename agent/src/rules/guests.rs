//! The further engineers of a session, and the join code with which one comes in.

use std::time::Duration;

use fieldlink_protocol::ids::RunId;
use fieldlink_protocol::join_code::{JoinCode, JoinDigits};
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::attempts::{Charge, Standing};
use fieldlink_protocol::reason::Reason;

use super::event::RuleEvent;
use super::guest::{Guest, GuestStage};
use super::pair::{Pair, Trial};
use super::people_event::GuestEvent;
use super::seat::{RequestId, SeatId};
use super::{Events, Request};

/// A join code that was drawn, and that nobody has proven yet.
pub(super) struct Invitation {
    pub(super) seat: SeatId,
    pub(super) pair: Pair<JoinDigits>,
    until: Duration,
}

/// The further engineers.
#[derive(Default)]
pub(crate) struct Guests {
    pub(super) invitation: Option<Invitation>,
    guests: Vec<Guest>,
}

impl Guests {
    /// All of them, also those who are on the way in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Guest> {
        self.guests.iter()
    }

    /// The one in that place.
    pub(crate) fn find(&self, seat: SeatId) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.seat == seat)
    }

    pub(super) fn find_mut(&mut self, seat: SeatId) -> Option<&mut Guest> {
        self.guests.iter_mut().find(|guest| guest.seat == seat)
    }

    /// Whether a further one may be invited.
    pub(super) fn has_room(&self) -> bool {
        self.guests.len() < limits::GUESTS
    }

    /// The one who waits for the client's answer.
    pub(super) fn waiting(&self) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.stage == GuestStage::Asking)
    }

    /// Draws a join code for the place `seat`. One that was out before is good no longer.
    pub(super) fn invite(
        &mut self,
        request: RequestId,
        seat: SeatId,
        now: Duration,
        events: &mut Events,
    ) -> bool {
        let Ok(pair) = Pair::of(JoinDigits::random()) else { return false };
        self.end_invitation(Reason::CodeUsedUp, events);
        let code = JoinCode { address: pair.support_id, digits: pair.pin.clone() };
        self.invitation = Some(Invitation { seat, pair, until: now + limits::JOIN_CODE });
        events.push_back(RuleEvent::Guest { seat, event: GuestEvent::CodeDrawn { request, code } });
        true
    }

    /// The join code is good no longer.
    pub(super) fn end_invitation(&mut self, reason: Reason, events: &mut Events) {
        if let Some(Invitation { seat, .. }) = self.invitation.take() {
            events.push_back(RuleEvent::Guest {
                seat,
                event: GuestEvent::Over { request: None, reason, left: false },
            });
        }
    }

    /// What a try of the join code needs.
    pub(super) fn trial(&self, seat: SeatId) -> Option<Trial> {
        let invitation = self.invitation.as_ref().filter(|invitation| invitation.seat == seat)?;
        Some(invitation.pair.trial())
    }

    /// Charges a try, if it is one of the join code.
    pub(super) fn charge(
        &mut self,
        registration: &std::sync::Arc<fieldlink_protocol::pairing::Registration>,
        run: RunId,
    ) -> Option<Result<Charge, Reason>> {
        let pair = self.invitation.as_mut().map(|invitation| &mut invitation.pair);
        let pair = pair.filter(|pair| std::sync::Arc::ptr_eq(&pair.registration, registration))?;
        Some(pair.charge(run).map_err(|reason| match reason {
            Reason::Burnt => Reason::CodeUsedUp,
            reason => reason,
        }))
    }

    /// A try has failed. Three use the code up.
    pub(super) fn handle_failed(
        &mut self,
        seat: SeatId,
        (request, charge, reason): (Request, Charge, Reason),
        events: &mut Events,
    ) {
        let pair = self.invitation.as_mut().filter(|invitation| invitation.seat == seat);
        let standing = pair.map(|invitation| invitation.pair.attempts.failed(charge));
        let is_last = matches!(standing, Some(Standing::Burnt(_)));
        events
            .push_back(RuleEvent::Guest { seat, event: GuestEvent::TryFailed { request, reason, is_last } });
        if is_last {
            self.end_invitation(Reason::CodeUsedUp, events);
        }
    }

    /// Somebody has proven the join code, which is used up by that.
    pub(super) fn handle_verified(
        &mut self,
        seat: SeatId,
        (request, charge): (Request, Charge),
        now: Duration,
        events: &mut Events,
    ) -> Result<(), Reason> {
        let invitation = self.invitation.take_if(|invitation| invitation.seat == seat);
        let mut invitation = invitation.ok_or(Reason::CodeUsedUp)?;
        invitation.pair.attempts.succeeded(charge);
        self.guests.push(Guest::new(seat, request.clone(), now));
        events.push_back(RuleEvent::Guest { seat, event: GuestEvent::Verified { request } });
        Ok(())
    }

    /// Somebody is gone, or has to go.
    pub(super) fn remove(&mut self, seat: SeatId, reason: Reason, events: &mut Events) -> Option<Guest> {
        let guest = self.take(seat, (reason, false), events)?;
        if guest.is_in() {
            events.push_back(RuleEvent::People);
        }
        Some(guest)
    }

    fn take(
        &mut self,
        seat: SeatId,
        (reason, with_session): (Reason, bool),
        events: &mut Events,
    ) -> Option<Guest> {
        let at = self.guests.iter().position(|guest| guest.seat == seat)?;
        let guest = self.guests.remove(at);
        let left = !with_session && guest.stage == GuestStage::Here;
        let event = GuestEvent::Over { request: Some(guest.request.clone()), reason, left };
        events.push_back(RuleEvent::Guest { seat, event });
        Some(guest)
    }

    /// Everybody has to go, and nobody may come.
    pub(super) fn remove_all(&mut self, reason: Reason, events: &mut Events) {
        self.end_invitation(reason, events);
        for seat in self.guests.iter().map(|guest| guest.seat).collect::<Vec<_>>() {
            self.take(seat, (reason, true), events);
        }
    }

    /// When something happens by itself.
    pub(super) fn poll_timeout(&self, patience: Duration) -> Option<Duration> {
        let guests = self.guests.iter().filter_map(|guest| guest.poll_timeout(patience));
        guests.chain(self.invitation.as_ref().map(|invitation| invitation.until)).min()
    }

    /// Does what is due at `now`; gives those who are gone by it.
    pub(super) fn handle_timeout(
        &mut self,
        patience: Duration,
        now: Duration,
        events: &mut Events,
    ) -> Vec<SeatId> {
        if self.invitation.as_ref().is_some_and(|invitation| invitation.until <= now) {
            self.end_invitation(Reason::CodeUsedUp, events);
            events.push_back(RuleEvent::People);
        }
        let mut over = Vec::new();
        for guest in &mut self.guests {
            if guest.poll_timeout(patience).is_some_and(|due| due <= now) {
                match guest.handle_timeout() {
                    Some(reason) => over.push((guest.seat, reason)),
                    None => events.push_back(RuleEvent::People),
                }
            }
        }
        over.into_iter().filter_map(|(seat, reason)| Some(self.remove(seat, reason, events)?.seat)).collect()
    }
}
