//! The session: its end, and more time.

use fieldlink_device::bus::{Caller, SessionMethods, SessionProperties};
use fieldlink_device::order::Order;
use fieldlink_device::verdict::Verdict;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::{limits, text};

use super::conversation::check;
use super::{Object, parse};
use crate::service::action::Action;
use crate::service::error::Error;
use zbus::OwnedFd;

impl SessionMethods for Object {
    type Error = Error;

    fn properties(&self) -> SessionProperties {
        SessionProperties::from(&self.view.borrow().status)
    }

    async fn end(&self, caller: Caller<'_>) -> Result<(), Error> {
        self.order(caller, Action::Stop, Order::End).await
    }

    async fn grant_extension(&self, caller: Caller<'_>, session: &str, minutes: u32) -> Result<(), Error> {
        let session: SessionId = parse("session", session)?;
        if !limits::EXTENSION_MINUTES.contains(&minutes) {
            return Err(Error::invalid(format!("minutes={minutes}")));
        }
        self.order(caller, Action::Extend, Order::Grant(session, minutes)).await
    }

    async fn watch(&self, caller: Caller<'_>) -> Result<OwnedFd, Error> {
        self.permit(caller, Action::Credentials).await?;
        Ok(self.live.watch()?.into())
    }

    async fn remove(&self, caller: Caller<'_>, name: String) -> Result<(), Error> {
        check(&name)?;
        self.order(caller, Action::Stop, Order::Remove(name)).await
    }

    async fn here(&self, caller: Caller<'_>) -> Result<(), Error> {
        self.order(caller, Action::Answer, Order::Here).await
    }

    async fn give_verdict(
        &self,
        caller: Caller<'_>,
        session: &str,
        verdict: &str,
        words: String,
    ) -> Result<(), Error> {
        let session: SessionId = parse("session", session)?;
        let unknown = || Error::invalid(format!("verdict={}", text::name(verdict)));
        let verdict = Verdict::from_name(verdict).ok_or_else(unknown)?;
        if !words.trim().is_empty() {
            check(&words)?;
        }
        self.order(caller, Action::Answer, Order::Verdict(session, verdict, words)).await
    }
}
