//! What the object on the bus answers when it does not do what it is asked.

use super::authority::Denied;
use crate::access::Refusal;

/// An error as it stands on the bus. The message is fit for the person beside the device.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "com.navvis.Fieldlink1.Error")]
pub enum Error {
    /// Something went wrong on the bus itself.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// The sender may not do this.
    NotPermitted(String),
    /// The question that is answered is not open any more.
    Stale(String),
    /// It does not fit the state of things.
    NotNow(String),
    /// An argument cannot be used.
    InvalidArgument(String),
    /// Too many ask at the same time.
    Busy(String),
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Busy => Self::Busy(denied.to_string()),
            _ => Self::NotPermitted(denied.to_string()),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale(_) => Self::Stale(refusal.to_string()),
            _ => Self::NotNow(refusal.to_string()),
        }
    }
}
