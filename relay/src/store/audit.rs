//! The audit log: one row per session, from the request on.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::text;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::engineers::parsed;
use super::likeness::Likeness;
use super::pending::{Changes, Pending};
use super::{Database, OpenedSession, RunningSession, StoreError, UnixTime};
use crate::directory::{Remembered, Standing};

/// A session as the audit log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// The session's ID.
    pub session: String,
    /// The engineer's ID.
    pub engineer_id: String,
    /// The engineer's name at that time.
    pub engineer_name: String,
    /// The engineer's company at that time.
    pub engineer_company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
    /// The device's support ID, which was good for this session only.
    pub support_id: String,
    /// Where the device connected from.
    pub device_address: String,
    /// When it was requested.
    pub started_at: UnixTime,
    /// When the client said yes.
    pub admitted_at: Option<UnixTime>,
    /// When it ended.
    pub ended_at: Option<UnixTime>,
    /// Why it ended: a reason's code.
    pub reason: Option<String>,
    /// The session that the engineer joined, if one.
    pub joins: Option<String>,
    /// Payload bytes that went to the agent.
    pub bytes_to_agent: u64,
    /// Payload bytes that went to the engineer.
    pub bytes_to_engineer: u64,
}

impl Database {
    /// Writes the row of a session that begins.
    pub(super) fn open_session(&mut self, opened: &OpenedSession) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO sessions (session, engineer_id, engineer_name, engineer_company, ticket, partner,
                                       support_id, device_address, started_at, not_before, joins)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    opened.session.to_string(),
                    opened.engineer.id.to_string(),
                    opened.engineer.name,
                    opened.engineer.company,
                    opened.reference,
                    opened.partner,
                    opened.support_id.to_string(),
                    opened.device_address.to_canonical().to_string(),
                    opened.at as i64,
                    opened.not_before as i64,
                    opened.joins.map(|joins| joins.to_string()),
                ],
            )
        })?;
        Ok(())
    }

    /// The sessions that have not ended.
    pub(super) fn running_sessions(&self) -> Result<Vec<RunningSession>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT session, engineer_id, support_id, coalesce(not_before, started_at), ticket, bytes_to_agent, bytes_to_engineer,
                    run, control, agent_key, pairing, not_before, expires, joins
             FROM sessions WHERE ended_at IS NULL",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(RunningSession {
                remembered: Remembered {
                    session: parsed(row, 0)?,
                    engineer: parsed(row, 1)?,
                    support_id: parsed(row, 2)?,
                    began: row.get::<_, i64>(3)? as UnixTime,
                    standing: standing(row)?,
                    joins: joined(row)?,
                },
                reference: row.get(4)?,
                bytes_to_agent: row.get::<_, i64>(5)? as u64,
                bytes_to_engineer: row.get::<_, i64>(6)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The reason's code of a session that has ended.
    pub(super) fn session_end(&self, session: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT reason FROM sessions WHERE session = ? AND ended_at IS NOT NULL";
        Ok(self.connection.query_row(query, [session], |row| row.get(0)).optional()?)
    }

    /// Every session, in the order in which they began.
    pub fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        self.audit_of(&Selection::default())
    }

    /// The sessions that are asked for, in the order in which they began.
    pub fn audit_of(&self, selection: &Selection) -> Result<Vec<AuditRow>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT session, engineer_id, engineer_name, engineer_company, ticket, partner, support_id,
                    device_address, started_at, admitted_at, ended_at, reason, bytes_to_agent, bytes_to_engineer,
                    joins
             FROM sessions WHERE started_at >= ? AND started_at < ? ORDER BY started_at DESC, rowid DESC",
        )?;
        let until = selection.until.map_or(i64::MAX, |until| until as i64);
        let rows = statement.query_map(params![selection.since.unwrap_or(0) as i64, until], audit_row)?;
        let engineer = selection.engineer.as_deref().map(Likeness::of);
        let rows =
            rows.filter(|row| row.as_ref().map_or(true, |row| selection.takes(row, engineer.as_ref())));
        let mut rows: Vec<_> = rows.take(selection.limit.unwrap_or(usize::MAX)).collect::<Result<_, _>>()?;
        rows.reverse();
        Ok(rows)
    }
}

