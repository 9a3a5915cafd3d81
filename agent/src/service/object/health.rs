//! What the device knows of itself, which everybody may ask for.

use fieldlink_device::bus::{Caller, ErrorCode, HealthMethods, HealthProperties};

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
        let mut health = self.health.try_lock().map_err(|_| ErrorCode::HealthRuns)?;
        let network = self.view.borrow().status.network.code().to_owned();
        Ok(health.read(network).await)
    }
}
