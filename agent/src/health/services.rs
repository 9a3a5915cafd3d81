//! What services on the system bus know. A service that hangs costs its own part and no other.

use std::time::Duration;

use fieldlink_protocol::messages::health::{Battery, Clock, Health, Source};
use tokio::time::timeout;
use zbus::Connection;
use zbus::connection::Builder;

use super::host::HostFacts;
use super::{ANSWER, batteries, clock, host, judge_disks, smart, units};

/// How long one answer may take; a part may need several, and has [`ANSWER`] for all of them.
const ONE_ANSWER: Duration = Duration::from_millis(1_500);

/// What the services said. `None` is missing.
pub(super) struct BusFacts {
    host: Option<HostFacts>,
    batteries: Option<Vec<Battery>>,
    failed_units: Option<Vec<String>>,
    clock: Option<Clock>,
    smart: Option<smart::Verdicts>,
}

/// Asks all of them at the same time, over a connection of its own: only who asks for the health pays for it.
pub(super) async fn collect() -> zbus::Result<BusFacts> {
    let bus = Builder::system().method_timeout(ONE_ANSWER).build().await?;
    Ok(ask(&bus).await)
}

async fn ask(bus: &Connection) -> BusFacts {
    let (host, batteries, failed_units, clock, smart) = tokio::join!(
        timeout(ANSWER, host::read(bus)),
        timeout(ANSWER, batteries::read(bus)),
        timeout(ANSWER, units::read(bus)),
        timeout(ANSWER, clock::read(bus)),
        timeout(ANSWER, smart::read(bus)),
    );
    BusFacts {
        host: answered(Source::Host, host),
        batteries: answered(Source::Batteries, batteries),
        failed_units: answered(Source::Units, failed_units),
        clock: answered(Source::Clock, clock),
        smart: answered(Source::Smart, smart),
    }
}

fn answered<T>(source: Source, answer: Result<zbus::Result<T>, tokio::time::error::Elapsed>) -> Option<T> {
    let why = match answer {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(error)) => fieldlink_protocol::text::sentence(&error.to_string()),
        Err(late) => late.to_string(),
    };
    tracing::debug!(source = source.name(), why, "could not read a part of the health");
    None
}

impl BusFacts {
    /// Where they come from.
    pub(super) const SOURCES: [Source; 5] =
        [Source::Host, Source::Batteries, Source::Units, Source::Clock, Source::Smart];

    /// Writes them into `health`.
    pub(super) fn put_into(self, health: &mut Health) {
        let is_missing = [
            self.host.is_none(),
            self.batteries.is_none(),
            self.failed_units.is_none(),
            self.clock.is_none(),
            self.smart.is_none(),
        ];
        let missing = Self::SOURCES.into_iter().zip(is_missing).filter(|(_, is_missing)| *is_missing);
        health.missing.extend(missing.map(|(source, _)| source));
        if let Some(HostFacts { model, os }) = self.host {
            health.model = model.or(health.model.take());
            health.os = os.or(health.os.take());
        }
        health.batteries = self.batteries.unwrap_or_default();
        health.failed_units = self.failed_units;
        health.clock = self.clock;
        judge_disks(&mut health.disks, &self.smart.unwrap_or_default());
    }
}
