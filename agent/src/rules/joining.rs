//! How a further engineer comes into a session, and what reaches the rules from there.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::{RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::messages::questions::{Answer, NotNow};
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::policy::Permission;
use fieldlink_protocol::reason::Reason;

use super::event::RuleEvent;
use super::guest::{Guest, GuestStage};
use super::pair::Trial;
use super::people_event::GuestEvent;
use super::question::{Asked, Asking};
use super::seat::{RequestId, SeatId};
use super::{Active, Events, Request, Rules};

impl Active {
    /// The client's answer to whether somebody joins, or that there was none.
    pub(super) fn settle_guest(
        &mut self,
        (seat, verdict): (SeatId, Result<(), Reason>),
        now: Duration,
        events: &mut Events,
    ) {
        match (verdict, self.guests.find_mut(seat)) {
            (Ok(()), Some(guest)) => allow(guest, now, events),
            (Err(reason), Some(_)) => drop(self.guests.remove(seat, reason, events)),
            (_, None) => {}
        }
        self.ask_next(now, events);
    }

    /// The engineer in that place is gone: what they have asked is not asked any more.
    pub(super) fn forget_seat(&mut self, seat: SeatId, now: Duration, events: &mut Events) {
        let is_about =
            |asked: &mut Asked| matches!(asked.asking, Asking::Guest { seat: theirs, .. } if theirs == seat);
        if let Some(asked) = self.asked.take_if(is_about) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
        }
        self.withdraw_engineers(seat, now, events);
        self.ask_next(now, events);
    }

    /// An engineer has to leave, or has left.
    pub(super) fn remove_guest(&mut self, seat: SeatId, reason: Reason, now: Duration, events: &mut Events) {
        self.guests.remove(seat, reason, events);
        self.forget_seat(seat, now, events);
    }
}

fn allow(guest: &mut Guest, now: Duration, events: &mut Events) {
    guest.allow(now);
    let (request, observes) = (guest.request.clone(), guest.observes);
    events.push_back(RuleEvent::Guest { seat: guest.seat, event: GuestEvent::Allowed { request, observes } });
}

impl Rules {
    /// The engineer wants a join code. `able`: whether that can be done here.
    pub(crate) fn handle_join_code_wanted(
        &mut self,
        request: RequestId,
        (permission, able): (Permission, Result<(), NotNow>),
        now: Duration,
    ) {
        self.last_seat += 1;
        let (seat, events) = (SeatId(self.last_seat), &mut self.events);
        let why_not = match (permission, able, self.state.active_mut()) {
            (_, _, None) => Some(NotNow::Interrupted),
            (Permission::Never, ..) => Some(NotNow::Never),
            (_, Err(why), _) => Some(why),
            (.., Some(active)) if !active.guests.has_room() => Some(NotNow::TooMany),
            (.., Some(active)) => {
                let is_drawn = active.rates(request.seat).questions.permits(now)
                    && active.guests.invite(request, seat, now, events);
                if is_drawn { None } else { Some(NotNow::Unable) }
            }
        };
        if let Some(why) = why_not {
            self.events.push_back(RuleEvent::NotAsked { request, answer: Answer::NotNow { why } });
        }
    }

    /// The relay does not list the join code, or the agent could not register it.
    pub(crate) fn handle_code_lost(&mut self, seat: SeatId) {
        if let Some(active) = self.state.active_mut()
            && active.guests.trial(seat).is_some()
        {
            active.guests.end_invitation(Reason::CodeUsedUp, &mut self.events);
        }
    }

    /// Somebody asks to try the join code. `running`: how many tries of theirs, and of all, there are.
    pub(crate) fn handle_guest_pair(
        &mut self,
        seat: SeatId,
        request: &Request,
        (running, theirs): (usize, usize),
    ) -> Option<Trial> {
        let has_room = running < limits::PAIRINGS_AT_ONCE && theirs < limits::PAIRINGS_PER_ENGINEER;
        let trial = self.state.active().and_then(|active| active.guests.trial(seat)).filter(|_| has_room);
        if trial.is_none() {
            self.handle_guest_declined(seat, request.clone(), Reason::CodeUsedUp);
        }
        trial
    }

