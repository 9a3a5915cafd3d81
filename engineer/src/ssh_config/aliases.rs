//! One file for all sessions, with names that an engineer can remember.

use std::collections::HashMap;
use std::path::Path;

use fieldlink_protocol::support_id::SupportId;
use serde::{Deserialize, Serialize};

use super::SshHost;
use super::closed::Closed;
use crate::{own_program, private_file};

/// The file's name in the runtime directory.
pub(crate) const FILE: &str = "ssh_config";
/// The name of a session's record in its own directory.
pub(crate) const RECORD: &str = "session.json";

/// How the names after support cases begin.
pub(crate) const TICKET: &str = "ticket-";
/// How many of them are kept of sessions that have ended.
const TICKETS: usize = 64;

/// What a session leaves in its directory for the file of all sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// How ssh reaches it.
    pub host: SshHost,
    /// The support case.
    pub ticket: String,
}

impl Record {
    /// Stores the record in its session's directory.
    pub(crate) fn store(&self) -> anyhow::Result<()> {
        private_file::replace(&self.host.directory.join(RECORD), &serde_json::to_vec(self)?)
    }

    /// Reads the record of the session in `directory`, if it has got that far.
    pub(crate) fn load(directory: &Path) -> Option<Self> {
        let text = private_file::read(&directory.join(RECORD)).ok()??;
        let record: Self = serde_json::from_str(&text).ok()?;
        (record.host.directory == directory).then_some(record)
    }

    /// The name after the support case, if it can stand in an ssh_config and on a command line.
    pub(crate) fn ticket_alias(&self) -> Option<String> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = !self.ticket.is_empty() && self.ticket.bytes().all(safe);
        fits.then(|| format!("{TICKET}{}", self.ticket))
    }
}

/// Writes the file for `records`, the living sessions. Once written it stays when there is none: its names never
/// stand for another computer.
pub(crate) fn write(runtime: &Path, records: &[Record]) -> anyhow::Result<()> {
    let path = runtime.join(FILE);
    if records.is_empty() && !path.exists() {
        return Ok(());
    }
    let mut text = text(records);
    let tickets = tickets(&private_file::read(&path).ok().flatten().unwrap_or_default(), records);
    if let Ok(program) = own_program::path() {
        let closed = Closed { runtime: runtime.to_owned(), program, tickets };
        text.push_str(&closed.block(None)?);
    }
    private_file::replace(&path, text.as_bytes())
}

/// The names that stand for the session to `id` in the file, its own first.
pub(crate) fn names(runtime: &Path, id: SupportId) -> Vec<String> {
    let text = private_file::read(&runtime.join(FILE)).ok().flatten().unwrap_or_default();
    let own = super::alias(id);
    let hosts = text.lines().filter_map(|line| line.strip_prefix("Host "));
    let mut names = hosts.map(|names| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    names.find(|names| names.first() == Some(&own)).unwrap_or_else(|| vec![own])
}

/// The names after support cases that the file had so far and that `records` add, the latest last.
fn tickets(earlier: &str, records: &[Record]) -> Vec<String> {
    let names = earlier.lines().filter_map(|line| line.strip_prefix("Host "));
    let names = names.flat_map(str::split_whitespace).filter(|name| name.starts_with(TICKET));
    let mut tickets: Vec<String> = Vec::new();
    for name in names.map(str::to_owned).chain(records.iter().filter_map(Record::ticket_alias)) {
        tickets.retain(|other| *other != name);
        tickets.push(name);
    }
    tickets.split_off(tickets.len().saturating_sub(TICKETS))
}

/// A name stands for a session only if it stands for no other.
fn text(records: &[Record]) -> String {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for alias in records.iter().filter_map(Record::ticket_alias) {
        *uses.entry(alias.to_lowercase()).or_default() += 1;
    }
    let mut text =
        String::from("# The Fieldlink sessions that are open now; written anew whenever that changes.\n");
    for record in records {
        let mut names = vec![record.host.alias()];
        names.extend(record.ticket_alias().filter(|alias| uses.get(&alias.to_lowercase()) == Some(&1)));
        names.extend((records.len() == 1).then(|| "scanner".to_owned()));
        // What cannot be written safely was refused when the session began.
        text.push_str(&record.host.block(&names).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::host;
    use super::*;

    fn record(id: &str, ticket: &str) -> Record {
        let mut host = host(Path::new("/run/x"));
        host.id = id.parse().expect("valid");
        Record { host, ticket: ticket.into() }
    }

    fn names(records: &[Record]) -> Vec<String> {
        text(records).lines().filter_map(|line| line.strip_prefix("Host ").map(str::to_owned)).collect()
    }

    #[test]
    fn names_are_given_while_they_are_unique() {
        let (a, b) = ("000000000", "572400000");
        assert_eq!(names(&[record(a, "T-1")]), ["scanner-000000000 ticket-T-1 scanner"]);
        assert_eq!(
            names(&[record(a, "T-1"), record(b, "T-2")]),
            ["scanner-000000000 ticket-T-1", "scanner-572400000 ticket-T-2"]
        );
        assert_eq!(names(&[record(a, "T-1"), record(b, "t-1")]), ["scanner-000000000", "scanner-572400000"]);
    }

    #[test]
    fn a_ticket_that_is_no_word_gives_no_name() {
        for ticket in ["", "T 1", "T\nProxyCommand sh", "*", "!x", "T%h", "T#1", "Tä", "a\"b", "a,b"] {
            assert_eq!(record("000000000", ticket).ticket_alias(), None, "{ticket:?}");
        }
    }

    #[test]
    fn the_names_outlive_their_sessions() {
        let base = tempfile::tempdir().expect("a directory");
        let written = |records: &[Record]| {
            write(base.path(), records).expect("written");
            let text = std::fs::read_to_string(base.path().join(FILE)).expect("there");
            text.lines().filter_map(|line| line.strip_prefix("Host ").map(str::to_owned)).collect::<Vec<_>>()
        };
        let open = written(&[record("000000000", "T-1")]);
        assert_eq!((open.len(), &*open[0]), (2, "scanner-000000000 ticket-T-1 scanner"));
        for _ in 0..2 {
            let closed = written(&[]);
            assert_eq!(closed.len(), 1);
            assert!(closed[0].starts_with("scanner scanner-????????? ticket-T-1 !"), "{closed:?}");
        }
        for number in 0..70 {
            written(&[record("000000000", &format!("N-{number}"))]);
        }
        let closed = written(&[]).remove(0);
        assert!(closed.contains(" ticket-N-69 ") && !closed.contains(" ticket-T-1 "), "{closed}");
    }

    #[test]
    fn a_record_counts_in_its_own_directory_only() {
        let base = tempfile::tempdir().expect("a directory");
        let mut record = record("000000000", "T-1");
        record.host.directory = base.path().to_owned();
        record.store().expect("stored");
        assert_eq!(Record::load(base.path()), Some(record.clone()));
        record.host.directory = "/elsewhere".into();
        private_file::replace(&base.path().join(RECORD), &serde_json::to_vec(&record).expect("JSON"))
            .expect("written");
        assert_eq!(Record::load(base.path()), None);
    }
}
