//! Which caller may do what. Reading is open; everything else is for the user who sits before the device.
//!
//! 1. The account that engineers work as is refused, whatever polkit and logind say.
//! 2. So is every process inside a session's unit: an engineer who has become another user by `sudo`, say.
//!    That is racy (a process may move on while we look), so it only ever refuses.
//! 3. Then polkit decides about the *sender* of the message, by its unique name on the bus. It may not have
//!    a user authenticate: an engineer who knows an administrator's password is not the client.
//!
//! Stopping waits only `STOP_PATIENCE` for polkit, which every process can keep busy: if polkit is silent, the user
//! whose session is in front at a seat by logind's files may stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_daemon::AUDIT;
use fieldlink_device::bus::ANSWER;
use tokio::time::timeout;
use zbus::Connection;
use zbus::message::{Flags, Header};

use super::action::{Action, Denied};
use super::in_flight::InFlightLimit;
use super::powers::{DevicePowers, Powers, Sender, unknown};
use super::seats;

/// How long polkit may take to say whether the caller may stop.
const STOP_PATIENCE: Duration = Duration::from_millis(500);

/// Judges callers by what bus, kernel, polkit and logind say.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The account that engineers work as, if there is one on this device.
    support: Option<u32>,
    powers: Arc<dyn Powers>,
    in_flight: InFlightLimit,
}

impl Authority {
    /// Refuses the account `support_user` first.
    pub fn new(support_user: &str) -> anyhow::Result<Self> {
        let found = nix::unistd::User::from_name(support_user)
            .map_err(|error| anyhow::anyhow!("could not look up the account {support_user}: {error}"))?;
        let powers = DevicePowers::with_seats(Path::new(seats::PLACE));
        Ok(Self::of(found.map(|user| user.uid.as_raw()), Arc::new(powers)))
    }

    /// For the user ID of the support account; `powers` answer for bus, kernel, polkit and logind.
    pub(super) fn of(support: Option<u32>, powers: Arc<dyn Powers>) -> Self {
        Self { support, powers, in_flight: InFlightLimit::default() }
    }

    /// Whether the sender of a message may do `action`.
    pub async fn check(&self, bus: &Connection, message: &Header<'_>, action: Action) -> Result<(), Denied> {
        if !is_answerable(message) {
            return Err(Denied::Unanswerable);
        }
        let mut turn = self.in_flight.take().ok_or(Denied::Busy)?;
        let (user, verdict) = match self.powers.sender(bus, message).await {
            Ok(sender) if !turn.is_for(sender.user) => return Err(Denied::Busy),
            Ok(sender) => (Some(sender.user), self.judge(bus, message, sender, action).await),
            Err(unknown) => (None, Err(unknown)),
        };
        match &verdict {
            Ok(()) => tracing::info!(target: AUDIT, user, action = action.id(), "permitted"),
            Err(denied) => tracing::warn!(target: AUDIT, user, action = action.id(), %denied, "refused"),
        }
        verdict
    }

    async fn judge(
        &self,
        bus: &Connection,
        message: &Header<'_>,
        sender: Sender,
        action: Action,
    ) -> Result<(), Denied> {
        if self.is_engineer(sender.user, sender.process) {
            return Err(Denied::Engineer);
        }
        let patience = if action.is_stop() { STOP_PATIENCE } else { ANSWER };
        let asked = timeout(patience, self.powers.permits(bus, message, action)).await;
        match asked.unwrap_or_else(|_| Err(unknown("polkit does not answer"))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Denied::NotActive),
            Err(silence) if action.is_stop() && self.powers.is_in_front(sender.user) => {
                let user = sender.user;
                tracing::warn!(target: AUDIT, user, %silence, "stopping without polkit's word, for whoever sits at the device");
                Ok(())
            }
            Err(silence) => Err(silence),
        }
    }

    /// Whether a process of the account `user` may stop remote access, by logind's and the kernel's files alone.
    pub(super) fn may_stop(&self, user: u32, process: Option<u32>) -> bool {
        // The cheapest check first: it ends a flood from the engineers' account.
        Some(user) != self.support && self.powers.is_in_front(user) && !self.is_engineer(user, process)
    }

    fn is_engineer(&self, user: u32, process: Option<u32>) -> bool {
        Some(user) == self.support || process.is_some_and(|process| self.powers.runs_in_session(process))
    }
}

/// Whether the caller waits for a reply. The bus bounds how many replies a connection may wait for, and not the
/// calls that expect none.
pub(super) fn is_answerable(message: &Header<'_>) -> bool {
    !message.primary().flags().contains(Flags::NO_REPLY_EXPECTED)
}
