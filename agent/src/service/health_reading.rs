//! The device's health for callers on the bus.

use std::time::{Duration, Instant};

use fieldlink_protocol::messages;

use crate::config::HealthSettings;
use crate::health::Collector;

/// How long what was collected stands.
const FRESH: Duration = Duration::from_secs(2);

/// Collects the device's health, once at a time, and what was collected is good for a moment, for every caller: every
/// process may ask, and the maker's probes cost what they cost.
pub struct HealthReading {
    collector: Collector,
    latest: Option<(Instant, String)>,
}

impl HealthReading {
    /// Nothing is collected yet.
    pub fn new(settings: &HealthSettings) -> Self {
        Self { collector: Collector::new(settings.probe.clone()), latest: None }
    }

    /// The names of the probes that are asked.
    pub(super) fn probes_of(settings: &HealthSettings) -> Vec<String> {
        settings.probe.iter().map(|probe| probe.name.clone()).collect()
    }

    /// The health as JSON. `network` is the code of the verdict that is known anyway.
    pub(super) async fn read(&mut self, network: String) -> String {
        if let Some((at, health)) = &self.latest
            && at.elapsed() < FRESH
        {
            return health.clone();
        }
        let health = messages::encode(&self.collector.collect(network).await);
        self.latest = Some((Instant::now(), health.clone()));
        health
    }
}
