//! What systemd is told: that the agent is up, what it does, and that it is alive.

use std::time::Duration;

use fieldlink_daemon::systemd::{self, NotifyState};
use fieldlink_device::order::Order;
use fieldlink_device::panel::View;
use fieldlink_device::status::{Phase, Status};
use fieldlink_device::words::{Language, Words};
use tokio::sync::{mpsc, watch};

use crate::access::Command;

/// Notifies systemd, if it started this program. A failure is logged.
pub(super) fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = systemd::notify(state) {
        tracing::warn!(%error, "could not tell systemd");
    }
}

/// Keeps the watchdog fed for as long as remote access answers.
pub(super) async fn feed_watchdog(commands: mpsc::Sender<Command>) {
    let Some(limit) = systemd::watchdog_enabled() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(limit / 3);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if Command::ask(&commands, Order::Ping).await.is_ok() {
            notify(&[NotifyState::Watchdog]);
        }
    }
}

/// Shows in `systemctl status` what is going on. Never the support ID or the PIN.
pub(super) async fn tell_status(mut view: watch::Receiver<View>) {
    loop {
        let line = describe(&view.borrow_and_update().status);
        notify(&[NotifyState::Status(&line)]);
        if view.changed().await.is_err() {
            return;
        }
    }
}

fn describe(status: &Status) -> String {
    let visitor = status
        .visitor
        .as_ref()
        .map_or_else(String::new, |visitor| Words::new(Language::English).person(&visitor.who));
    match status.phase {
        Phase::Off => match &status.notice {
            Some(notice) => format!("Remote access is off ({})", notice.code()),
            None => "Remote access is off".to_owned(),
        },
        Phase::Connecting => "Remote access is on, connecting to the relay".to_owned(),
        Phase::Ready => "Remote access is on, waiting for an engineer".to_owned(),
        Phase::Asking => format!("Asking whether to allow {visitor}"),
        Phase::Admitting => format!("Letting in {visitor}"),
        Phase::Active => format!("Connected: {visitor}"),
        Phase::Interrupted => format!("Interrupted: {visitor}"),
        Phase::Restarting => format!("Restarting the device: {visitor}"),
        Phase::PowerOff => format!("The power may be cut: {visitor}"),
        Phase::Returning => format!("Waiting for the engineer after a restart: {visitor}"),
    }
}

/// How long a stop may take beside ending the session.
pub(super) const GRACE: Duration = Duration::from_secs(2);
