//! What is remembered of a link over a restart of this program: that this is the device that used it first. In a file
//! that only its user can read, forgotten some hours later.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::link::ObserverLink;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::observer::{DeviceSecret, FromObserver};
use fieldlink_protocol::ticket::{ObserverTicket, Signed};
use fieldlink_protocol::{feature, limits};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::exit::{Failure, Kind};
use crate::words::say;
use crate::{platform, private_file};

/// How the files are called.
const PREFIX: &str = "watched-";
/// After that no session goes on.
const FORGOTTEN: Duration = Duration::from_secs(4 * 60 * 60);

/// Of one link.
pub(crate) struct Memory {
    path: PathBuf,
    kept: Kept,
    /// Another program of this device would push this one out, and be pushed out by it.
    _lock: File,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    device: DeviceSecret,
    /// As the link had it: with another one, what came later counts no more.
    given: Signed<ObserverTicket>,
    ticket: Signed<ObserverTicket>,
}

impl Memory {
    /// Of `link`, in the directory `state`. It is made if the link is used here for the first time.
    pub(crate) fn open(state: &Path, link: &ObserverLink) -> Result<Self, Failure> {
        platform::create_private_directory(state)
            .with_context(|| say!("could-not-create", path = state.display()))?;
        forget_old(state);
        let path = state.join(format!("{PREFIX}{}", link.key.fingerprint()));
        let lock =
            platform::private_file().read(true).write(true).create(true).open(path.with_extension("lock"));
        let lock = lock.with_context(|| say!("could-not-lock", path = path.display()))?;
        if private_file::patiently(|| lock.try_lock().ok()).is_none() {
            return Err(Failure::new(Kind::Busy, say!("link-watched-here")));
        }
        let text = private_file::read_secret(&path)?.map(Zeroizing::new);
        let known: Option<Kept> = text.and_then(|text| serde_json::from_str(&text).ok());
        let (given, ticket) = (link.ticket.clone(), link.ticket.clone());
        let kept = match known {
            Some(known) if known.given == given => known,
            Some(Kept { device, .. }) => Kept { device, given, ticket },
            None => Kept { device: DeviceSecret::random(), given, ticket },
        };
        let memory = Self { path, kept, _lock: lock };
        memory.store()?;
        Ok(memory)
    }

    fn store(&self) -> anyhow::Result<()> {
        let text = Zeroizing::new(serde_json::to_vec(&self.kept)?);
        private_file::replace(&self.path, &text)
    }

    /// What to show the relay.
    pub(super) fn ticket(&self) -> &Signed<ObserverTicket> {
        &self.kept.ticket
    }

    /// From now on.
    pub(super) fn set_ticket(&mut self, ticket: Signed<ObserverTicket>) {
        self.kept.ticket = ticket;
        // It counts for this run in any case.
        let _ = self.store();
    }

    /// The one message. What was on the screen of a run before this one is not there any more: it begins anew.
    pub(super) fn hello(&self, places: &BTreeMap<u64, u64>, fetches_report: bool) -> FromObserver {
        let ours = Features::ours();
        FromObserver::Hello {
            device: self.kept.device.clone(),
            software: concat!("fieldlink-connect ", env!("CARGO_PKG_VERSION")).into(),
            features: if fetches_report { ours } else { ours.without(feature::REPORT) },
            places: places.iter().map(|(channel, place)| (*channel, *place)).take(limits::PLACES).collect(),
        }
    }
}

/// Removes what belongs to sessions that are long over.
fn forget_old(state: &Path) {
    let Ok(entries) = std::fs::read_dir(state) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().ok().and_then(|metadata| metadata.modified().ok()?.elapsed().ok());
        if is_ours && age.is_some_and(|age| age > FORGOTTEN) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::link::LinkKey;
    use fieldlink_protocol::secret::Secret;

    use super::*;

    #[test]
    fn a_device_stays_the_same_for_one_link() {
        let base = tempfile::tempdir().expect("a directory");
        let state = base.path().join("state");
        let link = |ticket: &str| ObserverLink {
            relay: "relay.example.com".into(),
            ticket: Signed::from_text(ticket),
            key: LinkKey(Secret::random()),
        };
        let (one, other) = (link("a.b.c"), link("d.e.f"));
        let mut first = Memory::open(&state, &one).expect("made");
        assert_eq!(Memory::open(&state, &one).err().expect("it is watched").kind, Kind::Busy);
        let different = Memory::open(&state, &other).expect("made");
        assert_ne!(first.kept.device, different.kept.device);
        first.set_ticket(Signed::from_text("g.h.i"));
        let device = first.kept.device.clone();
        drop(first);
        let again = Memory::open(&state, &one).expect("kept");
        assert_eq!((&again.kept.device, again.ticket().as_str()), (&device, "g.h.i"));
        drop(again);
        let mistyped = ObserverLink { ticket: Signed::from_text("x"), ..one };
        let other = Memory::open(&state, &mistyped).expect("kept");
        assert_eq!((&other.kept.device, other.ticket().as_str()), (&device, "x"));
    }
}
