//! What bus, kernel, polkit and logind know of a caller and of its rights.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus_polkit::policykit1::{AuthorityProxy, CheckAuthorizationFlags, Subject};

use super::action::{Action, Denied};
use super::seats;

/// Units that engineers' programs run in.
const SESSION_UNIT: &str = "/fieldlink-session@";

/// The sender of a message, as the bus knows them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    /// The account's user ID.
    pub user: u32,
    /// The process that connected, where the bus knows it.
    pub process: Option<u32>,
}

/// What `Authority` asks about a caller: the answers are facts, and it judges by them.
pub(super) trait Powers: Debug + Send + Sync {
    /// The bus: the account and process that sent a message.
    fn sender<'a>(
        &'a self,
        bus: &'a Connection,
        message: &'a Header<'a>,
    ) -> BoxFuture<'a, Result<Sender, Denied>>;

    /// polkit: whether the sender of a message is authorised to do `action`, without a user having to authenticate.
    fn permits<'a>(
        &'a self,
        bus: &'a Connection,
        message: &'a Header<'a>,
        action: Action,
    ) -> BoxFuture<'a, Result<bool, Denied>>;

    /// logind: whether an account's session is the one in front at some seat.
    fn is_in_front(&self, user: u32) -> bool;

    /// The kernel: whether a process is in a session's unit.
    fn runs_in_session(&self, process: u32) -> bool;
}

/// The bus, kernel, polkit and logind of this device.
#[derive(Debug)]
pub(super) struct DevicePowers {
    /// logind's directory of seats, with the active user of each.
    seats: PathBuf,
}

impl DevicePowers {
    /// With logind's files at `seats`.
    pub(super) fn with_seats(seats: &Path) -> Self {
        Self { seats: seats.to_owned() }
    }
}

impl Powers for DevicePowers {
    fn sender<'a>(
        &'a self,
        bus: &'a Connection,
        message: &'a Header<'a>,
    ) -> BoxFuture<'a, Result<Sender, Denied>> {
        Box::pin(async move {
            let name = message.sender().ok_or_else(|| unknown("no sender"))?;
            let daemon = DBusProxy::new(bus).await.map_err(unknown)?;
            let known = daemon.get_connection_credentials(name.clone().into()).await.map_err(unknown)?;
            let user = known.unix_user_id().ok_or_else(|| unknown("no user"))?;
            Ok(Sender { user, process: known.process_id() })
        })
    }

    fn permits<'a>(
        &'a self,
        bus: &'a Connection,
        message: &'a Header<'a>,
        action: Action,
    ) -> BoxFuture<'a, Result<bool, Denied>> {
        Box::pin(async move {
            // By the name of the connection: a process ID could belong to another process by now.
            let subject = Subject::new_for_message_header(message).map_err(unknown)?;
            let polkit = AuthorityProxy::new(bus).await.map_err(unknown)?;
            let flags = CheckAuthorizationFlags::empty();
            let answer = polkit.check_authorization(&subject, action.id(), &HashMap::new(), flags, "").await;
            Ok(answer.map_err(unknown)?.is_authorized)
        })
    }

    fn is_in_front(&self, user: u32) -> bool {
        seats::is_in_front(&self.seats, user)
    }

    fn runs_in_session(&self, process: u32) -> bool {
        let groups = std::fs::read(format!("/proc/{process}/cgroup")).unwrap_or_default();
        String::from_utf8_lossy(&groups).contains(SESSION_UNIT)
    }
}

/// It could not be found out.
pub(super) fn unknown(error: impl std::fmt::Display) -> Denied {
    Denied::Unknown(fieldlink_protocol::text::sentence(&error.to_string()))
}
