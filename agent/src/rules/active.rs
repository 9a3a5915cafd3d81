//! An active session: its deadline, whether the engineer's side is heard, and what the client is being asked.

use std::time::Duration;

use fieldlink_protocol::ids::{RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;

use super::battery::BatteryCheck;
use super::conversation::{Rate, Rates, Said};
use super::data::DataUse;
use super::event::{DataVerdict, RuleEvent};
use super::guests::Guests;
use super::health::HealthCheck;
use super::observers::Observers;
use super::operation::Wishes;
use super::policy::Leaves;
use super::presence::{Presence, PresenceCheck};
use super::question::Asked;
use super::quiet::{Quiet, Quietness};
use super::runbook::Following;
use super::seat::SeatId;
use super::{Events, Refusal, Request, Returns};

/// When the client is reminded of the end, in minutes before it.
const REMINDERS: [u64; 3] = [10, 5, 1];

/// A session in which the engineer works.
pub(crate) struct Active {
    /// The session, by the name that it began with.
    pub session: SessionId,
    /// The place of the engineer whose session it is.
    pub seat: SeatId,
    /// The engineer, and the run in use: each return of their program changes the run.
    pub request: Request,
    /// The latest that the client can make its end.
    pub(super) most_deadline: Duration,
    /// When it is over.
    pub deadline: Duration,
    /// When the control pipe was last heard.
    heard: Duration,
    /// Why the engineer's side is out of reach, if it is.
    pub interrupted: Option<String>,
    /// How the engineer's program came back after it was started again.
    pub returns: Returns,
    /// What the client is being asked, apart from more time.
    pub(super) asked: Option<Asked>,
    /// The engineer's request for more time, which stays answerable until the session is over.
    pub(super) more_time: Option<Asked>,
    /// Whether more data may be moved: what carries much waits for the answer.
    pub(super) asked_of_data: Option<Asked>,
    /// The next reminder, in minutes before the end.
    reminder: Option<u64>,
    /// Whether the engineer's program shows lines of chat.
    shows_chat: bool,
    /// Of the engineer whose session it is.
    rates: Rates,
    /// Questions that the use of a function leads to, whoever uses it.
    pub(super) uses: Rate,
    /// Whether the client is there.
    pub(super) presence: PresenceCheck,
    /// Whether the engineer has announced to work alone.
    pub(super) quiet: Quietness,
    said: Said,
    /// What the client has agreed to, and what waits for that.
    pub(super) leaves: Leaves,
    /// The operation that the engineer wants to start.
    pub(super) wishes: Wishes,
    /// How much the session moves.
    pub(super) data: DataUse,
    pub(super) battery: BatteryCheck,
    pub(super) health: HealthCheck,
    /// The support case with which the session began.
    pub case: String,
    /// What the others call the engineer, if somebody else had their name when they came in.
    pub(super) name: Option<String>,
    /// The further engineers.
    pub guests: Guests,
    /// Those who only watch, with a link.
    pub observers: Observers,
    /// The runbook that the engineer goes through.
    pub(super) following: Following,
}

/// What an active session waits for, by rank: of several that are due at once, say after the device slept, the first
/// is carried out.
#[derive(Debug, Clone, Copy)]
enum Timer {
    /// The session is over.
    TimeUp,
    /// The engineer's side was out of reach for too long.
    Silence,
    /// The quiet period is over.
    QuietOver,
    /// The question counts as not answered.
    Question,
    /// The question about more data counts as not answered.
    DataQuestion,
    Guests,
    /// The client's no to more data has stood for long enough.
    NoIsOver,
    /// The client is told how much time is left.
    Reminder,
    /// The client is asked whether they are there, or has not said so.
    Presence,
    /// The engineer's side counts as out of reach.
    Interruption,
}

impl Active {
    pub(super) fn begin(
        request: Request,
        shows_chat: bool,
        (deadline, most_deadline): (Duration, Duration),
        (presence, data): (PresenceCheck, DataUse),
        now: Duration,
    ) -> Self {
        let mut active = Self {
            session: request.session,
            seat: SeatId::FIRST,
            returns: Returns::since(request.run),
            case: request.ticket.clone(),
            request,
            most_deadline,
            deadline,
            heard: now,
            interrupted: None,
            asked: None,
            more_time: None,
            asked_of_data: None,
            reminder: None,
            shows_chat,
            rates: Rates::default(),
            uses: Rate::of_questions(),
            presence,
            quiet: Quietness::default(),
            said: Said::default(),
            leaves: Leaves::default(),
            wishes: Wishes::default(),
            data,
            battery: BatteryCheck::default(),
            health: HealthCheck::default(),
            name: None,
            guests: Guests::default(),
            observers: Observers::default(),
            following: Following::default(),
        };
        active.set_reminder(now);
        active
    }

    /// The question that is shown: what waits for data first, a request for more time behind the others.
    pub(crate) fn question(&self) -> Option<&Asked> {
        self.asked_of_data.as_ref().or(self.asked.as_ref()).or(self.more_time.as_ref())
    }

    /// When the engineer's side was heard last, if it is out of reach.
    pub(super) fn lost(&self) -> Option<Duration> {
        self.interrupted.is_some().then_some(self.heard)
    }

    /// By how much the client can make it longer still.
    pub(crate) fn extendable(&self) -> Duration {
        self.most_deadline.saturating_sub(self.deadline)
    }

    /// Whether the client is there.
    pub(crate) fn presence(&self) -> Presence {
        self.presence.state()
    }

    /// Bytes that the session has moved, and whether they may cost the client money.
    pub(crate) fn data_used(&self) -> (u64, bool) {
        self.data.used()
    }

    /// What becomes of channels that carry much.
    pub(crate) fn transfers(&self) -> Transfers {
        self.data.transfers().0
    }

    /// Percent that are left in the device's battery, if they are few.
    pub(crate) fn low_battery(&self) -> Option<u8> {
        self.battery.low()
    }

    /// The quiet period of now, if there is one.
    pub(crate) fn quiet(&self) -> Option<&Quiet> {
        self.quiet.now()
    }

    pub(super) fn handle_heard(&mut self, now: Duration, events: &mut Events) {
        self.heard = now;
        self.resume(events);
    }

    pub(super) fn handle_link_up(&mut self, now: Duration, events: &mut Events) {
        if now < self.heard + limits::HEARTBEAT_LOST {
            self.resume(events);
        }
    }

    fn resume(&mut self, events: &mut Events) {
        if self.interrupted.take().is_some() {
            events.push_back(RuleEvent::Resumed);
            self.tell_company(events);
        }
    }

    pub(super) fn handle_link_down(&mut self, problem: String, events: &mut Events) {
        if self.interrupted.replace(problem.clone()).is_none() {
            events.push_back(RuleEvent::Interrupted { problem });
            self.tell_company(events);
        }
    }

    /// How much the engineer in that place may say.
    pub(super) fn rates(&mut self, seat: SeatId) -> &mut Rates {
        match self.guests.find_mut(seat) {
            Some(guest) => &mut guest.rates,
            None => &mut self.rates,
        }
    }

    /// The engineer says something. False if that was too much, and dropped.
    pub(super) fn handle_engineers_chat(
        &mut self,
        seat: SeatId,
        line: &str,
        now: Duration,
        events: &mut Events,
    ) -> bool {
        let is_permitted = self.rates(seat).chat.permits(now);
        if is_permitted {
            let line = match self.name_of(seat).filter(|_| seat != self.seat) {
                Some(name) => format!("{name}: {line}"),
                None => line.to_owned(),
            };
            let text = text::clean_to_fit(&line, limits::CHAT);
            events.push_back(RuleEvent::Chat { from: Some(seat), text });
        }
        is_permitted
    }

    /// The engineer whose session it is and a further one, who can have it, change places. Gives the place of the former.
    pub(super) fn trade_places(&mut self, to: SeatId) -> Option<SeatId> {
        let guest = self.guests.find_mut(to).filter(|guest| guest.can_own())?;
        let former = self.seat;
        std::mem::swap(&mut self.seat, &mut guest.seat);
        std::mem::swap(&mut self.request, &mut guest.request);
        std::mem::swap(&mut self.name, &mut guest.name);
        std::mem::swap(&mut self.heard, &mut guest.heard);
        std::mem::swap(&mut self.interrupted, &mut guest.interrupted);
        std::mem::swap(&mut self.returns, &mut guest.returns);
        std::mem::swap(&mut self.shows_chat, &mut guest.shows_chat);
        std::mem::swap(&mut self.rates, &mut guest.rates);
        Some(former)
    }

    /// The client says something. `has_room`: whether the control channel takes a message now.
    pub(super) fn handle_clients_chat(
        &mut self,
        line: &str,
        has_room: bool,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        if !self.shows_chat {
            return Err(Refusal::NoChat);
        }
        if !has_room {
            return Err(Refusal::NotTaken);
        }
        let text = text::clean_to_fit(line.trim(), limits::CHAT);
        let text = text::fit(&text, limits::CHAT).to_owned();
        self.said.add(now, &text);
        events.push_back(RuleEvent::Chat { from: None, text });
        if self.interrupted.is_some() {
            events.push_back(RuleEvent::ChatDelayed);
        }
        Ok(())
    }

    /// The engineer's program is back, in the run it paired in: nothing else changes, least of all the deadline.
    pub(super) fn handle_returned(
        &mut self,
        run: RunId,
        shows_chat: bool,
        now: Duration,
        events: &mut Events,
    ) {
        let heard = std::mem::replace(&mut self.heard, now);
        (self.request.run, self.interrupted, self.shows_chat) = (run, None, shows_chat);
        self.returns.count += 1;
        events.push_back(RuleEvent::Returned { request: self.request.clone(), deadline: self.deadline });
        if shows_chat {
            events.extend(self.said.take_unheard(heard).map(|text| RuleEvent::ChatAgain { text }));
        }
        self.withdraw_engineers(self.seat, now, events);
    }

    pub(super) fn set_reminder(&mut self, now: Duration) {
        let lies_ahead = |minutes: &&u64| self.deadline > now + Duration::from_secs(**minutes * 60);
        self.reminder = REMINDERS.iter().find(lies_ahead).copied();
    }

    fn timers(&self, patience: Duration) -> impl Iterator<Item = (Timer, Duration)> {
        let is_interrupted = self.interrupted.is_some();
        let reminder = |minutes| self.deadline.saturating_sub(Duration::from_secs(minutes * 60));
        [
            (Timer::TimeUp, Some(self.deadline)),
            (Timer::Silence, is_interrupted.then(|| self.heard + patience)),
            (Timer::QuietOver, self.quiet.poll_timeout()),
            (Timer::Question, self.asked.as_ref().map(|asked| asked.until)),
            (Timer::DataQuestion, self.asked_of_data.as_ref().map(|asked| asked.until)),
            (Timer::Guests, self.guests.poll_timeout(patience)),
            (Timer::NoIsOver, self.data.poll_timeout()),
            (Timer::Reminder, self.reminder.map(reminder)),
            (Timer::Presence, self.presence.poll_timeout(self.quiet.now().is_some())),
            (Timer::Interruption, (!is_interrupted).then(|| self.heard + limits::HEARTBEAT_LOST)),
        ]
        .into_iter()
        .filter_map(|(timer, due)| Some((timer, due?)))
    }

    pub(super) fn poll_timeout(&self, patience: Duration) -> Duration {
        self.timers(patience).map(|(_, due)| due).fold(self.deadline, Duration::min)
    }

    /// Carries out the one thing that is due by [`Timer`]'s rank. Returns why the session is over, if it is.
    pub(super) fn handle_timeout(
        &mut self,
        patience: Duration,
        now: Duration,
        events: &mut Events,
    ) -> Option<Reason> {
        let (timer, _) = self.timers(patience).find(|(_, due)| *due <= now)?;
        match timer {
            Timer::TimeUp => return Some(Reason::TimeUp),
            Timer::Silence => return Some(Reason::Silence),
            Timer::QuietOver => self.end_quiet(now, events),
            Timer::Question => self.handle_no_answer(now, events),
            Timer::DataQuestion => self.settle_data(DataVerdict::Unanswered, now, events),
            Timer::Guests => {
                for seat in self.guests.handle_timeout(patience, now, events) {
                    self.forget_seat(seat, now, events);
                }
            }
            Timer::NoIsOver => self.handle_no_is_over(events),
            Timer::Presence => self.presence.handle_timeout(now, events),
            Timer::Reminder => {
                events.extend(self.reminder.map(|minutes| RuleEvent::TimeLeft { minutes }));
                self.set_reminder(now);
            }
            Timer::Interruption => {
                self.handle_link_down("nothing comes through any more".to_owned(), events);
            }
        }
        None
    }
}
