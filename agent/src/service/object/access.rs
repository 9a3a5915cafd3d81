//! Remote access as a whole: on, off, and what to read out.

use fieldlink_device::bus::{AccessMethods, AccessProperties, Caller, ErrorCode};
use fieldlink_device::order::Order;
use fieldlink_device::status::Phase;
use fieldlink_protocol::reason::Reason;

use super::{Object, snapshot};
use crate::service::action::Action;
use crate::service::error::Error;

impl AccessMethods for Object {
    type Error = Error;

    fn properties(&self) -> AccessProperties {
        snapshot(&self.view.borrow(), self.language).access
    }

    async fn start(&self, caller: Caller<'_>) -> Result<(), Error> {
        self.order(caller, Action::Start, Order::Start).await
    }

    async fn stop(&self, caller: Caller<'_>) -> Result<(), Error> {
        self.order(caller, Action::Stop, Order::Stop(Reason::ClientEnded)).await
    }

    async fn get_credentials(&self, caller: Caller<'_>) -> Result<(String, String), Error> {
        self.permit(caller, Action::Credentials).await?;
        let view = self.view.borrow().clone();
        let none = match view.status.phase {
            Phase::Off => ErrorCode::NoCredentials,
            Phase::Connecting => ErrorCode::CredentialsNotYet,
            _ => ErrorCode::CredentialsUsed,
        };
        let credentials = view.credentials.ok_or(none)?;
        Ok((credentials.support_id.to_string(), credentials.pin.expose().to_owned()))
    }
}
