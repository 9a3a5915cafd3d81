//! Which session a command is for, and what is said if there is none.

use fieldlink_protocol::support_id::SupportId;

use crate::call::parse_id;
use crate::exit::{Failure, Kind};
use crate::runtime_dir::{RuntimeDirectory, Sessions};
use crate::words::say;

/// The session that is named, or the only one.
pub(super) fn choose(runtime: &RuntimeDirectory, words: &[String]) -> Result<SupportId, Failure> {
    let sessions = runtime.look()?;
    let named = if words.is_empty() { None } else { Some(parse_id(words)?) };
    match (named, &sessions.living[..]) {
        (Some(id), living) if living.contains(&id) => Ok(id),
        (Some(id), _) => Err(not_open(id, &sessions)),
        (None, [only]) => Ok(*only),
        (None, []) => Err(sessions.broken_off.first().map_or_else(no_session, |id| broken_off(*id))),
        (None, living) => Err(Failure::usage(say!("several-sessions", open = listed(living)))),
    }
}

pub(super) fn not_open(id: SupportId, sessions: &Sessions) -> Failure {
    if sessions.broken_off.contains(&id) {
        return broken_off(id);
    }
    if sessions.living.is_empty() {
        return no_session();
    }
    let (id, open) = (id.grouped(), listed(&sessions.living));
    Failure::new(Kind::SessionOver, say!("session-not-open", id = id, open = open))
}

fn listed(ids: &[SupportId]) -> String {
    ids.iter().map(SupportId::grouped).collect::<Vec<_>>().join(", ")
}

pub(super) fn broken_off(id: SupportId) -> Failure {
    let message = describe_broken_off(id);
    Failure::new(Kind::SessionOver, message)
}

/// Its program was killed; the scanner waits five minutes for another.
pub(super) fn describe_broken_off(id: SupportId) -> String {
    say!("session-broken-off", grouped = id.grouped(), id = id.to_string())
}

pub(super) fn no_session() -> Failure {
    Failure::new(Kind::SessionOver, say!("no-session-yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_not_open_is_answered_with_what_to_do() {
        let ids = ["572400000", "000000000"].map(|id| id.parse::<SupportId>().expect("valid"));
        let message = |living: &[SupportId], broken_off: &[SupportId]| {
            let sessions = Sessions { living: living.to_vec(), broken_off: broken_off.to_vec() };
            not_open(ids[0], &sessions).message
        };
        assert_eq!(message(&[], &[]), "no session is open: run fieldlink-connect ID first");
        assert_eq!(message(&ids[1..], &[]), "no session to 572 400 000 is open; open now: 000 000 000");
        assert_eq!(
            message(&[], &ids[..1]),
            "the session to 572 400 000 was broken off; come back to it with: fieldlink-connect 572400000"
        );
    }
}