    /// A try is over before it was charged.
    pub(crate) fn handle_guest_declined(&mut self, seat: SeatId, request: Request, reason: Reason) {
        self.events.push_back(RuleEvent::Guest { seat, event: GuestEvent::Declined { request, reason } });
    }

    pub(super) fn charge_of_guest(
        &mut self,
        registration: &Arc<Registration>,
        run: RunId,
    ) -> Option<Result<Charge, Reason>> {
        self.state.active_mut()?.guests.charge(registration, run)
    }

    /// A try that was charged has failed.
    pub(crate) fn handle_guest_failed(&mut self, seat: SeatId, tried: (Request, Charge, Reason)) {
        if let Some(active) = self.state.active_mut() {
            active.guests.handle_failed(seat, tried, &mut self.events);
        }
    }

    /// Somebody has proven the join code.
    pub(crate) fn handle_guest_verified(
        &mut self,
        seat: SeatId,
        (request, charge): (Request, Charge),
        now: Duration,
    ) -> Result<(), Reason> {
        let verified = match self.state.active_mut() {
            Some(active) => {
                let verified =
                    active.guests.handle_verified(seat, (request.clone(), charge), now, &mut self.events);
                active.name_guest(seat);
                verified
            }
            None => Err(Reason::CodeUsedUp),
        };
        verified.inspect_err(|reason| self.handle_guest_declined(seat, request, *reason))
    }

    /// They have proven the control pipe and said who they are. The client is asked, unless the device's policy allows it.
    pub(crate) fn handle_guest_greeted(
        &mut self,
        seat: SeatId,
        (shows_chat, observes): (bool, bool),
        permission: Permission,
        now: Duration,
    ) {
        let (Some(active), events) = (self.state.active_mut(), &mut self.events) else { return };
        let Some(guest) = active.guests.find_mut(seat) else { return };
        if !matches!(guest.stage, GuestStage::Greeting { .. }) {
            return;
        }
        (guest.shows_chat, guest.observes, guest.heard) = (shows_chat, observes, now);
        if permission != Permission::Ask {
            return allow(guest, now, events);
        }
        guest.stage = GuestStage::Asking;
        let event = GuestEvent::WaitsForClient { patience: limits::CONSENT };
        events.push_back(RuleEvent::Guest { seat, event });
        active.ask_next(now, events);
    }

    /// The relay has admitted them. False: they are not to be.
    pub(crate) fn handle_guest_admitted(&mut self, seat: SeatId, session: SessionId, now: Duration) -> bool {
        let (Some(active), events) = (self.state.active_mut(), &mut self.events) else { return false };
        let deadline = active.deadline;
        let Some(guest) = active.guests.find_mut(seat).filter(|guest| guest.request.session == session)
        else {
            return false;
        };
        match guest.stage {
            GuestStage::Here => {}
            GuestStage::Admitting { .. } => {
                (guest.stage, guest.heard) = (GuestStage::Here, now);
                let (request, observes) = (guest.request.clone(), guest.observes);
                let event = GuestEvent::Admitted { request, observes, deadline };
                events.extend([RuleEvent::Guest { seat, event }, RuleEvent::People]);
            }
            GuestStage::Greeting { .. } | GuestStage::Asking => return false,
        }
        true
    }

    /// A word of their program, or only that its connection is there again.
    pub(crate) fn handle_guest_heard(&mut self, seat: SeatId, now: Duration, is_sealed: bool) {
        let (Some(active), events) = (self.state.active_mut(), &mut self.events) else { return };
        let Some(guest) = active.guests.find_mut(seat) else { return };
        if is_sealed {
            guest.heard = now;
        }
        if now < guest.heard + limits::HEARTBEAT_LOST && guest.interrupted.take().is_some() {
            events.push_back(RuleEvent::People);
        }
    }

