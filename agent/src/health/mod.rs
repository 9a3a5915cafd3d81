//! What the device knows of itself, collected from the kernel, the system bus, files and the maker's probes.
//!
//! Each source has a file of its own and is bounded in time, and so is the whole: what does not answer is missing, and
//! named as missing. Nothing is started for it, but what the bus starts by itself where it is asked.

mod batteries;
mod bus;
mod clock;
mod disks;
mod fans;
mod host;
mod probes;
mod reader;
mod service;
mod services;
mod smart;
mod system;
mod units;
mod updates;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::health::{Disk, Health, Source};
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use self::reader::HealthReader;
pub(crate) use self::service::HealthService;
use self::services::BusFacts;
use self::system::SystemFacts;
pub(crate) use self::watch::HealthWatch;
use crate::config::ProbeSettings;

/// How long one source may take, but for the probes.
const ANSWER: Duration = Duration::from_secs(2);

/// Collects a device's health.
pub struct Collector {
    probes: Vec<ProbeSettings>,
    /// Held while files are read that may block: a disk that hangs costs one thread, however often is asked.
    blocking: Arc<Semaphore>,
}

impl Collector {
    /// A collector that asks these probes, too.
    pub fn new(probes: Vec<ProbeSettings>) -> Self {
        Self { probes, blocking: Arc::new(Semaphore::new(1)) }
    }

    /// What is known now; `network` is the code of the network's verdict. Safe to cancel.
    pub async fn collect(&self, network: String) -> Health {
        let collecting = async {
            tokio::join!(
                self.read_files(),
                timeout(2 * ANSWER, services::collect()),
                probes::collect(&self.probes)
            )
        };
        let network = Some(network);
        let Ok((files, on_bus, probes)) = timeout(limits::HEALTH_PATIENCE, collecting).await else {
            let missing = Source::ALL.into();
            return Health { network, missing, ..Health::default() }.fitted();
        };
        let mut health = Health { network, probes, ..Health::default() };
        match files {
            Some(files) => files.put_into(&mut health),
            None => health.missing.extend([Source::System, Source::Disks, Source::Fans, Source::Updates]),
        }
        match on_bus {
            Ok(Ok(facts)) => facts.put_into(&mut health),
            Ok(Err(_)) | Err(_) => health.missing.extend(BusFacts::SOURCES),
        }
        health.fitted()
    }

    async fn read_files(&self) -> Option<Files> {
        let reading = async {
            // Whoever was let go of while they were read has them read for a moment longer.
            let permit = self.blocking.clone().acquire_owned().await.ok()?;
            let reading = tokio::task::spawn_blocking(move || {
                let files = Files::read();
                drop(permit);
                files
            });
            reading.await.ok()
        };
        timeout(ANSWER, reading).await.ok()?
    }
}

/// What is read from the kernel and from files.
struct Files {
    system: SystemFacts,
    disks: Option<disks::Seen>,
    fans: Option<Vec<fieldlink_protocol::messages::health::Fan>>,
    updates: Option<fieldlink_protocol::messages::health::Updates>,
}

impl Files {
    fn read() -> Self {
        Self { system: system::read(), disks: disks::read(), fans: fans::read(), updates: updates::read() }
    }

    fn put_into(self, health: &mut Health) {
        self.system.put_into(health);
        match self.disks {
            Some(disks::Seen { disks, are_all }) => {
                health.disks = disks;
                health.missing.extend((!are_all).then_some(Source::Disks));
            }
            None => drop(health.missing.insert(Source::Disks)),
        }
        match self.fans {
            Some(fans) => health.fans = fans,
            None => drop(health.missing.insert(Source::Fans)),
        }
        health.updates = self.updates;
        if self.updates.is_none() {
            health.missing.insert(Source::Updates);
        }
    }
}

/// Notes on each disk what it says of itself.
fn judge_disks(disks: &mut [Disk], verdicts: &smart::Verdicts) {
    disks.iter_mut().for_each(|disk| disk.smart = verdicts.get(&disk.mount).copied());
}

#[cfg(test)]
mod tests;
