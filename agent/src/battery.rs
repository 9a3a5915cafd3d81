//! The device's battery, as UPower sees it: followed while an engineer works.
//!
//! UPower's display device stands for all batteries that power the device. Nothing is polled; a UPower that is not there
//! is waited for by the bus's own signal.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::time::Duration;

use fieldlink_protocol::text;
use fieldlink_transport::Backoff;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

use crate::bus_names::owner_changes;
use crate::rules::Battery;

/// Longest wait for one answer on the bus.
const ANSWER: Duration = Duration::from_secs(2);
/// Longest pause before the bus is tried again.
const RETRY_LIMIT: Duration = Duration::from_secs(60);
/// Signals that wait for us at most.
const QUEUE: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");

const NAME: &str = "org.freedesktop.UPower";
const DISPLAY_DEVICE: &str = "/org/freedesktop/UPower/devices/DisplayDevice";

/// UPower's numbers for what a device is, and for what happens to it.
const TYPE_BATTERY: u32 = 2;
const STATES_OF_DISCHARGE: [u32; 3] = [2, 3, 6];

#[zbus::proxy(
    interface = "org.freedesktop.UPower.Device",
    default_service = "org.freedesktop.UPower",
    default_path = "/org/freedesktop/UPower/devices/DisplayDevice"
)]
trait DisplayDevice {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> zbus::Result<u32>;
    #[zbus(property)]
    fn is_present(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn state(&self) -> zbus::Result<u32>;
    #[zbus(property)]
    fn percentage(&self) -> zbus::Result<f64>;
}

/// Follows the battery until it is closed or dropped.
pub(crate) struct BatteryWatch {
    battery: watch::Receiver<Option<Battery>>,
    task: JoinSet<()>,
}

impl BatteryWatch {
    /// Begins to follow it.
    pub(crate) fn start() -> Self {
        let (sender, battery) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(async move { match follow(sender).await {} });
        Self { battery, task }
    }

    /// Waits until something else is known of it. Safe to cancel.
    pub(crate) async fn changed(&mut self) -> Option<Battery> {
        if self.battery.changed().await.is_err() {
            // The task failed by itself: what was known last stands.
            std::future::pending::<Infallible>().await;
        }
        *self.battery.borrow_and_update()
    }

    /// Stops, and waits for that.
    pub(crate) async fn close(mut self) {
        self.task.shutdown().await;
    }
}

async fn follow(battery: watch::Sender<Option<Battery>>) -> Infallible {
    let mut backoff = Backoff::new(RETRY_LIMIT);
    loop {
        let error = match try_follow(&battery, &mut backoff).await {
            Ok(never) => match never {},
            Err(error) => text::sentence(&error.to_string()),
        };
        tracing::debug!(error, "could not follow the battery, trying again");
        publish(&battery, None);
        tokio::time::sleep(backoff.next_delay().max(ANSWER)).await;
    }
}

/// Until the bus is gone.
async fn try_follow(
    battery: &watch::Sender<Option<Battery>>,
    backoff: &mut Backoff,
) -> zbus::Result<Infallible> {
    let connecting = Builder::system().method_timeout(ANSWER).build();
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, "the system bus does not answer");
    let bus =
        tokio::time::timeout(2 * ANSWER, connecting).await.map_err(|_| zbus::Error::from(silent()))??;
    let mut changes = changes(&bus).await?;
    let mut owners = owner_changes(&bus, NAME).await?;
    let device = DisplayDeviceProxy::builder(&bus).cache_properties(zbus::proxy::CacheProperties::No);
    let device = device.build().await?;
    backoff.reset();
    loop {
        // Without UPower there is nothing to know, until it comes.
        publish(battery, read(&device).await.unwrap_or_default());
        let gone = || std::io::Error::new(std::io::ErrorKind::NotConnected, "the system bus is gone");
        tokio::select! {
            changed = changes.next() => drop(changed.ok_or_else(gone)??),
            changed = owners.next() => drop(changed.ok_or_else(gone)??),
        }
    }
}

async fn read(device: &DisplayDeviceProxy<'_>) -> zbus::Result<Option<Battery>> {
    if device.kind().await? != TYPE_BATTERY || !device.is_present().await? {
        return Ok(None);
    }
    let is_discharging = STATES_OF_DISCHARGE.contains(&device.state().await?);
    // A conversion of floating point saturates, and takes what is no number for zero.
    let percent = device.percentage().await?.clamp(0.0, 100.0).floor() as u8;
    Ok(Some(Battery { percent, is_discharging }))
}

fn publish(battery: &watch::Sender<Option<Battery>>, now: Option<Battery>) {
    battery.send_if_modified(|known| std::mem::replace(known, now) != now);
}

async fn changes(bus: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(NAME)
        .path(DISPLAY_DEVICE)
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .build()?;
    MessageStream::for_match_rule(rule, bus, Some(QUEUE)).await
}
