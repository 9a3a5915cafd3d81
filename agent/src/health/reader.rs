//! Reading the device's health for whoever asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::messages::health::Health;
use tokio::sync::{Mutex, MutexGuard};

use super::Collector;
use crate::config::HealthSettings;

/// How long what was collected stands.
const FRESH: Duration = Duration::from_secs(2);

/// Collects the device's health, once at a time, and what was collected is good for a moment, for everybody: every process
/// of the device may ask, and the maker's probes cost what they cost.
pub struct HealthReader {
    collector: Collector,
    latest: Mutex<Option<(Instant, Health)>>,
}

impl HealthReader {
    /// Nothing is collected yet.
    pub fn new(settings: &HealthSettings) -> Arc<Self> {
        Arc::new(Self { collector: Collector::new(settings.probe.clone()), latest: Mutex::new(None) })
    }

    /// As [`Self::read`], and not what was good a moment ago: for the record.
    pub(crate) async fn read_anew(&self, network: &str) -> Health {
        let mut latest = self.latest.lock().await;
        *latest = None;
        self.read_with(latest, network).await
    }

    /// The health of now. `network` is the code of the verdict that is known anyway. Waits for whoever reads at this moment;
    /// safe to cancel.
    pub(crate) async fn read(&self, network: &str) -> Health {
        self.read_with(self.latest.lock().await, network).await
    }

    /// As [`Self::read`]; none if somebody reads at this moment.
    pub(crate) async fn try_read(&self, network: &str) -> Option<Health> {
        Some(self.read_with(self.latest.try_lock().ok()?, network).await)
    }

    async fn read_with(
        &self,
        mut latest: MutexGuard<'_, Option<(Instant, Health)>>,
        network: &str,
    ) -> Health {
        if let Some((at, health)) = &*latest
            && at.elapsed() < FRESH
        {
            return health.clone();
        }
        let health = self.collector.collect(network.to_owned()).await;
        *latest = Some((Instant::now(), health.clone()));
        health
    }
}
