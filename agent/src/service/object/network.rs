//! The network's verdict, and a check of it, which everybody may ask for.

use std::time::Duration;

use fieldlink_device::bus::{BusArguments, Caller, ErrorCode, NetworkMethods, NetworkProperties, to_bus};
use fieldlink_device::notice;
use tokio::time::timeout;

use super::Object;
use crate::service::authority::is_answerable;
use crate::service::error::Error;

/// A check of the network takes a few seconds; dialling and measuring have limits of their own.
const CHECK: Duration = Duration::from_secs(30);

impl NetworkMethods for Object {
    type Error = Error;

    fn properties(&self) -> NetworkProperties {
        NetworkProperties::from(&self.view.borrow().status)
    }

    async fn check(&self, caller: Caller<'_>) -> Result<(u32, String, BusArguments, String, String), Error> {
        // Everybody may ask; so nobody waits here for somebody else.
        if !is_answerable(caller.header) {
            return Err(ErrorCode::CheckRuns.into());
        }
        let mut network = self.network.try_lock().map_err(|_| ErrorCode::CheckRuns)?;
        let is_as_then = self.view.borrow().status.network.clone();
        let report = timeout(CHECK, network.report(is_as_then)).await.map_err(|_| ErrorCode::CheckTooSlow)?;
        let (code, arguments) = notice::parts(&report.verdict.notice);
        let json = format!("{:#}", report.to_codes());
        Ok((report.exit_code().into(), code, to_bus(arguments), report.details(), json))
    }
}
