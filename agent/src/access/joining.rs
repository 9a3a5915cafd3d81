//! A further engineer comes in, works, and goes.

use std::time::Duration;

use fieldlink_protocol::feature;
use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
use fieldlink_protocol::messages::control::FromAgent as ToEngineer;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_ssh::session_process::EndOutcome;
use fieldlink_transport::PipeLink;
use tokio_util::task::AbortOnDropHandle;

use super::seats::{Left, Seat, SeatEvent, SeatsEvent};
use super::{Access, Unconfirmed};
use crate::clock;
use crate::observer::feed;
use crate::record::Recording;
use crate::rules::{GuestEvent, Request, RequestId, SeatId, Watching};
use crate::session::control::{ControlEvent, EngineerHello};
use crate::session::pairing::{self, ByPin, Offer, Outcome, Run};
use crate::session::{LiveSession, SessionEvent};
use crate::tunnel::TunnelEvent;

impl Access {
    /// The engineer wants a join code.
    pub(super) fn on_join_code_wanted(&mut self, request: RequestId) {
        let permission = self.around.policy.of(Function::Guests);
        let able = self.able_to_have_guests();
        self.rules.handle_join_code_wanted(request, (permission, able), clock::now());
    }

    /// Whether further people can come in here.
    pub(super) fn able_to_have_guests(&self) -> Result<(), NotNow> {
        match (self.relay.has(feature::PEOPLE), &self.session_ticket) {
            (false, _) => Err(NotNow::RelayTooOld),
            (true, None) => Err(NotNow::Interrupted),
            (true, Some(_)) => Ok(()),
        }
    }

    pub(super) async fn on_seats(&mut self, event: SeatsEvent) -> Result<(), Unconfirmed> {
        match event {
            SeatsEvent::Left(Left { outcome: EndOutcome::Unconfirmed, .. }) => return Err(Unconfirmed),
            SeatsEvent::Left(Left { closing, .. }) => {
                let record = self.records.recording().map(Recording::session);
                closing.into_iter().for_each(|closing| self.closings.add(record, *closing));
            }
            SeatsEvent::Of(seat, event) => match event {
                SeatEvent::Tunnel(event) => self.on_seats_tunnel(seat, event),
                SeatEvent::TunnelFailed => {
                    self.rules.handle_code_lost(seat);
                    self.rules.handle_guest_over(seat, Reason::ScannerFailed, clock::now());
                }
                SeatEvent::Run(run) => self.on_seats_run(seat, *run),
                SeatEvent::RunFailed(error) => {
                    tracing::error!(%error, "a further engineer's pairing failed by itself")
                }
                SeatEvent::Session(event) => self.on_seats_session(seat, event),
                SeatEvent::Return(event) => return self.on_seats_return(seat, event).await,
            },
        }
        Ok(())
    }

    fn on_seats_tunnel(&mut self, seat: SeatId, event: TunnelEvent) {
        let now = clock::now();
        match event {
            TunnelEvent::Registered { .. } => self.on_seat_registered(seat),
            // The code is told once it is registered; what runs goes on without.
            TunnelEvent::Lost(_) => {
                self.seats.find_mut(seat).into_iter().for_each(|place| place.is_registered = false);
            }
            TunnelEvent::IdTaken => {
                self.not_drawn(seat);
                self.rules.handle_code_lost(seat);
            }
            TunnelEvent::SessionOver(reason) => {
                self.not_drawn(seat);
                self.rules.handle_code_lost(seat);
                self.rules.handle_guest_over(seat, reason.unwrap_or(Reason::RelayRestarted), now);
            }
            TunnelEvent::Anchored { session, line, signature } => {
                self.on_anchored(session, line, signature);
            }
            // It is asked for elsewhere.
            TunnelEvent::TimeStamped { .. } => {}
            TunnelEvent::Message(message) => self.on_seats_relay(seat, message),
        }
    }

