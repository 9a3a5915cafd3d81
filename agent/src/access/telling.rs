//! What the engineer's program is told of the rules' events, under the seal, as far as it understands.

use std::time::Duration;

use std::collections::HashMap;

use fieldlink_protocol::feature;
use fieldlink_protocol::messages::control::{ClientPresence, FromAgent};
use fieldlink_protocol::messages::observer::Seen;
use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::messages::questions::Answer;

use super::Access;
use crate::clock;
use crate::rules::{Guest, OperationStatus, Person, Presence, RequestId, RuleEvent, SeatId, Whose};
use crate::session::LiveSession;

impl Access {
    pub(super) fn tell_engineer(&self, event: &RuleEvent) {
        match event {
            RuleEvent::ConsentAsked { patience, .. } => {
                self.say(FromAgent::Asking { seconds: patience.as_secs() as u32 });
            }
            RuleEvent::NotAsked { request, answer } | RuleEvent::Answered { request, answer, .. } => {
                let answer = answer.clone();
                let knows_languages = self.engineer_has(feature::STEPS);
                let answer = if knows_languages { answer } else { answer.without_language() };
                self.answer(*request, answer);
            }
            RuleEvent::Announced { request } => {
                self.answer(*request, Answer::Taken {});
            }
            RuleEvent::PresenceAsked { .. } => self.say_of_client(ClientPresence::Asked),
            RuleEvent::ClientAway { is_held: true } => self.say_of_client(ClientPresence::Held),
            RuleEvent::ClientAway { is_held: false } => self.say_of_client(ClientPresence::Away),
            RuleEvent::ClientHere { .. } => self.say_of_client(ClientPresence::Here),
            RuleEvent::DataUsed { .. } | RuleEvent::Transfers { .. } => self.say_data(),
            RuleEvent::OperationTold { status } => self.say_operation(status),
            RuleEvent::QuietBegan { until, .. } => self.say_quiet(Some(*until)),
            RuleEvent::QuietOver => self.say_quiet(None),
            RuleEvent::Runbook(event) => self.tell_of_runbook(event),
            RuleEvent::BatteryIs { low } => self.say_battery(*low),
            RuleEvent::HealthWarned { concern } => {
                self.say_to_all(feature::HEALTH, &FromAgent::HealthWarned { concern: concern.clone() });
            }
            RuleEvent::Chat { from: None, text } => {
                self.say_to_all(feature::CHAT, &FromAgent::Chat { text: text.clone() });
            }
            RuleEvent::ChatAgain { text } => self.say(FromAgent::Chat { text: text.clone() }),
            RuleEvent::Chat { from: Some(seat), text } => self.say_to_others(*seat, text),
            RuleEvent::People => self.say_people(),
            RuleEvent::RecordingStopped { .. } => {
                self.say_to_all(feature::RECORDING, &FromAgent::RecordingStopped {});
            }
            _ => {}
        }
    }

    /// What the engineer's program before this one was told.
    pub(super) fn say_standing(&self) {
        let Some(active) = self.rules.state().active() else { return };
        presence_of(active.presence()).into_iter().for_each(|state| self.say_of_client(state));
        self.say_quiet(active.quiet().map(|quiet| quiet.until));
        self.say_battery(active.low_battery());
        self.say_data();
        self.say_runbook();
        self.rules.operation().into_iter().for_each(|status| self.say_operation(status));
        self.say_people();
    }

    /// Answers a request of an engineer's.
    pub(super) fn answer(&self, request: RequestId, answer: Answer) {
        self.say_to(request.seat, FromAgent::Answered { request: request.number, answer });
    }

    /// Tells the engineer in that place something.
    pub(super) fn say_to(&self, seat: SeatId, message: FromAgent) {
        if let Some(session) = self.session_of(seat) {
            // What is dropped is logged there.
            session.say(message);
        }
    }

    /// The connections of the engineer in that place.
    fn session_of(&self, seat: SeatId) -> Option<&LiveSession> {
        match self.seats.find(seat) {
            Some(place) => place.live.as_ref(),
            // Whoever has left meanwhile hears nothing of it.
            None => self.session.as_ref().filter(|_| seat == self.owners_seat()),
        }
    }

    fn owners_seat(&self) -> SeatId {
        self.rules.state().active().map_or(SeatId::FIRST, |active| active.seat)
    }

    /// Everybody's connections.
    fn sessions(&self) -> impl Iterator<Item = (SeatId, &LiveSession)> {
        let owners = self.session.as_ref().map(|session| (self.owners_seat(), session));
        let is_in = |seat| self.rules.state().active().and_then(|active| active.guests.find(seat));
        let guests = self.seats.iter().filter(move |place| is_in(place.id).is_some_and(Guest::is_in));
        owners.into_iter().chain(guests.filter_map(|place| Some((place.id, place.live.as_ref()?))))
    }

