//! `audit`: the sessions, in a table, in full or as JSON.

use std::fmt::Write as _;

use clap::Args;
use fieldlink_protocol::{text, timestamp};

use super::columns::align;
use super::time::{self, Moment};
use crate::config::Config;
use crate::store::{AuditRow, Selection};

/// Which sessions, and how.
#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// Sessions that were requested at this time or later: 2026-11-28, 2026-11-28T14:00 (UTC), or 7d, 12h, 30m ago.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<Moment>,
    /// Sessions that were requested before this time.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Moment>,
    /// Sessions of this engineer: the name, or the ID.
    #[arg(long, value_name = "NAME")]
    engineer: Option<String>,
    /// Sessions of this support case.
    #[arg(long)]
    ticket: Option<String>,
    /// The session with this ID, or those with this support ID; the beginning is enough.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The latest sessions only, so many of them.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Everything about each session, one line for each thing.
    #[arg(long, conflicts_with = "json")]
    long: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists the sessions that are asked for.
pub(super) fn list(config: &Config, arguments: &AuditArguments) -> anyhow::Result<()> {
    let selection = Selection {
        since: arguments.since.map(Moment::unix),
        until: arguments.until.map(Moment::unix),
        engineer: arguments.engineer.clone(),
        ticket: arguments.ticket.as_deref().map(text::normalise),
        session: arguments.session.as_deref().map(plain_id),
        limit: arguments.limit,
    };
    let rows = super::state::open_existing(config)?.audit_of(&selection)?;
    let text = if arguments.json {
        rows.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect::<anyhow::Result<String>>()?
    } else if arguments.long {
        rows.iter().map(in_full).collect::<Vec<_>>().join("\n")
    } else {
        table(&rows)
    };
    super::print(&text)
}

/// An ID as it is stored, however it was pasted.
pub(super) fn plain_id(pasted: &str) -> String {
    pasted.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The columns that fit beside each other: when, how long, how it ended, engineer, ticket, support ID.
fn table(sessions: &[AuditRow]) -> String {
    let titles = ["STARTED", "LASTED", "REASON", "ENGINEER", "TICKET", "SUPPORT-ID"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        [
            // To the minute, in UTC.
            timestamp::utc(session.started_at).chars().take(16).collect(),
            lasted(session),
            reason(session),
            text::clean(&session.engineer_name, 20),
            text::clean(&session.ticket, 20),
            session.support_id.clone(),
        ]
    }));
    align(&rows)
}

fn lasted(session: &AuditRow) -> String {
    match (session.admitted_at, session.ended_at) {
        (None, _) => "-".into(),
        (Some(_), None) => "running".into(),
        (Some(admitted), Some(ended)) => {
            let seconds = ended.saturating_sub(admitted);
            format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
    }
}

fn reason(session: &AuditRow) -> String {
    session.reason.as_deref().map_or("-".into(), text::name)
}

fn in_full(session: &AuditRow) -> String {
    let time = |at: Option<u64>| at.map_or("-".into(), timestamp::utc);
    let mut text = String::new();
    for (title, value) in [
        ("session", session.session.clone()),
        ("requested", timestamp::utc(session.started_at)),
        ("admitted", time(session.admitted_at)),
        ("ended", time(session.ended_at)),
        ("reason", reason(session)),
        ("engineer", text::name(&session.engineer_name)),
        ("engineer ID", session.engineer_id.clone()),
        ("company", text::name(&session.engineer_company)),
        ("ticket", text::name(&session.ticket)),
        ("partner", session.partner.as_deref().map_or("-".into(), text::name)),
        ("support ID", session.support_id.clone()),
        ("device", session.device_address.clone()),
        ("joins", session.joins.clone().unwrap_or_else(|| "-".into())),
        ("bytes to agent", session.bytes_to_agent.to_string()),
        ("bytes to engineer", session.bytes_to_engineer.to_string()),
    ] {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{title:<18} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditRow {
        AuditRow {
            session: "ab".repeat(16),
            engineer_id: "cd".repeat(16),
            engineer_name: "Ada Lovelace, Countess of so many places".into(),
            engineer_company: "Scans Ltd".into(),
            ticket: "T-1                client-ended".into(),
            partner: None,
            support_id: "482913077".into(),
            device_address: "192.0.2.1".into(),
            started_at: 1_700_000_000,
            admitted_at: Some(1_700_000_060),
            ended_at: Some(1_700_003_721),
            reason: Some("pairing-timeout".into()),
            joins: None,
            bytes_to_agent: 1,
            bytes_to_engineer: 2,
        }
    }

    #[test]
    fn the_table_fits_a_terminal_and_blanks_imitate_nothing() {
        let table = table(&[row()]);
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        assert!(table.contains("2023-11-14T22:13  1:01:01") && table.contains("T-1 client-ended"), "{table}");
        assert!(in_full(&row()).contains("engineer           Ada Lovelace, Countess of so many places\n"));
    }

    #[test]
    fn ids_are_taken_as_they_are_pasted() {
        assert_eq!(plain_id(" 482 913\u{a0}077\n"), "482913077");
        assert_eq!(plain_id("ABab-12"), "abab12");
    }
}