/// Which sessions are asked for; nothing: all of them.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Requested at this time or later.
    pub since: Option<UnixTime>,
    /// Requested before this time.
    pub until: Option<UnixTime>,
    /// The engineer's name, or one that reads the same, or ID.
    pub engineer: Option<String>,
    /// The support case.
    pub ticket: Option<String>,
    /// The beginning of the session's ID, or of the support ID.
    pub session: Option<String>,
    /// Only so many, the latest.
    pub limit: Option<usize>,
}

impl Selection {
    fn takes(&self, row: &AuditRow, engineer: Option<&Likeness>) -> bool {
        let by = |name: &Likeness| {
            Likeness::of(&row.engineer_name).is_like(name) || Some(&row.engineer_id) == self.engineer.as_ref()
        };
        let begins = |id: &String| row.session.starts_with(id) || row.support_id.starts_with(id);
        engineer.is_none_or(by)
            && self.ticket.as_ref().is_none_or(|ticket| text::normalise(&row.ticket) == *ticket)
            && self.session.as_ref().is_none_or(begins)
    }
}

fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let time = |at: Option<i64>| at.map(|at| at as UnixTime);
    Ok(AuditRow {
        session: row.get(0)?,
        engineer_id: row.get(1)?,
        engineer_name: row.get(2)?,
        engineer_company: row.get(3)?,
        ticket: row.get(4)?,
        partner: row.get(5)?,
        support_id: row.get(6)?,
        device_address: row.get(7)?,
        started_at: row.get::<_, i64>(8)? as UnixTime,
        admitted_at: time(row.get(9)?),
        ended_at: time(row.get(10)?),
        reason: row.get(11)?,
        bytes_to_agent: row.get::<_, i64>(12)? as u64,
        bytes_to_engineer: row.get::<_, i64>(13)? as u64,
        joins: row.get(14)?,
    })
}

/// Writes what is pending. What has ended stays as it ended.
pub(super) fn write(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for (session, changes) in pending.sessions() {
        write_session(transaction, &session.to_string(), changes)?;
    }
    for (engineer, at) in pending.revoked() {
        super::engineers::revoke(transaction, engineer, at)?;
    }
    if let Some(reading) = pending.clock() {
        super::clock::write(transaction, reading)?;
    }
    Ok(())
}

fn write_session(transaction: &Transaction<'_>, session: &str, changes: &Changes) -> rusqlite::Result<()> {
    if let Some((at, standing)) = &changes.admitted {
        admit_session(transaction, session, *at, standing)?;
    }
    if let Some((to_agent, to_engineer)) = changes.traffic {
        let query = "UPDATE sessions SET bytes_to_agent = ?, bytes_to_engineer = ?
                     WHERE session = ? AND ended_at IS NULL";
        transaction.execute(query, params![to_agent as i64, to_engineer as i64, session])?;
    }
    if let Some((at, reason)) = changes.ended {
        let query = "UPDATE sessions SET ended_at = ?, reason = ? WHERE session = ? AND ended_at IS NULL";
        transaction.execute(query, params![at as i64, reason.code(), session])?;
    }
    Ok(())
}

/// The first time counts; what the session stands on is what was written last.
fn admit_session(
    transaction: &Transaction<'_>,
    session: &str,
    at: UnixTime,
    standing: &Standing,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "UPDATE sessions SET admitted_at = coalesce(admitted_at, ?), run = ?, control = ?, agent_key = ?,
                             pairing = ?, not_before = ?, expires = ?
         WHERE session = ? AND ended_at IS NULL",
        params![
            at as i64,
            standing.run.to_string(),
            standing.control.to_string(),
            standing.agent_key.to_string(),
            standing.pairing,
            standing.not_before as i64,
            standing.expires as i64,
            session
        ],
    )
}

/// The session that it joins, if one.
fn joined(row: &Row<'_>) -> rusqlite::Result<Option<SessionId>> {
    if row.get::<_, Option<String>>(13)?.is_none() {
        return Ok(None);
    }
    parsed(row, 13).map(Some)
}

/// What an admitted session stands on. One that was admitted by a version which did not write that down
/// has to be told of by its tickets.
fn standing(row: &Row<'_>) -> rusqlite::Result<Option<Standing>> {
    if row.get::<_, Option<String>>(7)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Standing {
        run: parsed(row, 7)?,
        control: parsed(row, 8)?,
        agent_key: parsed(row, 9)?,
        pairing: row.get(10)?,
        not_before: row.get::<_, i64>(11)? as UnixTime,
        expires: row.get::<_, i64>(12)? as UnixTime,
    }))
}
