//! The audit log: one row per session, from the request on.

use fieldlink_protocol::ids::SessionId;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::engineers::parsed;
use super::{Database, OpenedSession, RunningSession, SessionChange, StoreError, UnixTime};
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
    /// Payload bytes that went to the agent.
    pub bytes_to_agent: u64,
    /// Payload bytes that went to the engineer.
    pub bytes_to_engineer: u64,
}

impl Database {
    /// Writes the row of a session that begins.
    pub(super) fn open_session(&self, opened: &OpenedSession) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare(
            "INSERT INTO sessions (session, engineer_id, engineer_name, engineer_company, ticket, partner,
                                   support_id, device_address, started_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        statement.execute(params![
            opened.session.to_string(),
            opened.engineer.id.to_string(),
            opened.engineer.name,
            opened.engineer.company,
            opened.reference,
            opened.partner,
            opened.support_id.to_string(),
            opened.device_address.to_string(),
            opened.at as i64,
        ])?;
        Ok(())
    }

    /// Writes what became of it. A session that has ended stays as it ended.
    pub(super) fn change_session(&self, change: SessionChange) -> Result<(), StoreError> {
        match change {
            SessionChange::Admitted { session, at, standing } => {
                self.admit_session(session, at, &standing)?
            }
            SessionChange::Traffic { session, bytes_to_agent, bytes_to_engineer } => {
                self.connection.execute(
                    "UPDATE sessions SET bytes_to_agent = ?, bytes_to_engineer = ?
                     WHERE session = ? AND ended_at IS NULL",
                    params![bytes_to_agent as i64, bytes_to_engineer as i64, session.to_string()],
                )?
            }
            SessionChange::Ended { session, at, reason, bytes_to_agent, bytes_to_engineer } => {
                self.connection.execute(
                    "UPDATE sessions SET ended_at = ?, reason = ?, bytes_to_agent = ?, bytes_to_engineer = ?
                     WHERE session = ? AND ended_at IS NULL",
                    params![
                        at as i64,
                        reason.code(),
                        bytes_to_agent as i64,
                        bytes_to_engineer as i64,
                        session.to_string()
                    ],
                )?
            }
        };
        Ok(())
    }

    /// The first time counts; what the session stands on is what was written last.
    fn admit_session(
        &self,
        session: SessionId,
        at: UnixTime,
        standing: &Standing,
    ) -> rusqlite::Result<usize> {
        self.connection.execute(
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
                session.to_string()
            ],
        )
    }

    /// The sessions that have not ended.
    pub(super) fn running_sessions(&self) -> Result<Vec<RunningSession>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT session, engineer_id, support_id, started_at, ticket, bytes_to_agent, bytes_to_engineer,
                    run, control, agent_key, pairing, not_before, expires
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
        let mut statement = self.connection.prepare(
            "SELECT session, engineer_id, engineer_name, engineer_company, ticket, partner, support_id,
                    device_address, started_at, admitted_at, ended_at, reason, bytes_to_agent, bytes_to_engineer
             FROM sessions ORDER BY started_at, rowid",
        )?;
        let time = |at: Option<i64>| at.map(|at| at as UnixTime);
        let rows = statement.query_map([], |row| {
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
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
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