    /// Tells every engineer whose program understands it.
    fn say_to_all(&self, feature: &str, message: &FromAgent) {
        for (_, session) in self.sessions().filter(|(_, session)| session.engineer_has(feature)) {
            session.say(message.clone());
        }
    }

    /// A line of chat of one engineer's, to the others.
    fn say_to_others(&self, seat: SeatId, text: &str) {
        let event = Seen::Chat { from_engineer: true, text: text.to_owned() };
        for (other, session) in self.sessions().filter(|(other, _)| *other != seat) {
            if session.engineer_has(feature::PEOPLE) && !self.rules.observes(other) {
                session.say(FromAgent::Seen { event: event.clone() });
            }
        }
    }

    /// Who takes part.
    fn say_people(&self) {
        let Some(active) = self.rules.state().active() else { return };
        let people = active.people();
        for (seat, session) in self.sessions().filter(|(_, session)| session.engineer_has(feature::PEOPLE)) {
            let of = |person: &Person| Participant {
                you: person.whose == Whose::Seat(seat),
                ..person.shown.clone()
            };
            session.say(FromAgent::People { people: people.iter().map(of).collect() });
        }
        self.name_channels(&people);
        self.observers.tell(Seen::People { people: people.into_iter().map(|person| person.shown).collect() });
    }

    /// While there are several engineers, what is shown of their channels says whose they are.
    fn name_channels(&self, people: &[Person]) {
        let engineer = |seat: SeatId| {
            let active = self.rules.state().active()?;
            let owners = (active.seat == seat).then_some(&active.request);
            owners.or_else(|| self.rules.request_of(seat)).map(|request| request.engineer.id)
        };
        let named = people.iter().filter_map(|person| match person.whose {
            Whose::Seat(seat) => Some((engineer(seat)?, person.shown.name.clone())),
            Whose::Observer(_) => None,
        });
        let names: HashMap<_, _> = named.collect();
        if let Some(watched) = self.around.live.current() {
            watched.set_names(if names.len() > 1 { names } else { HashMap::new() });
        }
    }

    /// Tells a further engineer how everything stands.
    pub(super) fn say_standing_to(&self, seat: SeatId) {
        let (Some(active), Some(session)) = (self.rules.state().active(), self.session_of(seat)) else {
            return;
        };
        let say = |feature: &str, message| {
            if session.engineer_has(feature) {
                session.say(message);
            }
        };
        if let Some(state) = presence_of(active.presence()) {
            say(feature::PRESENCE, FromAgent::Presence { state });
        }
        let (bytes, _) = active.data_used();
        say(feature::DATA, FromAgent::Data { bytes, transfers: active.transfers() });
        say(feature::BATTERY, FromAgent::Battery { percent: active.low_battery() });
        self.say_people();
    }

    pub(super) fn say(&self, message: FromAgent) {
        if let Some(session) = &self.session {
            // What is dropped is logged there.
            session.say(message);
        }
    }

    pub(super) fn engineer_has(&self, feature: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.engineer_has(feature))
    }

    fn say_of_client(&self, state: ClientPresence) {
        self.say_to_all(feature::PRESENCE, &FromAgent::Presence { state });
    }

    fn say_operation(&self, OperationStatus { name, state, .. }: &OperationStatus) {
        if self.rules.state().active().is_some() {
            let (operation, state) = (name.clone(), *state);
            self.say_to_all(feature::OPERATIONS, &FromAgent::Operation { operation, state });
        }
    }

    fn say_data(&self) {
        let Some(active) = self.rules.state().active() else { return };
        let (bytes, _) = active.data_used();
        self.say_to_all(feature::DATA, &FromAgent::Data { bytes, transfers: active.transfers() });
    }

    /// Until when, in time since boot.
    fn say_quiet(&self, until: Option<Duration>) {
        let left = until.map_or(Duration::ZERO, |until| until.saturating_sub(clock::now()));
        let seconds = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        self.say_to_all(feature::QUIET, &FromAgent::Quiet { seconds });
    }

    fn say_battery(&self, percent: Option<u8>) {
        self.say_to_all(feature::BATTERY, &FromAgent::Battery { percent });
    }
}

fn presence_of(presence: Presence) -> Option<ClientPresence> {
    match presence {
        Presence::Here { .. } => None,
        Presence::Asked { .. } => Some(ClientPresence::Asked),
        Presence::Away { is_held: false } => Some(ClientPresence::Away),
        Presence::Away { is_held: true } => Some(ClientPresence::Held),
    }
}
