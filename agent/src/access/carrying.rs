//! Restarts of the device: going down with a session that is to go on, and going on with it.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_daemon::AUDIT;
use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::messages::agent::{Claim, FromAgent};
use fieldlink_protocol::messages::questions::{NotNow, Question};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use super::{Access, Unconfirmed, carry_out};
use crate::carry_on::{CarryOn, Judgement, NotCarriedOn, Stored, ToCarry, machine_id};
use crate::clock;
use crate::network::monitor::Standing;
use crate::rules::Request;
use crate::tunnel::Tunnel;

/// How often the clock is looked at while a session is on its way after a restart.
const LOOKED_AT: Duration = Duration::from_secs(1);
/// How long both sides' programs may take to show that the device restarts, before it does.
const READ_FIRST: Duration = Duration::from_millis(1_500);
/// How long logind may take to say whether it restarts the device.
const LOGIND: Duration = Duration::from_secs(10);
/// How long writing down may take; a disk that takes longer is broken.
const WRITING: Duration = Duration::from_secs(8);

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
    /// The engineer wants the device to restart.
    pub(super) fn on_restart_wanted(&mut self, request: u32, question: Question) {
        let able = match (&self.around.restart, self.relay_carries_on) {
            (None, _) => Err(NotNow::Unable),
            (Some(_), false) => Err(NotNow::RelayTooOld),
            (Some(_), true) => Ok(()),
        };
        let permission = self.around.policy.of(Function::Restart);
        self.rules.handle_restart_wanted(request, question, (permission, able), clock::now());
    }

    /// The client agreed: first what is needed to go on.
    pub(super) async fn prepare_restart(&mut self, asked: (Option<QuestionId>, u32, bool)) {
        let prepared = self.try_to_prepare(asked.2).await;
        if let Err(why) = prepared {
            tracing::error!(?why, "the device does not restart");
        }
        self.rules.handle_restart_stored(asked, prepared, clock::now());
    }

    async fn try_to_prepare(&self, is_power: bool) -> Result<(), NotNow> {
        let restart = self.around.restart.clone().ok_or(NotNow::Unable)?;
        if !is_power && !timeout(LOGIND, restart.restarter.can_restart()).await.unwrap_or(false) {
            return Err(NotNow::Unable);
        }
        let stored = self.to_store().ok_or(NotNow::NotStored)?;
        let writing = tokio::task::spawn_blocking(move || restart.store.write(&stored));
        match timeout(WRITING, writing).await {
            Ok(Ok(Ok(()))) => Ok(()),
            failed => {
                tracing::error!(?failed, "could not write down what a session needs to go on");
                Err(NotNow::NotStored)
            }
        }
    }

    fn to_store(&self) -> Option<Stored> {
        let (active, session) = (self.rules.state().active()?, self.session.as_ref()?);
        let left = active.deadline.saturating_sub(clock::now());
        let to_carry = ToCarry {
            request: &active.request,
            support_id: self.support_id?,
            session_ticket: self.session_ticket.clone()?,
            key: self.key.seed(),
            restart_key: session.restart_key().clone(),
            left: (left, active.extendable()),
        };
        Some(Stored::of(to_carry, machine_id().ok()?))
    }

    /// Everything ends but the session, and the device restarts.
    pub(super) async fn go_down(&mut self, request: &Request, is_power: bool) -> Result<(), Unconfirmed> {
        let (session, tunnel) = (request.session, self.tunnel.take());
        // Once the engineer's side has the sealed word: a relay that hears of it first cuts the channel under it.
        let closing = async {
            let Some((tunnel, events)) = tunnel else { return };
            drop(events);
            tunnel.send(FromAgent::Restarting { session });
            tunnel.close().await;
        };
        let outcome = carry_out::end(self.session.take(), Reason::Restarting, closing).await;
        self.uses.give_up();
        self.operations.give_up();
        if let Some(battery) = self.battery.take() {
            battery.close().await;
        }
        self.network.tunnel_is(Standing::Off);
        // The next run of this boot would take it for one that failed.
        self.state_files.set_session(None);
        self.show();
        outcome?;
        if !is_power {
            self.restarts_at = Some(Instant::now() + READ_FIRST);
        }
        Ok(())
    }

    /// What was said of it has been shown: now the device restarts.
    pub(super) async fn restart_device(&mut self) {
        self.restarts_at = None;
        let Some(restart) = self.around.restart.clone() else { return };
        let asked = timeout(LOGIND, restart.restarter.restart()).await;
        let refused = asked.unwrap_or_else(|_| Err("logind did not answer".to_owned()));
        if let Err(error) = refused {
            tracing::error!(error, "logind does not restart the device");
            self.rules.handle_restart_failed(clock::now());
        }
    }

    /// What the run before a restart left, or why it is of no use.
    pub(super) fn begin_carrying(&mut self, found: Result<CarryOn, NotCarriedOn>) {
        match found {
            Ok(carry_on) => self.on_its_way = Some(OnItsWay::new(carry_on)),
            Err(why) => self.not_carried_on(why, None),
        }
    }

    fn not_carried_on(&mut self, why: NotCarriedOn, carry_on: Option<CarryOn>) {
        tracing::warn!(target: AUDIT, %why, "a session does not go on after a restart");
        if let Some(carry_on) = carry_on {
            let reason = match why {
                NotCarriedOn::TimeUp => Reason::TimeUp,
                _ => Reason::NotBack,
            };
            self.tell_relay_the_end(&carry_on, reason);
        }
    }

    /// The clock says how much time is left: offered once it can be said, and never more afterwards.
    pub(super) fn look_at_clock(&mut self) {
        let now = clock::now();
        let Some(on_its_way) = &mut self.on_its_way else { return };
        match on_its_way.carry_on.judge() {
            Judgement::Wait => {}
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
            // What was offered ends by its own time.
            Judgement::No(_) if on_its_way.is_offered => {}
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
        if let Some(restart) = &self.around.restart
            && let Err(error) = restart.store.forget()
        {
            tracing::error!(%error, "could not remove what was written down for a session");
        }
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
        let key = Arc::new(RegistrationKey::from_seed(key));
        let (tunnel, events) = Tunnel::open(self.dialer.clone(), key, Claim::Session { session_ticket });
        self.farewell(tunnel.farewell(events, session, reason));
    }
}
