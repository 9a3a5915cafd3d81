//! `audit`: the sessions, as a table or as JSON.

use fieldlink_protocol::text;

use crate::config::Config;
use crate::store::AuditRow;
use fieldlink_protocol::timestamp;

/// Lists all sessions.
pub(super) fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let rows = super::state::open(config)?.audit()?;
    if json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print!("{}", table(&rows));
    }
    Ok(())
}

fn table(sessions: &[AuditRow]) -> String {
    let titles = [
        "STARTED",
        "ADMITTED",
        "ENDED",
        "REASON",
        "ENGINEER",
        "COMPANY",
        "TICKET",
        "PARTNER",
        "SUPPORT-ID",
        "DEVICE",
        "TO-AGENT",
        "TO-ENGINEER",
        "SESSION",
    ];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        let time = |at: Option<u64>| at.map_or("-".into(), timestamp::utc);
        let shown = |text: Option<&String>| text.map_or("-".into(), |text| text::name(text));
        [
            timestamp::utc(session.started_at),
            time(session.admitted_at),
            time(session.ended_at),
            shown(session.reason.as_ref()),
            text::name(&session.engineer_name),
            text::name(&session.engineer_company),
            text::name(&session.ticket),
            shown(session.partner.as_ref()),
            session.support_id.clone(),
            session.device_address.clone(),
            session.bytes_to_agent.to_string(),
            session.bytes_to_engineer.to_string(),
            session.session.clone(),
        ]
    }));
    align(&rows)
}

/// Columns two spaces apart.
pub(super) fn align<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
