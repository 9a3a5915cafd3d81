//! The agent on the system bus, as both the service and its clients see it: names, and what the
//! properties mean. `device/dbus/com.navvis.Fieldlink1.xml` documents the interface.

mod arguments;
mod error;
mod properties;

pub use arguments::{BusArguments, from_bus, to_bus};
pub use error::{ErrorClass, ErrorCode};
pub use properties::Properties;

/// The name on the bus.
pub const NAME: &str = "com.navvis.Fieldlink1";
/// The one object.
pub const PATH: &str = "/com/navvis/Fieldlink1";
/// Its interface.
pub const INTERFACE: &str = "com.navvis.Fieldlink1";
/// Longest wait for an answer on the bus; ending a session takes a second.
pub const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);
