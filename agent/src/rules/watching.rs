//! How somebody comes to watch with a link, and stops.

use std::time::Duration;

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::policy::Permission;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;

use super::event::RuleEvent;
use super::observers::Watching;
use super::seat::RequestId;
use super::{Active, Events, Rules};

impl Active {
    /// The client agreed that somebody watches.
    pub(super) fn handle_yes_to_observer(
        &mut self,
        request: RequestId,
        wanted: Watching,
        events: &mut Events,
    ) {
        match self.observer_hindrance(&wanted.name) {
            Some(why) => events.push_back(RuleEvent::NotAsked { request, answer: Answer::NotNow { why } }),
            None => self.observers.add(request, wanted, events),
        }
    }

    fn observer_hindrance(&self, name: &str) -> Option<NotNow> {
        match () {
            () if !self.observers.has_room() => Some(NotNow::TooMany),
            // What nobody can read is nobody's name.
            () if name.trim().is_empty() || self.person(name).is_some() => Some(NotNow::NameTaken),
            () => None,
        }
    }
}

impl Rules {
    /// The engineer wants somebody to watch. `able`: whether that can be done here.
    pub(crate) fn handle_observer_wanted(
        &mut self,
        request: RequestId,
        Watching { name, report }: Watching,
        (permission, able): (Permission, Result<(), NotNow>),
        now: Duration,
    ) {
        let name = text::name(name.trim());
        let hindrance = self.state.active().and_then(|active| active.observer_hindrance(&name));
        let why_not = match (permission, able) {
            (Permission::Never, _) => Some(NotNow::Never),
            (_, Err(why)) => Some(why),
            _ => hindrance,
        };
        match (why_not, permission, self.state.active_mut()) {
            (Some(why), ..) => {
                self.events.push_back(RuleEvent::NotAsked { request, answer: Answer::NotNow { why } });
            }
            // What leaves the device does so with the client's own yes.
            (None, Permission::Allowed, Some(active)) if !report => {
                active.observers.add(request, Watching { name, report: false }, &mut self.events)
            }
            _ => self.handle_question(request, Question::Observer { name, report }, now),
        }
    }

    /// The link could not be made after all.
    pub(crate) fn handle_link_failed(&mut self, request: RequestId, observer: ObserverId) {
        if let Some(active) = self.state.active_mut()
            && active.observers.remove(observer, Reason::ScannerFailed, &mut self.events)
        {
            let answer = Answer::NotNow { why: NotNow::Unable };
            self.events.push_back(RuleEvent::NotAsked { request, answer });
        }
    }

    /// Somebody with a link is there, or no longer.
    pub(crate) fn handle_observer_is(&mut self, observer: ObserverId, attendance: Attendance) {
        if let Some(active) = self.state.active_mut() {
            active.observers.handle_is(observer, attendance, &mut self.events);
        }
    }
}
