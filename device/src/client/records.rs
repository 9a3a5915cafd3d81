//! The records of sessions, read over the bus.

use std::fs::File;
use std::os::fd::OwnedFd;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::report::ReportForm;
use fieldlink_protocol::{limits, text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::{OwnedVariant, Type};

use super::{Device, PROPERTIES, other_version};
use crate::bus::{RecordOnBus, RecordsProperties};
use crate::failure::Failure;
use crate::records::{SessionReceipt, SessionRecord};
use crate::words::Language;

impl Device {
    /// The records that the device keeps, the oldest first.
    pub async fn records(&self) -> Result<Vec<SessionRecord>, Failure> {
        let records: Vec<RecordOnBus> = self.of_records("List", &()).await?;
        Ok(records.into_iter().filter_map(SessionRecord::of_bus).collect())
    }

    /// The names of the files of a record.
    pub async fn record_files(&self, session: SessionId) -> Result<Vec<String>, Failure> {
        self.of_records("Files", &session.to_string()).await
    }

    /// A file of a record, to be read.
    pub async fn record_file(&self, session: SessionId, name: &str) -> Result<File, Failure> {
        let file: zbus::OwnedFd = self.of_records("Open", &(session.to_string(), name)).await?;
        Ok(OwnedFd::from(file).into())
    }

    /// The report of a session, to be read.
    pub async fn report(
        &self,
        session: SessionId,
        language: Language,
        form: ReportForm,
    ) -> Result<File, Failure> {
        let body = (session.to_string(), language.code(), form.name());
        let file: zbus::OwnedFd = self.of_records("Report", &body).await?;
        Ok(OwnedFd::from(file).into())
    }

    /// What to keep of a record; of the latest, if no session is named.
    pub async fn receipt(&self, session: Option<SessionId>) -> Result<SessionReceipt, Failure> {
        let named = session.map_or_else(String::new, |session| session.to_string());
        let (session, words, head, anchor, is_anchored): (String, String, String, String, bool) =
            self.of_records("Receipt", &named).await?;
        let session = session.parse().map_err(|_| other_version())?;
        let [words, head, anchor] = [words, head, anchor].map(|part| text::clean(&part, limits::CHAT));
        Ok(SessionReceipt { session, words, head, anchor, is_anchored })
    }

    /// The public key that signs the device's records; empty if it keeps none.
    pub async fn device_key(&self) -> Result<String, Failure> {
        let arguments = &(RecordsProperties::INTERFACE, "DeviceKey");
        let value: OwnedVariant = self.call_on(PROPERTIES, "Get", arguments).await?;
        String::try_from(value).map_err(|_| other_version())
    }

    async fn of_records<B: Serialize + Type, R: DeserializeOwned + Type>(
        &self,
        method: &str,
        body: &B,
    ) -> Result<R, Failure> {
        self.call_on(RecordsProperties::INTERFACE, method, body).await
    }
}
