//! Reading the device's health for whoever asks.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use fieldlink_protocol::messages::health::Health;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::Collector;
use crate::config::HealthSettings;

/// How long what was collected stands.
const FRESH: Duration = Duration::from_secs(2);
/// The same, while it is being collected anew, for who does not wait for that.
const RECENT: Duration = Duration::from_secs(10);

/// Collects the device's health, once at a time, and what was collected is good for a moment, for everybody: every process
/// of the device may ask, and the maker's probes cost what they cost.
pub struct HealthReader {
    collector: Collector,
    /// Held by whoever collects.
    turn: Mutex<()>,
    latest: std::sync::Mutex<Option<(Instant, Health)>>,
}

impl HealthReader {
    /// Nothing is collected yet.
    pub fn new(settings: &HealthSettings) -> Arc<Self> {
        let collector = Collector::new(settings.probe.clone());
        Arc::new(Self { collector, turn: Mutex::default(), latest: std::sync::Mutex::default() })
    }

    /// As [`Self::read`], and not what was good a moment ago: for the record.
    pub(crate) async fn read_anew(&self, network: &str) -> Health {
        self.collect(self.turn.lock().await, network).await
    }

    /// The health of now. `network` is the code of the verdict that is known anyway. Waits for whoever reads at this moment;
    /// safe to cancel.
    pub(crate) async fn read(&self, network: &str) -> Health {
        let turn = self.turn.lock().await;
        match self.latest_within(FRESH) {
            Some(health) => health,
            None => self.collect(turn, network).await,
        }
    }

    /// As [`Self::read`]; while somebody reads at this moment, what was read not long ago, or none.
    pub(crate) async fn try_read(&self, network: &str) -> Option<Health> {
        match (self.latest_within(FRESH), self.turn.try_lock()) {
            (Some(health), _) => Some(health),
            (None, Ok(turn)) => Some(self.collect(turn, network).await),
            (None, Err(_)) => self.latest_within(RECENT),
        }
    }

    async fn collect(&self, _turn: MutexGuard<'_, ()>, network: &str) -> Health {
        let health = self.collector.collect(network.to_owned()).await;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), health.clone()));
        health
    }

    fn latest_within(&self, age: Duration) -> Option<Health> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|(at, _)| at.elapsed() < age).map(|(_, health)| health.clone())
    }
}
