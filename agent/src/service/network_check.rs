//! Checks of the network for callers on the bus.

use std::time::{Duration, Instant};

use fieldlink_device::network_notice::NetworkNotice;
use fieldlink_transport::Dialer;

use crate::network::check::{self, Report};

/// How long a check of the network stands.
const FRESH: Duration = Duration::from_secs(10);

/// A check of the network: one at a time, and what it found is good for a moment, for every caller, unless the
/// network has changed. Every process may ask, and the relay measures for a network only so often.
pub struct NetworkCheck {
    dialer: Dialer,
    latest: Option<(Instant, NetworkNotice, Report)>,
}

impl NetworkCheck {
    /// Nothing is checked yet; a check dials with `dialer`.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, latest: None }
    }

    /// What a check finds, or has just found. `verdict` is what is known of the network anyway.
    pub(super) async fn report(&mut self, verdict: NetworkNotice) -> &Report {
        let is_fresh =
            |(at, then, _): &(Instant, NetworkNotice, Report)| at.elapsed() < FRESH && *then == verdict;
        if !self.latest.as_ref().is_some_and(is_fresh) {
            self.latest = None;
        }
        match &mut self.latest {
            Some((_, _, report)) => report,
            latest => {
                let report = check::run(&self.dialer).await;
                &latest.insert((Instant::now(), verdict, report)).2
            }
        }
    }
}
