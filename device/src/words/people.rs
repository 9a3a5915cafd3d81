//! Who takes part in a session, in words.

use fieldlink_protocol::messages::people::{Attendance, Part, Participant};

use super::Words;
use crate::status::Question;

impl Words {
    /// What somebody does in the session, and whether they are there. Not for the engineer whose session it is.
    pub fn participant(&self, person: &Participant) -> String {
        let id = match (person.part, person.attendance) {
            (Part::Owner | Part::Working, Attendance::Here | Attendance::Invited) => "person-working",
            (Part::Owner | Part::Working, Attendance::Away) => "person-working-away",
            (Part::Observing, Attendance::Here | Attendance::Invited) => "person-observing",
            (Part::Observing, Attendance::Away) => "person-observing-away",
            (Part::Watching, Attendance::Here) => "person-watching",
            (Part::Watching, Attendance::Away) => "person-watching-away",
            (Part::Watching, Attendance::Invited) => "person-watching-invited",
        };
        let who = match person.company.as_str() {
            "" => person.name.clone(),
            company => {
                let arguments = [("name", (&person.name).into()), ("company", company.into())];
                self.say_with("person-of-company", &arguments)
            }
        };
        self.say_with(id, &[("who", who.into())])
    }

    /// A question about a further engineer.
    pub(super) fn of_guest(&self, id: &str, question: &Question) -> String {
        let Some(who) = &question.who else { return self.say("unknown-message") };
        let identity = self.identity(who);
        let arguments = [
            ("identity", identity.into()),
            ("engineer", (&who.engineer).into()),
            ("company", (&who.company).into()),
        ];
        self.say_with(id, &arguments)
    }
}
