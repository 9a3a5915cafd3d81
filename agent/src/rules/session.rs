//! What reaches an active session from both sides. The session itself judges it.

use std::time::Duration;

use fieldlink_evidence::Stop;
use fieldlink_protocol::health::{Concern, Severity};
use fieldlink_protocol::ids::{RunId, SessionId};
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::policy::{Denied, Function};

use super::{
    Active, Battery, Carrying, Events, Refusal, Request, RequestId, RuleEvent, Rules, SeatId, State, UseId,
};

impl Rules {
    fn with_active<T>(&mut self, handle: impl FnOnce(&mut Active, &mut Events) -> T) -> Option<T> {
        self.state.active_mut().map(|active| handle(active, &mut self.events))
    }

    /// The engineer's side was heard under the seal.
    pub(crate) fn handle_heard(&mut self, now: Duration) {
        self.in_reach_again(|active, events| active.handle_heard(now, events));
    }

    /// The control pipe has no connection: no new SSH pipes, until it is heard again.
    pub(crate) fn handle_link_down(&mut self, problem: String) {
        self.with_active(|active, events| active.handle_link_down(problem, events));
    }

    /// The control pipe has a connection again. That alone is no sign of life: a relay could give us one
    /// connection after another and keep back what is said on them.
    pub(crate) fn handle_link_up(&mut self, now: Duration) {
        self.in_reach_again(|active, events| active.handle_link_up(now, events));
    }

    /// An engineer who was out of reach is told of the operation that went on meanwhile.
    fn in_reach_again(&mut self, hear: impl FnOnce(&mut Active, &mut Events)) {
        let was_away = self.state.active().is_some_and(|active| active.interrupted.is_some());
        self.with_active(hear);
        if was_away {
            self.tell_operation();
        }
    }

    /// The engineer asks the client something. `request` is the engineer's number for it.
    pub(crate) fn handle_question(&mut self, request: RequestId, question: Question, now: Duration) {
        let asked = self.with_active(|active, events| active.handle_question(request, question, now, events));
        if asked.is_none() {
            self.events.push_back(RuleEvent::NotAsked { request, answer: Answer::Busy {} });
        }
    }

    /// The engineer takes a question back.
    pub(crate) fn handle_withdrawal(&mut self, request: RequestId, now: Duration) {
        self.with_active(|active, events| active.handle_withdrawal(request, now, events));
    }

    /// The engineer announces something. `request` is the engineer's number for it.
    pub(crate) fn handle_announcement(
        &mut self,
        request: RequestId,
        announcement: Announcement,
        now: Duration,
    ) {
        let told =
            self.with_active(|active, events| active.handle_announcement(request, announcement, now, events));
        if told.is_none() {
            self.events.push_back(RuleEvent::NotAsked { request, answer: Answer::Busy {} });
        }
    }

    /// The client has done something, so they are there. False if there is no session.
    pub(super) fn handle_sign(&mut self, now: Duration) -> bool {
        self.with_active(|active, events| active.presence.handle_sign(now, events)).is_some()
    }

    /// The engineer wants to use a function for which the client has to be asked.
    pub(crate) fn handle_use(&mut self, id: UseId, function: Function, now: Duration) {
        let handled = self.with_active(|active, events| active.handle_use(id, function, now, events));
        if handled.is_none() {
            let verdict = Err(Denied::Over);
            self.events.push_back(RuleEvent::UseDecided { uses: vec![id], function, verdict });
        }
    }

    /// Nobody waits any more for leave to use it.
    pub(crate) fn handle_use_dropped(&mut self, id: UseId, now: Duration) {
        self.with_active(|active, events| active.handle_use_dropped(id, now, events));
    }

    /// Data costs the client money from now on, or not any more.
    pub(crate) fn handle_metered(&mut self, is_metered: bool) {
        self.is_metered = is_metered;
        self.with_active(|active, events| active.handle_metered(is_metered, events));
    }

    /// The session has moved so many bytes.
    pub(crate) fn handle_data_used(&mut self, bytes: u64) {
        self.with_active(|active, events| active.handle_data_used(bytes, events));
    }

    /// What carries much is held, because the session has moved as much as may pass unasked.
    pub(crate) fn handle_past_limit(&mut self, now: Duration) {
        self.with_active(|active, events| active.handle_past_limit(now, events));
    }

    /// The device's battery stands so now; none: nothing is known of one.
    pub(crate) fn handle_battery(&mut self, battery: Option<Battery>) {
        self.with_active(|active, events| active.battery.handle(battery, events));
    }

    /// This of the device's health is worth a warning now.
    pub(crate) fn handle_health(&mut self, found: Vec<(Severity, Concern)>) {
        self.with_active(|active, events| active.health.handle(found, events));
    }

    /// What terminals show is not recorded any more. False if there is no session yet in which both sides can be told.
    pub(crate) fn handle_recording_stopped(&mut self, why: Stop) -> bool {
        self.with_active(|_, events| events.push_back(RuleEvent::RecordingStopped { why })).is_some()
    }

    /// The client gives `session` more time.
    pub(super) fn handle_grant(
        &mut self,
        session: SessionId,
        minutes: u32,
        now: Duration,
    ) -> Result<(), Refusal> {
        let active = self.state.active_mut().filter(|active| active.session == session);
        Ok(active.ok_or(Refusal::NoSession)?.handle_grant(minutes, now, &mut self.events)?)
    }

    /// The engineer says something to the client. False if that was too much, and dropped. Before the session has
    /// begun there is nothing to say.
    pub(crate) fn handle_engineers_chat(&mut self, seat: SeatId, line: &str, now: Duration) -> bool {
        let shown = self.with_active(|active, events| active.handle_engineers_chat(seat, line, now, events));
        shown.unwrap_or(true)
    }

    /// The client says something to the engineer. `has_room`: whether the control channel takes a message now.
    pub(crate) fn handle_clients_chat(
        &mut self,
        line: &str,
        has_room: bool,
        now: Duration,
    ) -> Result<(), Refusal> {
        let said = self.with_active(|active, events| active.handle_clients_chat(line, has_room, now, events));
        said.unwrap_or(Err(Refusal::NoSession))?;
        self.handle_sign(now);
        Ok(())
    }

    /// The engineer's program, started again, wants to pair with the restart key. Returns its request, if it may.
    pub(crate) fn handle_pair_again(&mut self, session: SessionId, run: RunId) -> Option<Request> {
        let (request, returns) = match &mut self.state {
            State::Active(active) => (&active.request, &mut active.returns),
            State::Carrying(carrying) => match &mut **carrying {
                Carrying::Rejoining { carried, returns } => (&carried.request, returns),
                Carrying::Offered { .. } => return None,
            },
            _ => return None,
        };
        let is_welcome = request.session == session && returns.is_new(run);
        is_welcome.then(|| Request { run, ..request.clone() })
    }

    /// The engineer's program is back, in the run it paired in. False if there is no session any more.
    pub(crate) fn handle_returned(&mut self, run: RunId, shows_chat: bool, now: Duration) -> bool {
        let back = self.with_active(|active, events| active.handle_returned(run, shows_chat, now, events));
        back.is_some()
    }
}
