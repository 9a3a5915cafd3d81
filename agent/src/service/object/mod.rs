//! The object on the bus: what the person beside the device can do and read, by subject.

mod access;
mod conversation;
mod diagnostics;
mod health;
mod network;
mod records;
mod session;

use std::sync::Arc;

use fieldlink_device::bus::{
    AccessInterface, Caller, ConversationInterface, DiagnosticsInterface, ErrorCode, HealthInterface,
    NetworkInterface, PATH, RecordsInterface, SessionInterface, Snapshot,
};
use fieldlink_device::order::Order;
use fieldlink_device::panel::View;
use fieldlink_device::words::Language;
use fieldlink_protocol::limits;
use tokio::sync::{Mutex, mpsc, watch};
use zbus::connection::Builder;

use super::action::Action;
use super::authority::Authority;
use super::error::Error;
use super::network_check::NetworkCheck;
use crate::access::Command;
use crate::diagnosis::Diagnoses;
use crate::health::HealthReader;
use crate::live::LiveView;
use crate::record::RecordStore;

/// The longest body of a message that is looked at, in bytes: a line of chat, and what D-Bus puts around it.
const LONGEST: u32 = limits::CHAT as u32 + 128;

/// What the object stands on. Each interface has a clone.
#[derive(Clone)]
pub struct Object {
    /// Where orders go.
    pub commands: mpsc::Sender<Command>,
    /// What is shown.
    pub view: watch::Receiver<View>,
    /// What engineers' terminals show.
    pub live: LiveView,
    /// Who may.
    pub authority: Authority,
    /// What the device's operator has set.
    pub language: Option<Language>,
    /// For checks of the network.
    pub network: Arc<Mutex<NetworkCheck>>,
    /// For the device's health.
    pub health: Arc<HealthReader>,
    /// For diagnoses of the device.
    pub diagnoses: Diagnoses,
    /// The names of the maker's probes.
    pub probes: Vec<String>,
    /// The records of this device, if it keeps any.
    pub records: Option<Arc<RecordStore>>,
    /// Held while a report is made: each takes a multiple of what it tells of.
    pub reports: Arc<Mutex<()>>,
}

impl Object {
    /// Has it served over a connection that is being made.
    pub fn serve(self, connection: Builder<'_>) -> Builder<'_> {
        connection
            .serve_at(PATH, AccessInterface(self.clone()))
            .serve_at(PATH, SessionInterface(self.clone()))
            .serve_at(PATH, ConversationInterface(self.clone()))
            .serve_at(PATH, NetworkInterface(self.clone()))
            .serve_at(PATH, HealthInterface(self.clone()))
            .serve_at(PATH, DiagnosticsInterface(self.clone()))
            .serve_at(PATH, RecordsInterface(self))
    }

    async fn permit(&self, caller: Caller<'_>, action: Action) -> Result<(), Error> {
        // The message is kept while others are asked, and everybody may send as many as they like.
        if caller.header.primary().body_len() > LONGEST {
            return Err(ErrorCode::TooLong.into());
        }
        Ok(self.authority.check(caller.bus, caller.header, action).await?)
    }

    async fn order(&self, caller: Caller<'_>, action: Action, order: Order) -> Result<(), Error> {
        self.permit(caller, action).await?;
        Ok(Command::ask(&self.commands, order).await?)
    }
}

/// What can be read of a view.
pub(super) fn snapshot(view: &View, language: Option<Language>) -> Snapshot {
    let mut snapshot = Snapshot::from(&view.status);
    snapshot.access.revision = view.revision;
    snapshot.access.version = env!("CARGO_PKG_VERSION").to_owned();
    snapshot.access.language = language.map_or("", Language::code).to_owned();
    snapshot
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| Error::invalid(format!("{what}: {error}")))
}
