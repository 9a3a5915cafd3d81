//! Who takes part in a session, in words.

use fieldlink_protocol::messages::people::{Attendance, Part, Participant};
use fieldlink_protocol::text;

use crate::words::say;

/// Everybody in one sentence.
pub(crate) fn people(list: &[Participant]) -> String {
    let everybody: Vec<_> = list.iter().map(person).collect();
    say!("in-the-session", people = everybody.join("; "))
}

/// One of them, and what they do.
fn person(person: &Participant) -> String {
    let name = text::name(&person.name);
    let name = match person.company.as_str() {
        "" => name,
        company => say!("person-of-company", name = name, company = text::name(company)),
    };
    let part = match person.part {
        Part::Owner if person.you => say!("part-owner-you"),
        Part::Owner => say!("part-owner"),
        Part::Working => say!("part-working"),
        Part::Observing | Part::Watching => say!("part-watching"),
    };
    let part = match person.attendance {
        Attendance::Here => part,
        Attendance::Invited => say!("part-invited", part = part),
        Attendance::Away => say!("part-away", part = part),
    };
    match person.you {
        true => say!("person-is-you", part = part),
        false => say!("person", name = name, part = part),
    }
}

/// Whether there is anybody besides the engineer whose session it is.
pub(crate) fn is_company(list: &[Participant]) -> bool {
    list.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_named_with_what_they_do() {
        let person = |name: &str, company: &str, part, attendance, you| Participant {
            name: name.into(),
            company: company.into(),
            part,
            attendance,
            you,
        };
        let list = [
            person("Ada", "Maker", Part::Owner, Attendance::Here, true),
            person("Bob\u{1b}", "Maker", Part::Working, Attendance::Away, false),
            person("Carol", "", Part::Watching, Attendance::Invited, false),
        ];
        assert_eq!(
            people(&list),
            "in the session: you (it is yours); Bob\u{fffd}, Maker (works, out of reach at the moment); Carol (watches, has not come yet)"
        );
        assert!(is_company(&list) && !is_company(&list[..1]));
    }
}
