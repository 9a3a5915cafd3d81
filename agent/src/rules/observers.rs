//! Those who only watch, with a link: who they are, and whether they are there.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;

use super::Events;
use super::event::RuleEvent;
use super::people_event::ObserverEvent;
use super::seat::RequestId;

/// Somebody who is to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watching {
    /// Who, as the engineer named them.
    pub name: String,
    /// Whether they are to get the report, too.
    pub report: bool,
}

/// Somebody with a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observer {
    /// The link.
    pub id: ObserverId,
    /// Who, as the engineer named them. Cleaned.
    pub name: String,
    /// Whether they are there.
    pub attendance: Attendance,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    list: Vec<Observer>,
    /// How many there were.
    made: usize,
}

impl Observers {
    /// Whether one more may watch.
    pub(super) fn has_room(&self) -> bool {
        self.list.len() < limits::OBSERVERS && self.made < limits::LINKS
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Observer> {
        self.list.iter()
    }

    /// One more. Their link follows.
    pub(super) fn add(&mut self, request: RequestId, wanted: Watching, events: &mut Events) {
        let (observer, Watching { name, report }) = (ObserverId::random(), wanted);
        let event = ObserverEvent::Allowed { request, report };
        self.made += 1;
        self.list.push(Observer { id: observer, name: name.clone(), attendance: Attendance::Invited });
        events.push_back(RuleEvent::Observer { observer, name, event });
        events.push_back(RuleEvent::People);
    }

    /// Whether they are there.
    pub(super) fn handle_is(&mut self, id: ObserverId, attendance: Attendance, events: &mut Events) {
        let Some(observer) = self.list.iter_mut().find(|observer| observer.id == id) else { return };
        let before = std::mem::replace(&mut observer.attendance, attendance);
        if before != attendance {
            let event = ObserverEvent::Is(attendance);
            events.push_back(RuleEvent::Observer { observer: id, name: observer.name.clone(), event });
            events.push_back(RuleEvent::People);
        }
    }

    /// Their link is good no longer. False: there is none such.
    pub(super) fn remove(&mut self, id: ObserverId, reason: Reason, events: &mut Events) -> bool {
        let removed = self.list.extract_if(.., |observer| observer.id == id).next();
        let is_removed = removed.is_some();
        if let Some(Observer { id: observer, name, .. }) = removed {
            let event = ObserverEvent::Over(reason);
            events.extend([RuleEvent::Observer { observer, name, event }, RuleEvent::People]);
        }
        is_removed
    }

    /// The session is over, or its device restarts.
    pub(super) fn remove_all(&mut self, reason: Reason, events: &mut Events) {
        let over = self.list.drain(..).map(|Observer { id: observer, name, .. }| RuleEvent::Observer {
            observer,
            name,
            event: ObserverEvent::Over(reason),
        });
        events.extend(over);
    }
}
