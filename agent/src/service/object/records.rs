//! The records of sessions: read, reported and deleted. The disk may be slow, so a thread of its own waits for it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd as StandardFd;
use std::sync::Arc;

use fieldlink_device::bus::{Caller, ErrorCode, RecordOnBus, RecordsMethods, RecordsProperties};
use fieldlink_device::order::Order;
use fieldlink_device::records::{SessionReceipt, SessionRecord};
use fieldlink_device::words::Language;
use fieldlink_evidence::is_record_name;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::report::ReportForm;
use fieldlink_protocol::text;
use tokio::task::spawn_blocking;
use zbus::OwnedFd;

use super::{Object, parse};
use crate::record::{self, RecordStore, StoredRecord};
use crate::service::action::Action;
use crate::service::error::Error;

impl RecordsMethods for Object {
    type Error = Error;

    fn properties(&self) -> RecordsProperties {
        let key = self.records.as_ref().map_or("", |store| store.key_line());
        RecordsProperties { device_key: key.to_owned() }
    }

    async fn list(&self, caller: Caller<'_>) -> Result<Vec<RecordOnBus>, Error> {
        let store = self.readable(caller).await?;
        let records = on_disk(move || store.list()).await?;
        Ok(records.into_iter().map(shown).map(RecordOnBus::from).collect())
    }

    async fn files(&self, caller: Caller<'_>, session: &str) -> Result<Vec<String>, Error> {
        let session: SessionId = parse("session", session)?;
        let store = self.readable(caller).await?;
        on_disk(move || record::names(&store, session)).await
    }

    async fn open(&self, caller: Caller<'_>, session: &str, name: &str) -> Result<OwnedFd, Error> {
        let session: SessionId = parse("session", session)?;
        if !is_record_name(name) {
            return Err(Error::invalid(format!("name={}", text::name(name))));
        }
        let (store, name) = (self.readable(caller).await?, name.to_owned());
        on_disk(move || record::open(&store, session, &name)).await.map(to_bus)
    }

    async fn report(
        &self,
        caller: Caller<'_>,
        session: &str,
        language: &str,
        form: &str,
    ) -> Result<OwnedFd, Error> {
        let session: SessionId = parse("session", session)?;
        let unknown = |name: &str, value: &str| Error::invalid(format!("{name}={}", text::name(value)));
        let language = Language::from_code(language).ok_or_else(|| unknown("language", language))?;
        let form = ReportForm::from_name(form).ok_or_else(|| unknown("form", form))?;
        let store = self.readable(caller).await?;
        let turn = self.reports.clone().try_lock_owned().map_err(|_| ErrorCode::ReportRuns)?;
        let made = on_disk(move || {
            // Held until it is made, also if the caller does not wait for it.
            let _turn = turn;
            record::report(&store, session, language, form)
        });
        made.await.map(to_bus)
    }

    async fn receipt(
        &self,
        caller: Caller<'_>,
        session: &str,
    ) -> Result<(String, String, String, String, bool), Error> {
        let named: Option<SessionId> = match session {
            "" => None,
            session => Some(parse("session", session)?),
        };
        let store = self.readable(caller).await?;
        let receipt = on_disk(move || {
            let session = named.map_or_else(|| record::latest_closed(&store), Ok)?;
            record::receipt(&store, session)
        });
        let SessionReceipt { session, words, head, anchor, is_anchored } = receipt.await?;
        Ok((session.to_string(), words, head, anchor, is_anchored))
    }

    async fn delete(&self, caller: Caller<'_>, session: &str) -> Result<(), Error> {
        let session: SessionId = parse("session", session)?;
        self.order(caller, Action::DeleteRecords, Order::DeleteRecord(session)).await
    }

    async fn forget_all(&self, caller: Caller<'_>) -> Result<(), Error> {
        self.order(caller, Action::DeleteRecords, Order::ForgetRecords).await
    }
}

impl Object {
    /// The records, for a caller who may read them.
    async fn readable(&self, caller: Caller<'_>) -> Result<Arc<RecordStore>, Error> {
        self.permit(caller, Action::ReadRecords).await?;
        Ok(self.records.clone().ok_or(ErrorCode::NotRecorded)?)
    }
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let error = match spawn_blocking(work).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(ErrorCode::NoRecord.into()),
        Ok(Err(error)) => error,
        Err(failed) => io::Error::other(failed),
    };
    tracing::error!(%error, "could not read a record");
    Err(ErrorCode::RecordsUnusable.into())
}

fn shown(record: StoredRecord) -> SessionRecord {
    let StoredRecord { session, began, engineer, ticket, bytes, is_closed, .. } = record;
    let [engineer, ticket] = [engineer, ticket].map(|part| text::name(&part));
    SessionRecord { session, began, engineer, ticket, bytes, is_closed }
}

fn to_bus(file: File) -> OwnedFd {
    StandardFd::from(file).into()
}
