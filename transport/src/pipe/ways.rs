//! The ways that a pipe's connections can take: the ordinary one, and one in reserve if the pipe keeps one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::super::dial::WebSocket;
use super::detour::{Detour, Need, Next};
use super::spare::{Ready, Spare};

/// See the module.
#[derive(Default)]
pub(super) struct Ways {
    detour: Detour,
    spare: Option<Spare>,
}

impl Ways {
    /// With `spare` in reserve.
    pub(super) fn with_reserve(spare: Spare) -> Self {
        Self { detour: Detour::default(), spare: Some(spare) }
    }

    /// Keeps the reserve. Returns when the ordinary way is to be tried again beside it. Safe to cancel.
    pub(super) async fn home_is_due(&mut self) {
        let home_at = self.detour.home_at();
        let kept = async {
            match &mut self.spare {
                Some(spare) => match spare.keep().await {},
                None => std::future::pending().await,
            }
        };
        let home = async {
            match home_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = home => {}
            () = kept => {}
        }
    }

    /// It is time to try the ordinary way again. False if this is it, or if something else is on trial.
    pub(super) fn goes_home(&mut self, is_on_trial: bool) -> bool {
        let primary = self.primary();
        self.detour.goes_home(primary.as_ref(), is_on_trial, Instant::now())
    }

    /// The connection in reserve, if that is what the next trial is to use, and how long its relay may take to answer.
    pub(super) fn take(&mut self, need: Need) -> Option<(WebSocket, Duration)> {
        let wants = self.detour.wants_reserve(need);
        let ready = self.spare.as_mut().and_then(|spare| spare.take(wants));
        self.detour.tries(ready.as_ref().map(|ready| ready.interface.clone()));
        ready.map(|Ready { socket, patience, .. }| (socket, patience))
    }

    /// The live connection is gone: closed by the relay, or not.
    pub(super) fn lost(&mut self, is_closed: bool) {
        self.detour.lost(is_closed);
    }

    /// A trial has made the live connection.
    pub(super) fn switched(&mut self) {
        let primary = self.primary();
        self.detour.switched(primary.as_ref(), Instant::now());
    }

    /// A trial led nowhere; the relay has answered it, or not.
    pub(super) fn failed(&mut self, is_answered: bool, need: Need) -> Next {
        self.detour.failed(is_answered, need, Instant::now())
    }

    fn primary(&self) -> Option<Arc<str>> {
        self.spare.as_ref().and_then(Spare::primary)
    }
}
