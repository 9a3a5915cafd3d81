//! Why a name stands for no session: what ssh's user reads in place of a connection.

use std::path::Path;

use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;

use super::choosing::{broken_off, no_session, not_open};
use crate::directories::Place;
use crate::printing::print;
use crate::runtime_dir::{RuntimeDirectory, Sessions};
use crate::ssh_config::alias;
use crate::ssh_config::aliases::{Record, TICKET};
use crate::words::say;

/// What ssh itself returns when there is no connection.
pub(super) const FAILED: u8 = 255;

/// Says why `name` stands for none of the sessions in the directory `runtime`.
pub(super) fn run(runtime: &Path, name: &str) -> u8 {
    let why = RuntimeDirectory::open(&Place::at(runtime)).and_then(|runtime| {
        let sessions = runtime.look()?;
        let is_ready = |id: &SupportId| Record::load(&runtime.session(*id)).is_some();
        let (ready, begun) = sessions.living.iter().copied().partition(is_ready);
        Ok(explain(name, &Sessions { living: ready, ..sessions }, begun))
    });
    let why = why.unwrap_or_else(|error| format!("{error:#}"));
    print(&say!("program-says", message = why));
    FAILED
}

/// Why there is nothing behind a session's `socket`, whose directory is named after the scanner.
pub(super) fn behind(socket: &Path) -> String {
    let session = socket.parent();
    let id = session.and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<SupportId>().ok());
    let runtime =
        session.and_then(Path::parent).and_then(|runtime| RuntimeDirectory::open(&Place::at(runtime)).ok());
    let sessions = runtime.and_then(|runtime| runtime.look().ok()).unwrap_or_default();
    id.map_or_else(no_session, |id| not_open(id, &sessions)).message
}

fn explain(name: &str, sessions: &Sessions, begun: Vec<SupportId>) -> String {
    let id = name.strip_prefix("scanner-").and_then(|id| id.parse::<SupportId>().ok());
    let waiting = begun.into_iter().find(|&other| id.is_none_or(|id| id == other));
    match (id, waiting, &sessions.living[..]) {
        (Some(id), None, _) => not_open(id, sessions).message,
        (None, None, []) if !name.starts_with(TICKET) => {
            sessions.broken_off.first().map_or_else(no_session, |id| broken_off(*id)).message
        }
        (_, Some(id), []) | (Some(_), Some(id), _) => say!("session-not-open-yet", id = id.grouped()),
        (None, _, open) => format!("{}; {}", stands_for(name, open.len()), listed(open)),
    }
}

fn stands_for(name: &str, open: usize) -> String {
    match name.strip_prefix(TICKET) {
        Some(ticket) => say!("name-of-none-or-several", name = text::name(&format!("{TICKET}{ticket}"))),
        None => say!("sessions-are-open", count = open as u64),
    }
}

fn listed(open: &[SupportId]) -> String {
    match open {
        [] => say!("no-session"),
        open => {
            let names: Vec<_> = open.iter().map(|&id| alias(id)).collect();
            say!("open-now", names = names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_answered_with_what_is_open() {
        let [a, b] = ["000000000", "572400000"].map(|id| id.parse::<SupportId>().expect("valid"));
        let explain = |name: &str, living: &[SupportId], broken_off: &[SupportId], begun: &[SupportId]| {
            let sessions = Sessions { living: living.to_vec(), broken_off: broken_off.to_vec() };
            explain(name, &sessions, begun.to_vec())
        };
        let none = "no session is open: run fieldlink-connect ID first";
        assert_eq!(explain("scanner", &[], &[], &[]), none);
        assert_eq!(explain("scanner-000000000", &[], &[], &[]), none);
        assert_eq!(
            explain("scanner", &[a, b], &[], &[]),
            "2 sessions are open: name one; open now: scanner-000000000, scanner-572400000"
        );
        assert!(
            explain("scanner", &[], &[a], &[]).contains("come back to it with: fieldlink-connect 000000000")
        );
        assert!(explain("scanner-000000000", &[b], &[a], &[]).contains("broken off"));
        assert!(explain("scanner-000000000", &[b], &[], &[]).contains("open now: 572 400 000"));
        assert!(explain("scanner", &[], &[], &[a]).contains("the client has not allowed it"));
        assert!(explain("scanner-000000000", &[b], &[], &[a]).contains("the client has not allowed it"));
        assert_eq!(
            explain("ticket-T-1", &[b], &[], &[]),
            "ticket-T-1 stands for no open session, or for several; open now: scanner-572400000"
        );
        assert!(explain("ticket-T-1", &[], &[], &[]).ends_with("; no session is open"));
    }
}
