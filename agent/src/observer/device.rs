//! Which device a link is for: the first that shows a secret of its own.

use std::sync::{Mutex, PoisonError};

use fieldlink_protocol::messages::observer::DeviceSecret;
use tokio_util::sync::CancellationToken;

/// The device of one link, and its latest connection.
#[derive(Debug, Default)]
pub(crate) struct Device(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    secret: Option<DeviceSecret>,
    latest: CancellationToken,
}

impl Device {
    /// The device has another connection: the one before is over. `None`: it is another device.
    pub(super) fn claim(&self, secret: &DeviceSecret) -> Option<CancellationToken> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.secret.as_ref().is_some_and(|known| known != secret) {
            return None;
        }
        known.secret = Some(secret.clone());
        known.latest.cancel();
        known.latest = CancellationToken::new();
        Some(known.latest.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_device_is_the_only_one_and_its_latest_connection_counts() {
        let (device, first, other) = (Device::default(), DeviceSecret::random(), DeviceSecret::random());
        let connection = device.claim(&first).expect("the first");
        assert!(device.claim(&other).is_none());
        assert!(!connection.is_cancelled(), "another device disturbs nobody");
        let again = device.claim(&first).expect("the same");
        assert!(connection.is_cancelled() && !again.is_cancelled());
        assert!(device.claim(&other).is_none());
    }
}
