//! The device's health again and again, while an engineer works.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::messages::health::Health;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::HealthReader;
use crate::network::monitor;

/// How often it is read. What gets full or hot does not do so in a moment.
const EVERY: Duration = Duration::from_secs(30);

/// Reads it, at once and then regularly, until it is closed or dropped.
pub(crate) struct HealthWatch {
    read: mpsc::Receiver<Box<Health>>,
    task: JoinSet<()>,
}

impl HealthWatch {
    /// Begins.
    pub(crate) fn start(reader: Arc<HealthReader>, network: monitor::Handle) -> Self {
        let (sender, read) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let health = reader.read(network.verdict().notice.code()).await;
                if sender.send(Box::new(health)).await.is_err() {
                    return;
                }
            }
        });
        Self { read, task }
    }

    /// Waits until it was read again. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Box<Health> {
        match self.read.recv().await {
            Some(health) => health,
            // The task failed by itself.
            None => std::future::pending().await,
        }
    }

    /// Stops, and waits for that.
    pub(crate) async fn close(mut self) {
        self.task.shutdown().await;
    }
}
