//! Who comes and who leaves.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;

use super::{Line, Teller, Topic};
use crate::Person;

impl Teller<'_> {
    pub(super) fn join_failed(&self, person: &Person, reason: Reason) -> Line {
        let cause = self.words.cause(reason, false);
        let arguments = [
            ("person", (&person.name).into()),
            ("company", (&person.company).into()),
            ("cause", cause.into()),
        ];
        self.with(Topic::Trouble, "line-join-failed", &arguments)
    }

    pub(super) fn joined(&self, seat: u64, observes: bool) -> Line {
        self.of_seat(Topic::Session, if observes { "line-joined-observes" } else { "line-joined" }, seat)
    }

    pub(super) fn left(&self, seat: u64, reason: Reason) -> Line {
        let (person, cause) = (self.person(seat), self.words.cause(reason, false));
        self.with(Topic::Session, "line-left", &[("person", person.into()), ("cause", cause.into())])
    }

    pub(super) fn handed_over(&self, from: u64, to: u64, reason: Option<Reason>) -> Line {
        let mut arguments = vec![("from", self.person(from).into()), ("to", self.person(to).into())];
        let Some(reason) = reason else {
            return self.with(Topic::Session, "line-handed-over", &arguments);
        };
        arguments.push(("cause", self.words.cause(reason, false).into()));
        self.with(Topic::Session, "line-handed-over-gone", &arguments)
    }

    fn watcher(&self, id: &ObserverId) -> String {
        let name = self.watchers.get(id).map(|name| (*name).to_owned());
        name.unwrap_or_else(|| self.words.say("unknown-observer"))
    }

    pub(super) fn observer_is(&self, id: &ObserverId, attendance: Attendance) -> Line {
        let line = match attendance {
            Attendance::Invited => "line-observer-invited-here",
            Attendance::Here => "line-observer-here",
            Attendance::Away => "line-observer-away",
        };
        self.with(Topic::Session, line, &[("name", self.watcher(id).into())])
    }

    pub(super) fn observer_over(&self, id: &ObserverId, reason: Reason) -> Line {
        let (name, cause) = (self.watcher(id), self.words.cause(reason, false));
        self.with(Topic::Session, "line-observer-over", &[("name", name.into()), ("cause", cause.into())])
    }
}
