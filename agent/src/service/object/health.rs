//! What the device knows of itself, which everybody may ask for.

use fieldlink_device::bus::{Caller, ErrorCode, HealthMethods, HealthProperties};

use fieldlink_protocol::messages;

use super::Object;
use crate::service::authority::is_answerable;
use crate::service::error::Error;

impl HealthMethods for Object {
    type Error = Error;

    fn properties(&self) -> HealthProperties {
        HealthProperties { probes: self.probes.clone() }
    }

    async fn read(&self, caller: Caller<'_>) -> Result<String, Error> {
        // Everybody may ask; so nobody waits here for somebody else. The collector bounds its own time.
        if !is_answerable(caller.header) {
            return Err(ErrorCode::HealthRuns.into());
        }
        let network = self.view.borrow().status.network.code();
        let health = self.health.try_read(network).await.ok_or(ErrorCode::HealthRuns)?;
        Ok(messages::encode(&health))
    }
}
