//! `status`: the sessions that are open.

use std::fmt::Write;

use fieldlink_protocol::messages::control::ClientPresence;
use fieldlink_protocol::text;
use serde_json::json;

use super::choosing::describe_broken_off;
use crate::config::Directories;
use crate::exit::Failure;
use crate::local_socket::{Operation, Reply, Request, Status, client};
use crate::people::{is_company, people};
use crate::printing::{print_answer, print_json};
use crate::progress::{data_used, operated, present};
use crate::runtime_dir::{RuntimeDirectory, Sessions};
use crate::words::say;

pub(super) fn run(json: bool) -> Result<u8, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let ask = |id| match client::ask(&runtime.session(id).join("control.sock"), Request::Status) {
        Ok((_, Reply::Status(status))) => Some(*status),
        // It has only just begun, or is just ending.
        _ => None,
    };
    let Sessions { living, broken_off } = runtime.look()?;
    let sessions: Vec<Status> = living.into_iter().filter_map(ask).collect();
    if json {
        print_json(&json!({ "sessions": sessions, "broken_off": broken_off }).to_string());
        return Ok(0);
    }
    if !sessions.is_empty() || broken_off.is_empty() {
        print_answer(&table(&sessions));
    }
    broken_off.into_iter().for_each(|id| print_answer(&describe_broken_off(id)));
    Ok(0)
}

fn table(sessions: &[Status]) -> String {
    if sessions.is_empty() {
        return format!("{}\n", say!("no-session"));
    }
    let mut rows = vec![heads()];
    rows.extend(sessions.iter().map(row));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    let mut table = rows.iter().fold(String::new(), |mut table, row| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(table, "{}", cells.join("  ").trim_end());
        table
    });
    for status in sessions {
        if let Some(presence) = status.presence.filter(|presence| *presence != ClientPresence::Here) {
            let _ = writeln!(table, "{}: {}", status.id.grouped(), present(presence));
        }
        if let Some(seconds) = status.quiet_seconds {
            let quiet = say!("quiet-for", minutes = seconds.div_ceil(60));
            let _ = writeln!(table, "{}: {quiet}", status.id.grouped());
        }
        if let Some(bytes) = status.data_used {
            let used = data_used(bytes, status.transfers);
            let _ = writeln!(table, "{}: {used}", status.id.grouped());
        }
        if let Some(percent) = status.battery {
            let battery = say!("battery-is-low", percent = u64::from(percent));
            let _ = writeln!(table, "{}: {battery}", status.id.grouped());
        }
        if let Some(Operation { name, state }) = &status.operation {
            let _ = writeln!(table, "{}: {}", status.id.grouped(), operated(name, *state));
        }
        if is_company(&status.people) {
            let _ = writeln!(table, "{}: {}", status.id.grouped(), people(&status.people));
        }
        if let Some(trouble) = &status.trouble {
            let _ = writeln!(table, "{}: {trouble}", status.id.grouped());
        }
    }
    table
}

fn heads() -> [String; 6] {
    [
        say!("column-id"),
        say!("column-scanner"),
        say!("column-ticket"),
        say!("column-state"),
        say!("column-left"),
        say!("column-connections"),
    ]
}

fn row(status: &Status) -> [String; 6] {
    let scanner = match (&status.user, &status.hostname) {
        (Some(user), Some(hostname)) => text::name(&format!("{user}@{hostname}")),
        _ => "-".into(),
    };
    let left = status.seconds.map_or("-".into(), |seconds| match seconds {
        0..120 => say!("seconds-left", seconds = seconds),
        _ => say!("minutes-left", minutes = seconds / 60),
    });
    [
        status.id.grouped(),
        scanner,
        text::name(&status.ticket),
        status.state.clone(),
        left,
        status.connections.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::messages::control::Transfers;

    use super::*;
    use crate::control::Trouble;

    #[test]
    fn sessions_are_listed_as_a_table() {
        assert_eq!(table(&[]), "no session is open\n");
        let active = Status {
            id: "572400000".parse().expect("valid"),
            ticket: "T-1".into(),
            relay: "wss://relay.example.com".into(),
            state: "active".into(),
            hostname: Some("scanner-7".into()),
            user: Some("support".into()),
            seconds: Some(3540),
            connections: 2,
            presence: None,
            quiet_seconds: None,
            data_used: None,
            transfers: Transfers::Pass,
            battery: None,
            operation: None,
            people: Vec::new(),
            trouble: None,
        };
        let asking = Status {
            id: "000000000".parse().expect("valid"),
            state: "asking".into(),
            hostname: None,
            user: None,
            seconds: Some(42),
            connections: 0,
            ..active.clone()
        };
        let with_more = Status {
            data_used: Some(123_456_789),
            transfers: Transfers::Held,
            battery: Some(9),
            ..active.clone()
        };
        let told = table(&[with_more]);
        let more: Vec<&str> = told.lines().skip(2).collect();
        assert!(more[0].starts_with("572 400 000: 123 MB moved") && more[1].contains("9 %"), "{told}");
        let problem = "the relay does not answer any more".to_owned();
        let interrupted = Status {
            trouble: Some(Trouble { problem, tries: 2 }),
            state: "interrupted".into(),
            ..active.clone()
        };
        assert!(table(&[interrupted]).ends_with(
            "interrupted  59 min  2\n\
             572 400 000: the relay does not answer any more; connecting again, 2 tries have failed\n"
        ));
        assert_eq!(
            table(&[active, asking]),
            "ID           SCANNER            TICKET  STATE   LEFT    CONNECTIONS\n\
             572 400 000  support@scanner-7  T-1     active  59 min  2\n\
             000 000 000  -                  T-1     asking  42 s    0\n"
        );
    }
}
