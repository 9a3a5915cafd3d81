//! Keeps the device awake while an engineer works: logind's lock against sleep and idling.

use zbus::fdo;
use zbus::{Connection, OwnedFd};

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait LoginManager {
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> fdo::Result<OwnedFd>;
}

/// A lock that is held for as long as a session is active.
#[derive(Default)]
pub(super) struct Inhibitor {
    /// logind releases the lock when this is closed.
    lock: Option<OwnedFd>,
    /// Whether logind has said no, so that it is asked once per session and not at every change.
    is_refused: bool,
}

impl Inhibitor {
    /// Takes the lock, or lets it go.
    pub(super) async fn follow(&mut self, bus: &Connection, is_in_session: bool) {
        if !is_in_session {
            (self.lock, self.is_refused) = (None, false);
            return;
        }
        if self.lock.is_some() || self.is_refused {
            return;
        }
        match inhibit(bus).await {
            Ok(lock) => self.lock = Some(lock),
            Err(error) => {
                tracing::warn!(%error, "the device may fall asleep during the session: logind gave no lock");
                self.is_refused = true;
            }
        }
    }
}

async fn inhibit(bus: &Connection) -> fdo::Result<OwnedFd> {
    let logind = LoginManagerProxy::new(bus).await?;
    logind.inhibit("sleep:idle", "Fieldlink", "A support engineer is connected", "block").await
}
