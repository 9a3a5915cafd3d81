//! What this program needs to come back into its session if it is killed: the restart key and the session
//! ticket, in the session's private directory, for as long as the session lives and five minutes more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::call::Joining;
use crate::moment::Moment;
use crate::private_file;
use crate::words::say;

/// The file's name in a session's directory.
pub(crate) const FILE: &str = "restart.json";
/// How often the file is written anew: it says until when the program lived.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// A session to come back to.
#[derive(Debug, Clone)]
pub(crate) struct Restart {
    /// The session.
    pub session: SessionId,
    /// The support case.
    pub ticket: String,
    /// The reseller who arranged it, if any.
    pub partner: Option<String>,
    /// If it is another engineer's session.
    pub joining: Option<Joining>,
    /// Brings the session back at the relay.
    pub session_ticket: Signed<SessionTicket>,
    /// The password of the next pairing.
    pub key: Secret<32>,
    /// When its program was last alive.
    pub alive: Moment,
    /// Whether the scanner restarts, so that it takes longer.
    pub restarting: bool,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    session: SessionId,
    ticket: String,
    partner: Option<String>,
    #[serde(default)]
    joining: Option<Joining>,
    session_ticket: Signed<SessionTicket>,
    key: Zeroizing<String>,
    alive: Moment,
    #[serde(default)]
    restarting: bool,
}

impl Restart {
    /// What a killed program left in `directory`, if it is not too old. Something unreadable is nothing.
    pub(crate) fn load(directory: &Path) -> Option<Self> {
        Self::load_at(directory, &Moment::now())
    }

    fn load_at(directory: &Path, now: &Moment) -> Option<Self> {
        let path = directory.join(FILE);
        let text = Zeroizing::new(private_file::read_secret(&path).ok()??);
        let written = serde_json::from_str(&text).ok()?;
        let Written { session, ticket, partner, joining, session_ticket, key, alive, restarting } = written;
        let key = Zeroizing::new(BASE64.decode(key.as_bytes()).ok()?);
        let key = Secret::new(key.as_slice().try_into().ok()?);
        let age = alive.age(now);
        let restart = Self { session, ticket, partner, joining, session_ticket, key, alive, restarting };
        (age < restart.patience()).then_some(restart)
    }

    /// For how long it can be come back to, from when its program was last alive.
    pub(crate) fn patience(&self) -> Duration {
        if self.restarting { limits::RESTART } else { limits::INTERRUPTION }
    }

    /// How much of that is left.
    pub(crate) fn left(&self, now: &Moment) -> Duration {
        self.patience().saturating_sub(self.alive.age(now))
    }

    /// Notes in `directory` that the scanner restarts.
    pub(crate) fn note_restart(directory: &Path) -> anyhow::Result<()> {
        let restart = Self::load(directory).with_context(|| say!("no-way-back"))?;
        Self { restarting: true, alive: Moment::now(), ..restart }.store(directory)
    }

    /// Writes it into `directory`.
    pub(crate) fn store(&self, directory: &Path) -> anyhow::Result<()> {
        let written = Written {
            session: self.session,
            ticket: self.ticket.clone(),
            partner: self.partner.clone(),
            joining: self.joining,
            session_ticket: self.session_ticket.clone(),
            key: Zeroizing::new(BASE64.encode(self.key.expose())),
            alive: self.alive.clone(),
            restarting: self.restarting,
        };
        let text = Zeroizing::new(serde_json::to_vec(&written)?);
        private_file::replace(&directory.join(FILE), &text)
    }
}

/// Keeps the file in `directory` up to date with the session's ticket, until `gone` fires. Before the
/// admission there is nothing to come back to.
pub(crate) async fn keep(
    mut restart: Restart,
    directory: PathBuf,
    mut ticket: watch::Receiver<Option<Signed<SessionTicket>>>,
    gone: CancellationToken,
) {
    let mut signs = interval(SIGN_OF_LIFE);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let latest = ticket.borrow_and_update().clone();
        if let Some(latest) = latest {
            (restart.session_ticket, restart.alive) = (latest, Moment::now());
            // Without the file the session goes on; only its program must not be killed.
            let _ = restart.store(&directory);
        }
        tokio::select! {
            biased;
            () = gone.cancelled() => return,
            changed = ticket.changed() => if changed.is_err() { return gone.cancelled().await },
            _ = signs.tick() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restart(alive: Moment) -> Restart {
        Restart {
            session: SessionId::random(),
            ticket: "T-1".into(),
            partner: None,
            joining: None,
            session_ticket: Signed::from_text("k.b.t"),
            key: Secret::random(),
            alive,
            restarting: false,
        }
    }

    #[test]
    fn is_found_for_five_minutes_by_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        assert!(Restart::load(path).is_none());
        let now = Moment::now();
        let kept = restart(now.clone());
        kept.store(path).expect("stored");
        let found = Restart::load_at(path, &now.later(Duration::from_secs(299))).expect("fresh");
        assert!(found.session == kept.session && found.key.matches(kept.key.expose()));
        assert!(Restart::load_at(path, &now.later(limits::INTERRUPTION)).is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            kept.store(path).expect("stored");
            let file = path.join(FILE);
            assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("chmod");
            assert!(Restart::load(path).is_none(), "others could have read it");
        }
    }

    #[test]
    fn junk_is_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        for junk in ["", "{}", "{\"session\":1}", "\u{0}"] {
            private_file::replace(&directory.path().join(FILE), junk.as_bytes()).expect("written");
            assert!(Restart::load(directory.path()).is_none());
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        assert!(format!("{:?}", restart(Moment::now())).contains("<secret>"));
    }
}
