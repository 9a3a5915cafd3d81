//! What is followed of the device itself while an engineer works.

use std::sync::Arc;

use fieldlink_protocol::messages::health::Health;

use crate::battery::BatteryWatch;
use crate::health::{HealthReader, HealthWatch};
use crate::network::monitor;
use crate::rules::Battery;

/// Something is new about it.
pub(super) enum DeviceNews {
    /// The battery stands so now; none: nothing is known of one.
    Battery(Option<Battery>),
    /// All that it knows of itself.
    Health(Box<Health>),
}

/// Follows the device until it is closed or dropped.
pub(super) struct DeviceWatch {
    battery: BatteryWatch,
    health: HealthWatch,
}

impl DeviceWatch {
    /// Begins to follow it.
    pub(super) fn start(reader: Arc<HealthReader>, network: monitor::Handle) -> Self {
        Self { battery: BatteryWatch::start(), health: HealthWatch::start(reader, network) }
    }

    /// Waits for news. Safe to cancel.
    pub(super) async fn next(&mut self) -> DeviceNews {
        tokio::select! {
            battery = self.battery.changed() => DeviceNews::Battery(battery),
            health = self.health.next() => DeviceNews::Health(health),
        }
    }

    /// Stops, and waits for that.
    pub(super) async fn close(self) {
        tokio::join!(self.battery.close(), self.health.close());
    }
}
