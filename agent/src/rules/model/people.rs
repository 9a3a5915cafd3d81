//! Further people, in any order with everything else.

use std::collections::HashSet;
use std::time::Duration;

use fieldlink_protocol::ids::RunId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::people::{Attendance, Part};
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::policy::Permission;
use fieldlink_protocol::reason::Reason;
use proptest::prelude::*;

use super::super::people::Whose;
use super::super::tests::request;
use super::super::*;

/// What can happen. Numbers choose among who there is.
#[derive(Debug, Clone)]
pub(super) enum PeopleInput {
    JoinCode,
    Try(u8),
    Proven,
    Failed,
    Greeted(bool, bool),
    Admitted(u8),
    Heard(u8),
    LinkDown(u8),
    Over(u8),
    HandOver(u8),
    Removed(u8, bool),
    Observer(bool),
    Watches(u8, bool),
}

pub(super) fn people_input() -> impl Strategy<Value = PeopleInput> {
    use PeopleInput::*;
    prop_oneof![
        3 => Just(JoinCode),
        3 => (0u8..6).prop_map(Try),
        3 => Just(Proven),
        1 => Just(Failed),
        3 => any::<(bool, bool)>().prop_map(|(observes, asks)| Greeted(observes, asks)),
        3 => (0u8..4).prop_map(Admitted),
        2 => (0u8..4).prop_map(Heard),
        1 => (0u8..4).prop_map(LinkDown),
        1 => (0u8..4).prop_map(Over),
        2 => (0u8..6).prop_map(HandOver),
        1 => (0u8..6, any::<bool>()).prop_map(|(n, is_clients)| Removed(n, is_clients)),
        2 => any::<bool>().prop_map(Observer),
        1 => (0u8..4, any::<bool>()).prop_map(|(n, is_here)| Watches(n, is_here)),
    ]
}

/// What the model remembers of them.
#[derive(Default)]
pub(super) struct People {
    /// The place of the code that was drawn last.
    drawn: Option<SeatId>,
    tries: Vec<(SeatId, Request, Charge)>,
    count: u8,
}

impl People {
    pub(super) fn apply(&mut self, input: PeopleInput, rules: &mut Rules, now: Duration) {
        let number = RequestId { seat: owner(rules), number: 9 };
        match input {
            PeopleInput::JoinCode => {
                rules.handle_join_code_wanted(number, (Permission::Ask, Ok(())), now);
                let code = rules.events.iter().rev().find_map(|event| match event {
                    RuleEvent::Guest { seat, event: GuestEvent::CodeDrawn { .. } } => Some(*seat),
                    _ => None,
                });
                self.drawn = code.or(self.drawn);
            }
            PeopleInput::Try(running) => {
                self.count = self.count.wrapping_add(1);
                let (Some(seat), theirs) =
                    (self.drawn, Request { run: RunId::random(), ..request(100 + self.count % 100) })
                else {
                    return;
                };
                let trial = rules.handle_guest_pair(seat, &theirs, (running.into(), 0));
                let charged =
                    trial.and_then(|trial| rules.handle_charge(&trial.registration, theirs.run).ok());
                self.tries.extend(charged.map(|charge| (seat, theirs, charge)));
            }
            PeopleInput::Proven => {
                if let Some((seat, request, charge)) = self.tries.pop() {
                    let _ = rules.handle_guest_verified(seat, (request, charge), now);
                }
            }
            PeopleInput::Failed => {
                if let Some((seat, request, charge)) = self.tries.pop() {
                    rules.handle_guest_failed(seat, (request, charge, Reason::WrongPin));
                }
            }
            input => in_session(input, rules, number, now),
        }
    }
}

