//! Keeps the device awake while an engineer works: logind's locks against sleep and against idling. Two,
//! because logind has a polkit action for each, and none for both in one.

use fieldlink_device::words::Words;
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

/// What is kept from happening.
const WHAT: [&str; 2] = ["sleep", "idle"];

/// Locks that are held for as long as a session is active.
#[derive(Default)]
pub(super) struct Inhibitor {
    /// logind releases a lock when it is closed.
    locks: Vec<OwnedFd>,
    /// Whether logind has said no, so that it is asked once per session and not at every change.
    is_refused: bool,
}

impl Inhibitor {
    /// Takes the locks, or lets them go.
    pub(super) async fn follow(&mut self, bus: &Connection, is_in_session: bool) {
        if !is_in_session {
            *self = Self::default();
            return;
        }
        if !self.locks.is_empty() || self.is_refused {
            return;
        }
        for what in WHAT {
            match inhibit(bus, what).await {
                Ok(lock) => self.locks.push(lock),
                Err(error) => {
                    tracing::warn!(what, %error, "logind gave no lock: the device may not stay awake");
                    self.is_refused = true;
                }
            }
        }
    }
}

async fn inhibit(bus: &Connection, what: &str) -> fdo::Result<OwnedFd> {
    let logind = LoginManagerProxy::new(bus).await?;
    logind.inhibit(what, "Fieldlink", &Words::of_environment().say("inhibits"), "block").await
}
