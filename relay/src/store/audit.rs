//! The audit log: one row per session, from the request on.

use fieldlink_protocol::reason::Reason;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Database, OpenedSession, SessionChange, StoreError, UnixTime};

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
            SessionChange::Admitted { session, at } => self.connection.execute(
                "UPDATE sessions SET admitted_at = ? WHERE session = ? AND ended_at IS NULL",
                params![at as i64, session.to_string()],
            )?,
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

    /// Ends what a relay that is no more left running. Returns how many sessions that were.
    pub(super) fn end_abandoned_sessions(&self, now: UnixTime) -> Result<usize, StoreError> {
        Ok(self.connection.execute(
            "UPDATE sessions SET ended_at = ?, reason = ? WHERE ended_at IS NULL",
            params![now as i64, Reason::RelayRestarted.code()],
        )?)
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