    /// The connection to them is lost.
    pub(crate) fn handle_guest_link_down(&mut self, seat: SeatId, problem: String) {
        let guest = self.state.active_mut().and_then(|active| active.guests.find_mut(seat));
        if guest.is_some_and(|guest| guest.interrupted.replace(problem).is_none() && guest.is_in()) {
            self.events.push_back(RuleEvent::People);
        }
    }

    /// They are gone: by themselves, or because the relay says so.
    pub(crate) fn handle_guest_over(&mut self, seat: SeatId, reason: Reason, now: Duration) {
        if let Some(active) = self.state.active_mut() {
            active.remove_guest(seat, reason, now, &mut self.events);
        }
    }

    /// Their program was started again and wants to come back.
    pub(crate) fn handle_guest_pair_again(
        &mut self,
        seat: SeatId,
        session: SessionId,
        run: RunId,
    ) -> Option<Request> {
        let guest = self.state.active_mut()?.guests.find_mut(seat)?;
        let is_welcome = guest.is_in() && guest.request.session == session && guest.returns.is_new(run);
        is_welcome.then(|| Request { run, ..guest.request.clone() })
    }

    /// It has come back.
    pub(crate) fn handle_guest_returned(
        &mut self,
        seat: SeatId,
        run: RunId,
        shows_chat: bool,
        now: Duration,
    ) -> bool {
        let (Some(active), events) = (self.state.active_mut(), &mut self.events) else { return false };
        let deadline = active.deadline;
        let Some(guest) = active.guests.find_mut(seat).filter(|guest| guest.is_in()) else { return false };
        (guest.request.run, guest.heard, guest.interrupted) = (run, now, None);
        guest.shows_chat = shows_chat;
        guest.returns.count += 1;
        let event = GuestEvent::Returned { request: guest.request.clone(), deadline };
        events.extend([RuleEvent::Guest { seat, event }, RuleEvent::People]);
        active.withdraw_engineers(seat, now, events);
        true
    }

    /// The request of a further engineer who is in the session, or on the way in.
    pub(crate) fn request_of(&self, seat: SeatId) -> Option<&Request> {
        Some(&self.state.active()?.guests.find(seat)?.request)
    }

    /// Whether what a further engineer says is heard: they are in the session.
    pub(crate) fn hears(&self, seat: SeatId) -> bool {
        self.state.active().and_then(|active| active.guests.find(seat)).is_some_and(Guest::is_in)
    }

    /// Whether that engineer only watches.
    pub(crate) fn observes(&self, seat: SeatId) -> bool {
        let guest = self.state.active().and_then(|active| active.guests.find(seat));
        guest.is_some_and(|guest| guest.observes)
    }

    /// What the relay has to be told of a further engineer once more, should it not have been heard.
    pub(crate) fn word_of_guest(&self, seat: SeatId) -> Option<FromAgent> {
        let guest = self.state.active()?.guests.find(seat)?;
        let Request { session, run, .. } = guest.request;
        match guest.stage {
            GuestStage::Admitting { .. } => Some(FromAgent::Admitted { session }),
            GuestStage::Here if guest.returns.count > 0 => Some(FromAgent::PairedAgain { session, run }),
            _ => None,
        }
    }

    /// An engineer who wants to join is not who they say.
    pub(crate) fn handle_not_believed_guest(&mut self, request: Request, reason: Reason) {
        let is_news = self.disbelieved.insert(reason);
        self.events.push_back(RuleEvent::NotBelieved { request, reason, is_news });
    }

    /// Whether pipes of that engineer's session may be opened now.
    pub(crate) fn admits_pipes_of(&self, seat: SeatId, session: SessionId) -> bool {
        let guest = self.state.active().and_then(|active| active.guests.find(seat));
        guest.is_some_and(|guest| guest.can_own() && guest.request.session == session)
    }
}
