//! Whose session it is, and who has to leave.

use std::time::Duration;

use fieldlink_protocol::messages::questions::{Answer, NotNow};
use fieldlink_protocol::reason::Reason;

use super::event::RuleEvent;
use super::people::Whose;
use super::question::{Asked, Asking};
use super::seat::{RequestId, SeatId};
use super::{Active, Events, Refusal, Rules};

impl Active {
    /// From now on the session is that of the engineer in the place `to`. False: they cannot have it.
    fn hand_over(&mut self, to: SeatId, reason: Option<Reason>, now: Duration, events: &mut Events) -> bool {
        let Some(from) = self.trade_places(to) else { return false };
        self.withdraw_owners(from, now, events);
        self.guests.end_invitation(Reason::CodeUsedUp, events);
        let request = self.request.clone();
        events.extend([RuleEvent::HandedOver { from, to, request, reason }, RuleEvent::People]);
        true
    }

    /// What only the engineer whose session it is may ask for is not asked for somebody else any more.
    fn withdraw_owners(&mut self, seat: SeatId, now: Duration, events: &mut Events) {
        let open = [&self.asked, &self.more_time].map(|asked| asked.as_ref().and_then(owners_request));
        for request in open.into_iter().flatten().filter(|request| request.seat == seat) {
            self.handle_withdrawal(request, now, events);
            let answer = Answer::NotNow { why: NotNow::NotOwner };
            events.push_back(RuleEvent::NotAsked { request, answer });
        }
    }

    /// Somebody leaves, or is made to. False: that cannot be done to them.
    fn send_away(&mut self, whose: Whose, now: Duration, events: &mut Events) -> bool {
        match whose {
            Whose::Seat(seat) if seat == self.seat => return false,
            Whose::Seat(seat) => self.remove_guest(seat, Reason::Removed, now, events),
            Whose::Observer(observer) => drop(self.observers.remove(observer, Reason::Removed, events)),
        }
        true
    }
}

fn owners_request(asked: &Asked) -> Option<RequestId> {
    match &asked.asking {
        Asking::Engineers { request, question } if question.is_owners() => Some(*request),
        _ => None,
    }
}

impl Rules {
    /// The engineer hands the session over to somebody who is in it.
    pub(crate) fn handle_hand_over(&mut self, request: RequestId, name: &str, now: Duration) {
        let handed =
            self.state.active_mut().is_some_and(|active| match active.person(name).map(|it| it.whose) {
                Some(Whose::Seat(to)) => active.hand_over(to, None, now, &mut self.events),
                _ => false,
            });
        self.answer_about(request, handed);
    }

    /// The engineer has somebody leave.
    pub(crate) fn handle_removal(&mut self, request: RequestId, name: &str, now: Duration) {
        let removed = self.state.active_mut().is_some_and(|active| {
            let person = active.person(name);
            person.is_some_and(|person| active.send_away(person.whose, now, &mut self.events))
        });
        self.answer_about(request, removed);
    }

    fn answer_about(&mut self, request: RequestId, is_done: bool) {
        self.events.push_back(match is_done {
            true => RuleEvent::Announced { request },
            false => RuleEvent::NotAsked { request, answer: Answer::NotNow { why: NotNow::Nobody } },
        });
    }

    /// The client has somebody leave: a further engineer, or one who watches.
    pub(super) fn handle_clients_removal(&mut self, name: &str, now: Duration) -> Result<(), Refusal> {
        let active = self.state.active_mut().ok_or(Refusal::NoSession)?;
        let person = active.person(name).ok_or(Refusal::Nobody)?;
        match active.send_away(person.whose, now, &mut self.events) {
            true => Ok(()),
            false => Err(Refusal::Nobody),
        }
    }

    /// The engineer whose session it is is gone. It goes on if another one works in it: from then on it is theirs.
    pub(super) fn pass_on(&mut self, reason: Reason, now: Duration) -> bool {
        let is_passed_on = matches!(
            reason,
            Reason::Revoked | Reason::EngineerStopped | Reason::EngineerLost | Reason::Silence
        );
        let (Some(active), true) = (self.state.active_mut(), is_passed_on) else { return false };
        let (gone, heir) = (active.seat, active.guests.iter().find(|guest| guest.can_own()));
        let Some(heir) = heir.map(|guest| guest.seat) else { return false };
        if !active.hand_over(heir, Some(reason), now, &mut self.events) {
            return false;
        }
        active.remove_guest(gone, reason, now, &mut self.events);
        true
    }
}