/// What happens with those who have proven a code, or may watch.
fn in_session(input: PeopleInput, rules: &mut Rules, number: RequestId, now: Duration) {
    match input {
        PeopleInput::Greeted(observes, asks) => {
            let permission = if asks { Permission::Ask } else { Permission::Allowed };
            for (seat, _) in guests(rules) {
                rules.handle_guest_greeted(seat, (true, observes), permission, now);
            }
        }
        PeopleInput::Admitted(n) => {
            if let Some((seat, request)) = choose(guests(rules), n) {
                rules.handle_guest_admitted(seat, request.session, now);
            }
        }
        PeopleInput::Heard(n) => {
            choose(guests(rules), n)
                .into_iter()
                .for_each(|(seat, _)| rules.handle_guest_heard(seat, now, true));
        }
        PeopleInput::LinkDown(n) => choose(guests(rules), n)
            .into_iter()
            .for_each(|(seat, _)| rules.handle_guest_link_down(seat, "cut".into())),
        PeopleInput::Over(n) => choose(guests(rules), n)
            .into_iter()
            .for_each(|(seat, _)| rules.handle_guest_over(seat, Reason::EngineerEnded, now)),
        PeopleInput::HandOver(n) => {
            choose(names(rules), n).into_iter().for_each(|name| rules.handle_hand_over(number, &name, now));
        }
        PeopleInput::Removed(n, true) => choose(names(rules), n).into_iter().for_each(|name| {
            let _ = rules.handle_order(Order::Remove(name), now);
        }),
        PeopleInput::Removed(n, false) => {
            choose(names(rules), n).into_iter().for_each(|name| rules.handle_removal(number, &name, now));
        }
        PeopleInput::Observer(asks) => {
            let permission = if asks { Permission::Ask } else { Permission::Allowed };
            let wanted = Watching { name: "Carol".into(), report: asks };
            rules.handle_observer_wanted(number, wanted, (permission, Ok(())), now);
        }
        PeopleInput::Watches(n, is_here) => {
            let watching = people(rules).into_iter().filter_map(|person| match person.whose {
                Whose::Observer(observer) => Some(observer),
                Whose::Seat(_) => None,
            });
            let attendance = if is_here { Attendance::Here } else { Attendance::Away };
            choose(watching.collect(), n)
                .into_iter()
                .for_each(|observer| rules.handle_observer_is(observer, attendance));
        }
        PeopleInput::JoinCode | PeopleInput::Try(_) | PeopleInput::Proven | PeopleInput::Failed => {}
    }
}

/// What always holds of them.
pub(super) fn check(rules: &Rules) -> Result<(), TestCaseError> {
    let Some(active) = rules.state().active() else { return Ok(()) };
    let seats: HashSet<SeatId> = guests(rules).into_iter().map(|(seat, _)| seat).collect();
    prop_assert!(!seats.contains(&active.seat), "nobody sits in two places");
    prop_assert!(seats.len() <= limits::GUESTS);
    let people = people(rules);
    let names: HashSet<String> = people.iter().map(|person| person.shown.name.to_lowercase()).collect();
    prop_assert_eq!(names.len(), people.len(), "names are told apart");
    let owners = people.iter().filter(|person| person.shown.part == Part::Owner).count();
    prop_assert_eq!(owners, 1);
    let watching = people.iter().filter(|person| person.shown.part == Part::Watching).count();
    prop_assert!(watching <= limits::OBSERVERS);
    for (seat, request) in guests(rules) {
        let may_open = rules.admits_pipes_of(seat, request.session);
        prop_assert!(
            !may_open || !rules.observes(seat) && rules.hears(seat),
            "only who works in it opens anything"
        );
    }
    Ok(())
}

fn owner(rules: &Rules) -> SeatId {
    rules.state().active().map_or(SeatId::FIRST, |active| active.seat)
}

fn people(rules: &Rules) -> Vec<Person> {
    rules.state().active().map_or_else(Vec::new, Active::people)
}

fn names(rules: &Rules) -> Vec<String> {
    people(rules).into_iter().map(|person| person.shown.name).collect()
}

fn guests(rules: &Rules) -> Vec<(SeatId, Request)> {
    let guests = rules.state().active().into_iter().flat_map(|active| active.guests.iter());
    guests.map(|guest| (guest.seat, guest.request.clone())).collect()
}

fn choose<T>(mut among: Vec<T>, n: u8) -> Option<T> {
    let count = among.len();
    (count > 0).then(|| among.swap_remove(usize::from(n) % count))
}
