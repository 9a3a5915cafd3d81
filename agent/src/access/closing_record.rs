//! A record is closed, once it has how the device is at the end.

use std::time::Duration;

use fieldlink_evidence::{Event, Head, HealthMoment};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::health::Health;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::record::{ClosedRecord, Moment, Recording};

/// How long it may take to find out how the device is once the session is over: everybody waits for the report. It is as
/// long as what is missing takes to be known as missing.
const LAST_HEALTH: Duration = limits::HEALTH_PATIENCE.saturating_add(Duration::from_secs(1));

/// How the device is once the session is over.
pub(super) type LastHealth = BoxFuture<'static, Health>;

/// A record that is being closed. Dropped before it is, it is closed all the same.
pub(super) struct ClosingRecord {
    open: Option<Recording>,
    health: Option<LastHealth>,
    /// Until when the health is waited for.
    until: Instant,
    closed: Option<ClosedRecord>,
    hurry: CancellationToken,
}

impl ClosingRecord {
    /// Closes it, at once if there is nothing to find out.
    pub(super) fn new(recording: Recording, health: Option<LastHealth>) -> Self {
        let mut closing = Self {
            open: Some(recording),
            health,
            until: Instant::now() + LAST_HEALTH,
            closed: None,
            hurry: CancellationToken::new(),
        };
        if closing.health.is_none() {
            closing.close();
        }
        closing
    }

    /// What is still to be found out is not waited for any more.
    pub(super) fn hurry(&self) {
        self.hurry.cancel();
    }

    /// How the record ends, once it is closed; none if it cannot be. Safe to cancel.
    pub(super) async fn head(&mut self) -> Option<Head> {
        if let (Some(recording), Some(health)) = (&self.open, &mut self.health) {
            let found_out = self.hurry.run_until_cancelled(timeout_at(self.until, health)).await;
            if let Some(Ok(health)) = found_out {
                let event = Event::HealthRead { moment: HealthMoment::End, health: Box::new(health) };
                recording.tell_at(Moment::now(), event);
            }
            self.health = None;
        }
        self.close();
        match &mut self.closed {
            Some(closed) => closed.head().await,
            None => None,
        }
    }

    fn close(&mut self) {
        if let Some(recording) = self.open.take() {
            self.closed = Some(recording.close());
        }
    }
}

impl Drop for ClosingRecord {
    fn drop(&mut self) {
        self.close();
    }
}
