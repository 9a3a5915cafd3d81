//! The agent on the system bus, as both the service and its clients see it: one object with an interface for each
//! subject, and what the properties mean. `device/dbus/com.navvis.Fieldlink1.xml` is the same for others; it is written
//! from these files.

mod access;
mod arguments;
mod conversation;
mod diagnostics;
mod error;
mod health;
mod network;
mod records;
mod session;
mod snapshot;
mod subject;
mod text;

use std::collections::HashMap;
use std::time::Duration;

use zbus::{OwnedVariant, Variant};

pub use access::{AccessInterface, AccessInterfaceSignals, AccessMethods, AccessProperties};
pub use arguments::{BusArguments, from_bus, to_bus};
pub use conversation::{
    ConversationInterface, ConversationInterfaceSignals, ConversationMethods, ConversationProperties,
};
pub use diagnostics::{DiagnosticsInterface, DiagnosticsMethods, DiagnosticsProperties};
pub use error::{ErrorClass, ErrorCode};
pub use health::{HealthInterface, HealthMethods, HealthProperties};
pub use network::{NetworkInterface, NetworkMethods, NetworkProperties};
pub use records::{RecordOnBus, RecordsInterface, RecordsMethods, RecordsProperties};
pub use session::{SessionInterface, SessionMethods, SessionProperties};
pub use snapshot::Snapshot;
pub use subject::Caller;

/// The name on the bus.
pub const NAME: &str = "com.navvis.Fieldlink1";
/// The one object.
pub const PATH: &str = "/com/navvis/Fieldlink1";
/// Longest wait for an answer on the bus; ending a session takes a second.
pub const ANSWER: Duration = Duration::from_secs(10);

/// Properties with their new values, as they are told.
pub type Changes = HashMap<&'static str, Variant<'static>>;
/// Properties by name, as they are read.
pub type Values = HashMap<String, OwnedVariant>;
