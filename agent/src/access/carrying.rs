//! Going on with a session after a restart of the device.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_daemon::AUDIT;
use fieldlink_device::notice::Notice;
use fieldlink_device::order::Order;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::Claim;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Access;
use crate::carry_on::{CarryOn, CarryOnStore, Judgement, NotCarriedOn, Wanted};
use crate::clock;
use crate::network::monitor::Standing;
use crate::rules::State;
use crate::tunnel::Tunnel;

/// How often the clock is looked at while a session is on its way after a restart.
const LOOKED_AT: Duration = Duration::from_secs(1);
/// A session on its way after a restart.
pub(super) struct OnItsWay {
    pub(super) carry_on: CarryOn,
    ticks: Interval,
    is_offered: bool,
}

impl OnItsWay {
    pub(super) fn new(carry_on: CarryOn) -> Self {
        let mut ticks = interval(LOOKED_AT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { carry_on, ticks, is_offered: false }
    }

    /// Waits until the clock is to be looked at. Safe to cancel.
    pub(super) async fn due(&mut self) {
        self.ticks.tick().await;
    }
}

impl Access {
    /// Looks for what the run before a restart left. In a boot that is yet to end it is not for us.
    pub(super) fn begin_carrying(&mut self) {
        let store = self.around.restart.as_ref().map(|restart| &restart.store);
        match store.filter(|_| !self.state_files.is_restarting()).and_then(CarryOnStore::take) {
            Some(Ok(carry_on)) => self.on_its_way = Some(OnItsWay::new(carry_on)),
            Some(Err(why)) => self.not_carried_on(why, None),
            None => {}
        }
    }

    /// Remote access that starts at boot starts once nothing is on its way any more, unless that went on.
    pub(super) fn start_at_boot(&mut self) {
        match self.rules.state() {
            State::Off if self.on_its_way.is_some() => {}
            State::Carrying(_) | State::Admitting { carried: Some(_), .. } => {}
            State::Off => {
                self.starts_at_boot = false;
                tracing::info!(target: AUDIT, "remote access starts because the device was started");
                let _ = self.rules.handle_order(Order::Start, clock::now());
            }
            _ => self.starts_at_boot = false,
        }
    }

    /// The agent stops, perhaps because the device restarts once more. False if a session that was on its way is lost.
    pub(super) fn carry_further(&mut self) -> bool {
        let Some(on_its_way) = &self.on_its_way else { return true };
        if !matches!(self.rules.state(), State::Off | State::Carrying(_)) {
            return true;
        }
        let Some(restart) = &self.around.restart else { return false };
        let (_wanted, is_wanted) = Wanted::new();
        let written = restart.store.write(on_its_way.carry_on.stored(), &is_wanted);
        written.inspect_err(|error| tracing::error!(%error, "a session cannot go on later")).is_ok()
    }

    fn not_carried_on(&mut self, why: NotCarriedOn, carry_on: Option<CarryOn>) {
        tracing::warn!(target: AUDIT, %why, "a session does not go on after a restart");
        self.notice = Some(Notice::Ended(reason_of(why)));
        if let Some(carry_on) = carry_on {
            self.tell_relay_the_end(&carry_on, reason_of(why));
        }
    }

    /// The clock says how much time is left: offered once it can be said, and never more afterwards.
    pub(super) fn look_at_clock(&mut self) {
        let now = clock::now();
        let Some(on_its_way) = &mut self.on_its_way else { return };
        match on_its_way.carry_on.judge() {
            Judgement::Wait => self.notice = Some(Notice::ClockAwaited),
            Judgement::Go { left, within } if on_its_way.is_offered => {
                self.rules.handle_less_time(now + left, now + within);
            }
            Judgement::Go { left, within } => {
                on_its_way.is_offered = true;
                let carried = on_its_way.carry_on.carried((left, within), now);
                if !self.rules.handle_carry_on(carried) {
                    // The client has started remote access anew: what was before is over.
                    self.give_up_carrying(Reason::ClientEnded);
                }
            }
            Judgement::No(why) if on_its_way.is_offered => {
                tracing::warn!(target: AUDIT, %why, "a session does not go on after a restart");
                self.rules.handle_carried_too_late(reason_of(why), now);
            }
            Judgement::No(why) => {
                let carry_on = self.on_its_way.take().map(|on_its_way| on_its_way.carry_on);
                self.not_carried_on(why, carry_on);
            }
        }
    }

    /// The client agreed: the relay is to know that we are back, and wakes the engineer.
    pub(super) fn go_on(&mut self) {
        let Some(OnItsWay { carry_on, .. }) = &self.on_its_way else { return };
        let (_, session_ticket, key) = carry_on.registration();
        self.support_id = Some(carry_on.support_id());
        self.session_ticket = Some(session_ticket.clone());
        self.key = Arc::new(RegistrationKey::from_seed(key));
        self.network.tunnel_is(Standing::Connecting);
        let claim = Claim::Session { session_ticket };
        self.tunnel = None;
        self.tunnel = Some(Tunnel::open(self.dialer.clone(), self.key.clone(), claim));
    }

    /// Nothing comes of a session that was on its way, if one was. `is_told`: whether the relay hears of it otherwise.
    pub(super) fn end_carrying(&mut self, was: SessionId, reason: Reason, is_told: bool) {
        self.forget_carried();
        let is_it = self.on_its_way.as_ref().is_some_and(|it| it.carry_on.registration().0 == was);
        if is_it && is_told {
            self.on_its_way = None;
        } else if is_it {
            self.give_up_carrying(reason);
        } else if let (Some(session_ticket), false) = (self.session_ticket.clone(), is_told) {
            let (tunnel, events) =
                Tunnel::open(self.dialer.clone(), self.key.clone(), Claim::Session { session_ticket });
            self.farewell(tunnel.farewell(events, was, reason));
        }
    }

    fn give_up_carrying(&mut self, reason: Reason) {
        if let Some(OnItsWay { carry_on, .. }) = self.on_its_way.take() {
            self.tell_relay_the_end(&carry_on, reason);
        }
    }

    fn tell_relay_the_end(&mut self, carry_on: &CarryOn, reason: Reason) {
        let (session, session_ticket, key) = carry_on.registration();
        self.records.close_unfinished(carry_on.continuity().session, reason);
        let key = Arc::new(RegistrationKey::from_seed(key));
        let (tunnel, events) = Tunnel::open(self.dialer.clone(), key, Claim::Session { session_ticket });
        self.farewell(tunnel.farewell(events, session, reason));
    }
}

fn reason_of(why: NotCarriedOn) -> Reason {
    match why {
        NotCarriedOn::TimeUp => Reason::TimeUp,
        _ => Reason::NotBack,
    }
}
