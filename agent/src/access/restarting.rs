//! A restart of the device, on the way down: what a session needs to go on is written down, everything ends but the
//! session, and the device restarts.

use std::time::Duration;

use fieldlink_protocol::feature;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::messages::questions::{NotNow, Question};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Access, Unconfirmed, carry_out};
use crate::carry_on::{RestartDeps, Stored, ToCarry, Wanted, machine_id};
use crate::clock;
use crate::network::monitor::Standing;
use crate::rules::{Request, RequestId};

/// How long both sides' programs may take to show that the device restarts, before it does.
const READ_FIRST: Duration = Duration::from_millis(1_500);
/// How long logind may take to say whether it restarts the device.
const LOGIND: Duration = Duration::from_secs(10);
/// How long it may take where nothing else can wait.
const LOGIND_AT_ONCE: Duration = Duration::from_secs(5);
/// How long writing down may take; a disk that takes longer is broken.
const WRITING: Duration = Duration::from_secs(8);

/// logind said nothing in time.
#[derive(Debug, thiserror::Error)]
#[error("logind did not answer")]
struct NoAnswer;

/// Who agreed to what: the question if one was asked, the engineer's number for it, and whether the power is cut.
pub(super) type Agreed = (Option<QuestionId>, RequestId, bool);

/// What becomes of a restart. Its steps are tasks: a slow bus or disk must not hold up the end of a session, nor the
/// watchdog.
pub(super) enum RestartStep {
    /// What the session needs is written down, or not.
    Prepared(Agreed, Result<(), NotNow>),
    /// logind was asked to restart the device.
    Asked(Result<(), String>),
}

/// The steps that are under way.
#[derive(Default)]
pub(super) struct GoingDown(JoinSet<RestartStep>);

impl GoingDown {
    /// Waits for the next step. Safe to cancel.
    pub(super) async fn next(&mut self) -> RestartStep {
        match self.0.join_next().await {
            Some(Ok(step)) => step,
            Some(Err(error)) => RestartStep::Asked(Err(error.to_string())),
            None => std::future::pending().await,
        }
    }

    fn is_under_way(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Access {
    /// The engineer wants the device to restart.
    pub(super) fn on_restart_wanted(&mut self, request: RequestId, question: Question) {
        let able = match &self.around.restart {
            None => Err(NotNow::Unable),
            Some(_) if !self.relay.has(feature::RESTART) => Err(NotNow::RelayTooOld),
            Some(_) if self.going_down.is_under_way() => Err(NotNow::UnderWay),
            Some(_) => Ok(()),
        };
        let permission = self.around.policy.of(Function::Restart);
        self.rules.handle_restart_wanted(request, question, (permission, able), clock::now());
    }

    /// The client agreed: first what is needed to go on.
    pub(super) fn prepare_restart(&mut self, agreed: Agreed) {
        let (restart, stored) = (self.around.restart.clone(), self.to_store());
        self.going_down.0.spawn(async move {
            let prepared = match (restart, stored) {
                (Some(restart), Some(stored)) => prepare(restart, stored, agreed.2).await,
                (None, _) => Err(NotNow::Unable),
                (_, None) => Err(NotNow::NotStored),
            };
            RestartStep::Prepared(agreed, prepared)
        });
    }

    pub(super) fn on_restart_step(&mut self, step: RestartStep) {
        match step {
            RestartStep::Prepared(agreed, prepared) => {
                if let Err(why) = prepared {
                    tracing::error!(?why, "the device does not restart");
                }
                if !self.rules.handle_restart_stored(agreed, prepared, clock::now()) {
                    self.forget_carried();
                }
            }
            RestartStep::Asked(Ok(())) => {}
            RestartStep::Asked(Err(error)) => {
                tracing::error!(error, "logind does not restart the device");
                self.rules.handle_restart_failed(clock::now());
            }
        }
    }

    fn to_store(&self) -> Option<Stored> {
        let (active, session) = (self.rules.state().active()?, self.session.as_ref()?);
        let left = active.deadline.saturating_sub(clock::now());
        let to_carry = ToCarry {
            request: &active.request,
            continuity: self.rules.continuity()?,
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
        // A run of the agent that comes in this boot leaves alone what is for the next.
        self.state_files.set_restarting(true);
        let (session, tunnel) = (request.session, self.tunnel.take());
        let returning = std::mem::take(&mut self.returning);
        self.farewell(returning.give_up(Reason::Restarting));
        // Once the engineer's side has the sealed word: a relay that hears of it first cuts the channel under it.
        let closing = async {
            let Some((tunnel, events)) = tunnel else { return };
            drop(events);
            tunnel.send(FromAgent::Restarting { session });
            tunnel.close().await;
        };
        let outcome = carry_out::end(self.session.take(), Reason::Restarting, closing).await;
        self.records.leave().await;
        self.uses.give_up();
        self.operations.give_up();
        if let Some(device) = self.device.take() {
            device.close().await;
        }
        self.network.tunnel_is(Standing::Off);
        // The next run of this boot would take it for one that failed.
        self.state_files.set_sessions(&[]);
        self.show();
        let restart = self.around.restart.clone().filter(|_| !is_power);
        let Some(restart) = restart else { return outcome };
        if outcome.is_err() {
            // This process must not go on, and what it could not end, the restart does.
            let _ = timeout(LOGIND_AT_ONCE, restart.restarter.restart()).await;
            return outcome;
        }
        self.going_down.0.spawn(async move {
            sleep(READ_FIRST).await;
            let asked = timeout(LOGIND, restart.restarter.restart()).await;
            RestartStep::Asked(asked.unwrap_or_else(|_| Err(NoAnswer.to_string())))
        });
        Ok(())
    }

    /// What was written down is not for the next boot any more, nor is anything that is still being written.
    pub(super) fn forget_carried(&mut self) {
        self.going_down = GoingDown::default();
        self.state_files.set_restarting(false);
        if let Some(restart) = &self.around.restart
            && let Err(error) = restart.store.forget()
        {
            tracing::error!(%error, "could not remove what was written down for a session");
        }
    }
}

async fn prepare(restart: RestartDeps, stored: Stored, is_power: bool) -> Result<(), NotNow> {
    if !is_power && !timeout(LOGIND, restart.restarter.can_restart()).await.unwrap_or(false) {
        return Err(NotNow::Unable);
    }
    let (_wanted, is_wanted) = Wanted::new();
    let writing = tokio::task::spawn_blocking(move || restart.store.write(&stored, &is_wanted));
    match timeout(WRITING, writing).await {
        Ok(Ok(Ok(()))) => Ok(()),
        failed => {
            tracing::error!(?failed, "could not write down what a session needs to go on");
            Err(NotNow::NotStored)
        }
    }
}
