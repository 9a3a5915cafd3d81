//! Everybody who takes part in a session besides the client: one list, by names that are unique in it.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::people::{Attendance, Part, Participant};
use fieldlink_protocol::text;

use super::seat::SeatId;
use super::{Active, Events, Request, RuleEvent};

/// Whom an entry of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An engineer.
    Seat(SeatId),
    /// Somebody with a link.
    Observer(ObserverId),
}

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Whom it is about.
    pub whose: Whose,
    /// What everybody is told.
    pub shown: Participant,
}

/// Name and company, cleaned.
fn names(request: &Request, name: Option<&String>) -> (String, String) {
    let (own, company) = request.names();
    (name.cloned().unwrap_or_else(|| text::name(own)), text::name(company))
}

/// Names that people would take for the same have the same form here.
fn folded(name: &str) -> String {
    text::normalise(name).to_lowercase()
}

impl Active {
    /// Everybody, the engineer whose session it is first.
    pub(crate) fn people(&self) -> Vec<Person> {
        let owner = if self.interrupted.is_some() { Attendance::Away } else { Attendance::Here };
        let mut people = Vec::new();
        add(
            &mut people,
            Whose::Seat(self.seat),
            names(&self.request, self.name.as_ref()),
            (Part::Owner, owner),
        );
        for guest in self.guests.iter() {
            if let Some(standing) = guest.standing() {
                add(
                    &mut people,
                    Whose::Seat(guest.seat),
                    names(&guest.request, guest.name.as_ref()),
                    standing,
                );
            }
        }
        for observer in self.observers.iter() {
            let who = (observer.name.clone(), String::new());
            add(&mut people, Whose::Observer(observer.id), who, (Part::Watching, observer.attendance));
        }
        people
    }

    /// Something of the list has changed, which counts if somebody else is in it.
    pub(super) fn tell_company(&self, events: &mut Events) {
        let has_company = self.guests.iter().next().is_some() || self.observers.iter().next().is_some();
        events.extend(has_company.then_some(RuleEvent::People));
    }

    /// Whom somebody means by `name`.
    pub(crate) fn person(&self, name: &str) -> Option<Person> {
        let meant = folded(name);
        self.people().into_iter().find(|person| folded(&person.shown.name) == meant)
    }

    /// A further engineer comes in. Whatever happens later, they keep the name by which they are known from now on.
    pub(super) fn name_guest(&mut self, seat: SeatId) {
        let Some(guest) = self.guests.find(seat) else { return };
        let name = names(&guest.request, None).0;
        let others = self.people().into_iter().filter(|person| person.whose != Whose::Seat(seat));
        let invited = self.guests.iter().filter(|guest| guest.seat != seat);
        let invited = invited.map(|guest| names(&guest.request, guest.name.as_ref()).0);
        let taken: Vec<_> =
            others.map(|person| person.shown.name).chain(invited).map(|name| folded(&name)).collect();
        let mut candidates =
            std::iter::once(name.clone()).chain((2..).map(|number| format!("{name} ({number})")));
        let unique = candidates.find(|name| !taken.contains(&folded(name)));
        if let Some(guest) = self.guests.find_mut(seat) {
            guest.name = unique;
        }
    }

    /// What the others call the engineer in that place.
    pub(crate) fn name_of(&self, seat: SeatId) -> Option<String> {
        self.people()
            .into_iter()
            .find(|person| person.whose == Whose::Seat(seat))
            .map(|person| person.shown.name)
    }
}

fn add(
    people: &mut Vec<Person>,
    whose: Whose,
    (name, company): (String, String),
    (part, attendance): (Part, Attendance),
) {
    people.push(Person { whose, shown: Participant { name, company, part, attendance, you: false } });
}
