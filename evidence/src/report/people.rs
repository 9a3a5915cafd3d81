//! Who took part in a session.

use std::collections::BTreeMap;

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;

use crate::{Certified, Entry, Event, Person, Stamp, Use};

/// An engineer who came in, or asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Their place in the session.
    pub seat: u64,
    /// Who they are.
    pub person: Person,
    /// What proves it; none: the relay says so.
    pub certified: Option<Box<Certified>>,
    /// Their part.
    pub role: Role,
    /// Since when they were in.
    pub came: Option<Stamp>,
    /// Until when, and why they left.
    pub left: Option<(Stamp, Reason)>,
}

/// The part of an engineer in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// They asked to come in, and the record does not say that they did.
    Asked,
    /// The session is theirs.
    Owner,
    /// It was theirs, and was handed over.
    Former,
    /// They worked on the device, too.
    Further,
    /// They only watched.
    Observer,
}

/// Somebody with a link to watch with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    /// The link.
    pub id: ObserverId,
    /// Who, as the engineer called them.
    pub name: String,
    /// Since when they watched.
    pub came: Option<Stamp>,
    /// Until when the link was good, and why not any longer.
    pub over: Option<(Stamp, Reason)>,
}

/// The engineers of an account, by their places.
pub(super) fn attendees(entries: &[Entry]) -> Vec<Attendee> {
    let mut people = BTreeMap::new();
    entries.iter().for_each(|entry| follow(&mut people, entry));
    people.into_values().collect()
}

fn follow(people: &mut BTreeMap<u64, Attendee>, Entry { at, event, .. }: &Entry) {
    let mut change = |seat: &u64, change: &dyn Fn(&mut Attendee)| {
        if let Some(attendee) = people.get_mut(seat) {
            change(attendee);
        }
    };
    match event {
        Event::LetInByPin { person, seat, certified } => {
            let attendee = people.entry(*seat).or_insert_with(|| asked(*seat, person, certified));
            come(attendee, at, Role::Owner);
        }
        Event::ConsentAsked { person, seat, certified }
        | Event::GuestLetIn { person, seat, certified, .. }
        | Event::LeaveAsked { leave: Use::Guest { seat, person, certified, .. }, .. } => {
            people.entry(*seat).or_insert_with(|| asked(*seat, person, certified));
        }
        Event::ConsentGiven { seat } => change(seat, &|attendee| come(attendee, at, Role::Owner)),
        Event::EngineerJoined { seat, observes } => {
            let role = if *observes { Role::Observer } else { Role::Further };
            change(seat, &|attendee| come(attendee, at, role));
        }
        Event::EngineerLeft { seat, reason } => change(seat, &|attendee| leave(attendee, at, *reason)),
        Event::HandedOver { from, to, reason } => {
            change(from, &|attendee| attendee.role = Role::Former);
            change(to, &|attendee| attendee.role = Role::Owner);
            if let Some(reason) = reason {
                change(from, &|attendee| leave(attendee, at, *reason));
            }
        }
        Event::CarryOnAgreed {} => people.values_mut().for_each(carry_on),
        Event::SessionEnded { reason, .. } => {
            people.values_mut().for_each(|attendee| leave(attendee, at, *reason));
        }
        _ => {}
    }
}

fn asked(seat: u64, person: &Person, certified: &Option<Box<Certified>>) -> Attendee {
    let (person, certified) = (person.clone(), certified.clone());
    Attendee { seat, person, certified, role: Role::Asked, came: None, left: None }
}

fn come(attendee: &mut Attendee, at: &Stamp, role: Role) {
    attendee.role = role;
    attendee.left = None;
    attendee.came.get_or_insert_with(|| at.clone());
}

fn leave(attendee: &mut Attendee, at: &Stamp, reason: Reason) {
    if attendee.came.is_some() {
        attendee.left.get_or_insert_with(|| (at.clone(), reason));
    }
}

/// The session goes on after a restart, for those who were in it.
fn carry_on(attendee: &mut Attendee) {
    let is_back = |(_, reason): &mut (Stamp, Reason)| *reason == Reason::Restarting;
    attendee.left.take_if(is_back);
}

/// Those with a link, in the order in which they were invited.
pub(super) fn watchers(entries: &[Entry]) -> Vec<Watcher> {
    let (mut watchers, mut places) = (Vec::new(), BTreeMap::new());
    for Entry { at, event, .. } in entries {
        match event {
            Event::ObserverInvited { id, name } => {
                places.insert(*id, watchers.len());
                watchers.push(Watcher { id: *id, name: name.clone(), came: None, over: None });
            }
            Event::ObserverIs { id, attendance: Attendance::Here } => {
                if let Some(watcher) = places.get(id).and_then(|place| watchers.get_mut(*place)) {
                    watcher.came.get_or_insert_with(|| at.clone());
                }
            }
            Event::ObserverOver { id, reason } => {
                if let Some(watcher) = places.get(id).and_then(|place| watchers.get_mut(*place)) {
                    watcher.over.get_or_insert_with(|| (at.clone(), *reason));
                }
            }
            _ => {}
        }
    }
    watchers
}