    fn on_seat_registered(&mut self, seat: SeatId) {
        let word = self.rules.word_of_guest(seat);
        let Some(place) = self.seats.find_mut(seat) else { return };
        place.is_registered = true;
        word.into_iter().for_each(|word| place.say_to_relay(word));
        if let Some((request, code)) = place.asked.take() {
            let (address, digits) = (code.address, code.digits);
            let seconds = limits::JOIN_CODE.as_secs() as u32;
            self.answer(request, Answer::JoinCode { address, digits, seconds });
        }
    }

    fn not_drawn(&mut self, seat: SeatId) {
        let asked = self.seats.find_mut(seat).and_then(|place| place.asked.take());
        if let Some((request, _)) = asked {
            self.answer(request, Answer::NotNow { why: NotNow::Unable });
        }
    }

    fn on_seats_relay(&mut self, seat: SeatId, message: ToAgent) {
        let now = clock::now();
        match message {
            ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket } => {
                let request = Request { session, run, engineer, ticket, partner, engagement: None };
                self.pair_guest(seat, request, pipe, pipe_ticket);
            }
            ToAgent::Open { session, pipe, kind, pipe_ticket } if kind == PipeKind::Ssh => {
                if self.rules.admits_pipes_of(seat, session)
                    && let Some(live) = self.seats.find_mut(seat).and_then(|place| place.live.as_mut())
                {
                    live.open_pipe(pipe, pipe_ticket);
                }
            }
            ToAgent::SessionTicket { session, session_ticket } => {
                if self.rules.handle_guest_admitted(seat, session, now)
                    && let Some(place) = self.seats.find_mut(seat)
                {
                    place.session_ticket = Some(session_ticket.clone());
                    place.tunnel.0.set_claim(Claim::Session { session_ticket });
                    self.mark_sessions();
                }
            }
            ToAgent::Ended { session, reason } => {
                let is_theirs = |request: &Request| request.session == session;
                if self.rules.request_of(seat).is_some_and(is_theirs) {
                    self.rules.handle_guest_over(seat, reason, now);
                }
            }
            ToAgent::PairAgain { session, run, pipe, pipe_ticket } => {
                if let Some(request) = self.rules.handle_guest_pair_again(seat, session, run) {
                    self.pair_guest_again(seat, request, pipe, pipe_ticket);
                }
            }
            ToAgent::Shared { .. } | ToAgent::Watch { .. } => self.on_relay_of_observers(message),
            ToAgent::Open { .. }
            | ToAgent::Challenge { .. }
            | ToAgent::Registered { .. }
            | ToAgent::Refused { .. }
            | ToAgent::Anchored { .. }
            | ToAgent::TimeStamped { .. } => {}
        }
    }

    fn pair_guest(&mut self, seat: SeatId, request: Request, pipe: PipeId, pipe_ticket: Signed<PipeTicket>) {
        let Some(place) = self.seats.find_mut(seat) else { return };
        let engineer = request.engineer.id;
        let theirs = place.pairing.values().filter(|whose| **whose == engineer).count();
        let Some(trial) = self.rules.handle_guest_pair(seat, &request, (place.pairings.len(), theirs)) else {
            return;
        };
        let agent = place.key.public();
        let offer = Offer { request, support_id: trial.support_id, agent, pipe, pipe_ticket };
        let leave = ByPin { charges: self.charges.0.clone(), engineers: self.around.engineers.clone() };
        let run = pairing::run(self.dialer.clone(), offer, trial.registration, leave);
        place.pairing.insert(place.pairings.spawn(run).id(), engineer);
    }

    fn on_seats_run(&mut self, seat: SeatId, Run { request, outcome, .. }: Run) {
        match outcome {
            Outcome::Uncharged(reason) => self.rules.handle_guest_declined(seat, request, reason),
            Outcome::NotBelieved(reason) => {
                self.rules.handle_not_believed_guest(request.clone(), reason);
                self.rules.handle_guest_declined(seat, request, reason);
            }
            Outcome::Failed(reason, charge) => {
                self.rules.handle_guest_failed(seat, (request, charge, reason));
            }
            Outcome::Verified(verified, charge) => {
                match self.rules.handle_guest_verified(seat, (request, charge), clock::now()) {
                    Ok(()) => {
                        if let Some(place) = self.seats.find_mut(seat) {
                            place.proven = Some(verified);
                        }
                    }
                    Err(reason) => self.farewell(pairing::refuse(*verified, reason)),
                }
            }
        }
    }

    fn on_seats_session(&mut self, seat: SeatId, event: SessionEvent) {
        let SessionEvent::Control(event) = event else { return };
        let now = clock::now();
        if event.is_sign_of_life() {
            self.rules.handle_guest_heard(seat, now, true);
        }
        match event {
            ControlEvent::Greeted(hello) => self.on_guest_greeted(seat, &hello),
            ControlEvent::PipeClosed(pipe) => {
                let live = self.seats.find(seat).and_then(|place| place.live.as_ref());
                live.into_iter().for_each(|live| live.close_pipe(pipe));
            }
            ControlEvent::Link(PipeLink::Down { problem, .. }) => {
                self.rules.handle_guest_link_down(seat, problem);
            }
            ControlEvent::Link(PipeLink::Up) => self.rules.handle_guest_heard(seat, now, false),
            ControlEvent::Over(reason, _) => self.rules.handle_guest_over(seat, reason, now),
            // Nothing that they say counts before the client has let them in.
            event if self.rules.hears(seat) => self.on_said(seat, event),
            _ => tracing::warn!("a further engineer speaks before they are let in"),
        }
    }

    fn on_guest_greeted(&mut self, seat: SeatId, hello: &EngineerHello) {
        let live = self.seats.find_mut(seat).and_then(|place| place.live.as_mut());
        if live.is_some_and(|live| live.set_engineer(hello)) {
            let permission = self.around.policy.of(Function::Guests);
            let of_them = (hello.features.has(feature::CHAT), hello.observes);
            self.rules.handle_guest_greeted(seat, of_them, permission, clock::now());
        } else {
            self.rules.handle_guest_over(seat, Reason::Incompatible, clock::now());
        }
    }

    /// Carries out what happens with a further engineer.
    pub(super) fn carry_out_of_guest(&mut self, seat: SeatId, event: GuestEvent) {
        match event {
            GuestEvent::CodeDrawn { request, code } => {
                // It was there when the code was asked for.
                if let Some(joins) = self.session_ticket.clone() {
                    self.seats.add(Seat::open(self.dialer.clone(), seat, (request, code), joins));
                }
            }
            GuestEvent::Declined { request, reason } | GuestEvent::TryFailed { request, reason, .. } => {
                if let Some(place) = self.seats.find(seat) {
                    let Request { session, run, .. } = request;
                    place.say_to_relay(FromAgent::Declined { session, run, reason });
                }
            }
            GuestEvent::Verified { request } => self.greet_guest(seat, &request),
            GuestEvent::WaitsForClient { patience } => {
                let seconds = patience.as_secs() as u32;
                self.say_to(seat, ToEngineer::Asking { seconds });
            }
            GuestEvent::Allowed { request, observes } => self.let_in(seat, &request, observes),
            GuestEvent::Admitted { observes, deadline, .. } => {
                let left = deadline.saturating_sub(clock::now()).max(Duration::from_secs(1));
                self.admit_guest(seat, (left, deadline), observes);
            }
            GuestEvent::Returned { deadline, .. } => {
                let left = deadline.saturating_sub(clock::now()).max(Duration::from_secs(1));
                let observes = self.rules.observes(seat);
                self.admit_guest(seat, (left, deadline), observes);
            }
            GuestEvent::Over { request, reason, .. } => {
                self.not_drawn(seat);
                // Who leaves before the others has no report of what is not over.
                let reports = self.reports_at_the_end();
                self.seats.end(seat, request.map(|request| request.session), (reason, reports));
                self.mark_sessions();
            }
        }
    }

    fn greet_guest(&mut self, seat: SeatId, request: &Request) {
        let around = self.around.clone();
        let Some(place) = self.seats.find_mut(seat) else { return };
        let Some(verified) = place.proven.take() else { return };
        match LiveSession::greet(*verified, request, &around) {
            Ok(live) => place.live = Some(live),
            Err(error) => {
                tracing::error!(%error, "no host key");
                self.rules.handle_guest_over(seat, Reason::ScannerFailed, clock::now());
            }
        }
    }

    fn let_in(&mut self, seat: SeatId, request: &Request, observes: bool) {
        let Some(place) = self.seats.find_mut(seat) else { return };
        let joined = match (&mut place.live, &self.session) {
            (Some(_), _) if observes => Ok(()),
            (Some(live), Some(owners)) => live.join(owners),
            _ => return self.rules.handle_guest_over(seat, Reason::ScannerFailed, clock::now()),
        };
        match joined {
            Ok(()) => place.say_to_relay(FromAgent::Admitted { session: request.session }),
            Err(error) => {
                tracing::error!(%error, "a further engineer could not join");
                self.rules.handle_guest_over(seat, Reason::ScannerFailed, clock::now());
            }
        }
    }

    fn admit_guest(&mut self, seat: SeatId, (left, deadline): (Duration, Duration), observes: bool) {
        let (watched, seen) = (self.around.live.current(), self.observers.subscribe());
        if let Some(place) = self.seats.find_mut(seat)
            && let Some(live) = &place.live
        {
            live.admit(left, deadline);
            place.feed = watched
                .filter(|_| observes)
                .map(|watched| AbortOnDropHandle::new(tokio::spawn(feed(watched, seen, live.outgoing()))));
        }
        self.say_standing_to(seat);
    }

    /// A question, an announcement or a line of chat, of whichever engineer.
    pub(super) fn on_said(&mut self, seat: SeatId, event: ControlEvent) {
        let now = clock::now();
        let of = |number| RequestId { seat, number };
        let only_watches = self.rules.observes(seat);
        match event {
            ControlEvent::Asked { request, .. } | ControlEvent::Announced { request, .. } if only_watches => {
                self.answer(of(request), Answer::NotNow { why: NotNow::NotOwner });
            }
            ControlEvent::Asked { request, question } => self.on_asked(of(request), question),
            ControlEvent::Withdrawn { request } => self.rules.handle_withdrawal(of(request), now),
            ControlEvent::Announced { request, announcement } => {
                self.rules.handle_announcement(of(request), announcement, now);
            }
            ControlEvent::Runbook { request, word } => self.on_runbook(of(request), word),
            ControlEvent::Chat(text) => {
                let is_taken = self.rules.handle_engineers_chat(seat, &text, now);
                if !is_taken {
                    tracing::warn!("a line of chat was dropped: the engineer's side says too much");
                }
            }
            _ => {}
        }
    }

    fn on_asked(&mut self, request: RequestId, question: Question) {
        let is_owner = self.rules.state().active().is_some_and(|active| active.seat == request.seat);
        match question {
            question if !is_owner => self.rules.handle_question(request, question, clock::now()),
            Question::Restart { .. } => self.on_restart_wanted(request, question),
            Question::JoinCode {} => self.on_join_code_wanted(request),
            Question::Observer { name, report } => {
                self.on_observer_wanted(request, Watching { name, report });
            }
            Question::HandOver { name } => self.rules.handle_hand_over(request, &name, clock::now()),
            Question::Remove { name } => self.rules.handle_removal(request, &name, clock::now()),
            question => self.rules.handle_question(request, question, clock::now()),
        }
    }
}
