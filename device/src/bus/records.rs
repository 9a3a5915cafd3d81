//! The records of sessions: what was done on this device, for its client to read, check and delete.

use fieldlink_protocol::text;

use super::subject::subject;
use crate::records::SessionRecord;

/// A record in a list: session, began, engineer, ticket, bytes, closed.
pub type RecordOnBus = (String, String, String, String, u64, bool);

subject! {
    interface RecordsInterface = "com.navvis.Fieldlink1.Records";

    /// What is known of all records.
    properties RecordsProperties {
        /// The public key that signs this device's records, as the line of a .pub file; empty if sessions are not recorded.
        "DeviceKey" = device_key: String,
    }

    /// What the person beside the device may do with the records of its sessions.
    methods RecordsMethods {
        /// The records that are there, the oldest first: session, when it began (RFC 3339), engineer, ticket, bytes, and whether
        /// it is closed. polkit: .read-records
        "List" = list() -> ("records": Vec<RecordOnBus>);
        /// The names of the files of a record. polkit: .read-records
        "Files" = files(session: &str) -> ("names": Vec<String>);
        /// A file of a record, to be read. polkit: .read-records
        "Open" = open(session: &str, name: &str) -> ("file": zbus::OwnedFd);
        /// The report of a session in a language ("en", "de") as "html", "text" or "json", to be read. One at a time is made.
        /// polkit: .read-records
        "Report" = report(session: &str, language: &str, form: &str) -> ("file": zbus::OwnedFd);
        /// What to keep of a record; of the latest that is closed, if the session is empty: its session, the twelve words, the
        /// first 32 digits of the hash that they stand for, the line that the relay signed of it last (or empty), and whether
        /// that line is of its end. polkit: .read-records
        "Receipt" = receipt(session: &str) -> (
            "session": String, "words": String, "head": String, "anchor": String, "anchored": bool
        );
        /// Deletes the record of a session that is over. polkit: .delete-records
        "Delete" = delete(session: &str);
        /// Deletes all records, and what else an earlier customer has left; only while State is off. Which records there were,
        /// and when they went, stays. polkit: .delete-records
        "ForgetAll" = forget_all();
    }

    signals {}
}

impl From<SessionRecord> for RecordOnBus {
    fn from(record: SessionRecord) -> Self {
        let SessionRecord { session, began, engineer, ticket, bytes, is_closed } = record;
        (session.to_string(), began, engineer, ticket, bytes, is_closed)
    }
}

impl SessionRecord {
    /// What stands on the bus, cleaned. `None` if it names no session.
    pub(crate) fn of_bus((session, began, engineer, ticket, bytes, is_closed): RecordOnBus) -> Option<Self> {
        let session = session.parse().ok()?;
        let [began, engineer, ticket] = [began, engineer, ticket].map(|part| text::name(&part));
        Some(Self { session, began, engineer, ticket, bytes, is_closed })
    }
}
