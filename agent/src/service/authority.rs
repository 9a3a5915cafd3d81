//! Who may do what. Reading is open; everything else is for whoever sits before the device.
//!
//! 1. The account that engineers work as is refused, whatever anyone else says.
//! 2. So is whoever runs inside a session's unit: an engineer who has become somebody else by `sudo`, say.
//!    That is racy (a process may move on while we look), so it only ever refuses.
//! 3. Then polkit decides about the *sender* of the message, by its unique name on the bus. It is never
//!    asked to let anyone authenticate: an engineer who knows an administrator's password is not the client.

use std::collections::HashMap;

use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus_polkit::policykit1::{AuthorityProxy, CheckAuthorizationFlags, Subject};

/// Units that engineers' programs run in.
const SESSION_UNIT: &str = "/fieldlink-session@";

/// What is to be done; polkit has an action for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Switch remote access on.
    Start,
    /// Switch it off, or end a session.
    Stop,
    /// Read support ID and PIN.
    Credentials,
    /// Answer whether an engineer may come in, or may stay longer when they ask.
    Allow,
    /// Give a session more time.
    Extend,
    /// Answer an engineer's question, or say something.
    Answer,
}

/// Why somebody may not.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The support account, or a process of a session.
    #[error("the support engineer cannot do this: it is for the person beside the device")]
    Engineer,
    /// polkit says no.
    #[error("only the person who is logged in at the device can do this")]
    NotActive,
    /// Nobody says yes.
    #[error("could not find out who is asking: {0}")]
    Unknown(String),
}

impl Action {
    /// Its polkit action.
    pub fn id(self) -> &'static str {
        match self {
            Self::Start => "com.navvis.fieldlink1.start",
            Self::Stop => "com.navvis.fieldlink1.stop",
            Self::Credentials => "com.navvis.fieldlink1.credentials",
            Self::Allow => "com.navvis.fieldlink1.allow",
            Self::Extend => "com.navvis.fieldlink1.extend",
            Self::Answer => "com.navvis.fieldlink1.answer",
        }
    }
}

/// Asks bus and polkit.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The account that engineers work as, if there is one on this device.
    support: Option<u32>,
}

impl Authority {
    /// Refuses the account `support_user` first.
    pub fn new(support_user: &str) -> anyhow::Result<Self> {
        let found = nix::unistd::User::from_name(support_user)
            .map_err(|error| anyhow::anyhow!("could not look up the account {support_user}: {error}"))?;
        Ok(Self { support: found.map(|user| user.uid.as_raw()) })
    }

    /// Whether the sender of a message may do `action`.
    pub async fn check(&self, bus: &Connection, message: &Header<'_>, action: Action) -> Result<(), Denied> {
        let verdict = self.judge(bus, message, action).await;
        let sender = message.sender().map_or("nobody", |sender| sender.as_str());
        match &verdict {
            Ok(()) => tracing::info!(sender, action = action.id(), "permitted"),
            Err(denied) => tracing::warn!(sender, action = action.id(), %denied, "refused"),
        }
        verdict
    }

    async fn judge(&self, bus: &Connection, message: &Header<'_>, action: Action) -> Result<(), Denied> {
        let sender = message.sender().ok_or_else(|| Denied::Unknown("no sender".to_owned()))?;
        let daemon = DBusProxy::new(bus).await.map_err(unknown)?;
        let caller = daemon.get_connection_credentials(sender.clone().into()).await.map_err(unknown)?;
        let user = caller.unix_user_id().ok_or_else(|| Denied::Unknown("no user".to_owned()))?;
        let is_in_session = caller.process_id().is_some_and(runs_in_session);
        if Some(user) == self.support || is_in_session {
            return Err(Denied::Engineer);
        }
        // By the name of the connection: a process ID could be somebody else's by now.
        let subject = Subject::new_for_message_header(message).map_err(unknown)?;
        let polkit = AuthorityProxy::new(bus).await.map_err(unknown)?;
        let flags = CheckAuthorizationFlags::empty();
        let answer = polkit.check_authorization(&subject, action.id(), &HashMap::new(), flags, "").await;
        if answer.map_err(unknown)?.is_authorized { Ok(()) } else { Err(Denied::NotActive) }
    }
}

fn runs_in_session(process: u32) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
    groups.contains(SESSION_UNIT)
}

fn unknown(error: impl std::fmt::Display) -> Denied {
    Denied::Unknown(fieldlink_protocol::text::sentence(&error.to_string()))
}
