//! An engineer's program that was started again comes back into its session: it pairs with the key that
//! both sides kept, greets on a new control pipe, and then takes the place of the one before.
//!
//! # All sides of it
//!
//! Coming back. After the admission both sides hold a session ticket. The agent registers with it (`tunnel/mod.rs`),
//! the engineer's connection resumes with it (`relay_session/actor.rs`), in either order, at a relay that may know
//! nothing any more. A `fieldlink-connect` that was killed finds `restart.json` (`restart.rs`): it resumes, asks
//! the relay to have both sides pair again, with the restart key of the last run as the password, and greets on a
//! new control pipe; then the agent (`access/returning.rs`) gives it the place of the one before. Session process
//! and deadline stay, keys and SSH connections do not. The client is not asked again, and reads it.

use std::sync::Arc;

use fieldlink_protocol::feature;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{Access, Unconfirmed, carry_out};
use crate::clock;
use crate::rules::Request;
use crate::session::control::{ControlEvent, EngineerHello};
use crate::session::pairing::{self, ByRestartKey, Offer, Outcome, Run, Verified};
use crate::session::{LiveSession, SessionEvent};

/// How far the engineer's program has come on its way back.
#[derive(Default)]
pub(super) enum Returning {
    /// No program asks to come back.
    #[default]
    Nobody,
    /// The relay says that one asks to; it must prove that it knows the restart key.
    Pairing(JoinHandle<Run<()>>),
    /// It knows the key; its new control pipe is being proven.
    Greeting { request: Request, session: Box<LiveSession>, until: Instant },
}

/// What becomes of it.
pub(super) enum Return {
    Paired(Box<Run<()>>),
    /// The run's task is gone.
    Lost,
    Greeted(EngineerHello),
    TooLate,
}

impl Returning {
    /// Waits for what becomes of it. Safe to cancel.
    pub(super) async fn next(&mut self) -> Return {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Pairing(task) => {
                let run = task.await;
                *self = Self::Nobody;
                match run {
                    Ok(run) => Return::Paired(Box::new(run)),
                    Err(error) => {
                        tracing::error!(%error, "a pairing of an engineer on the way back failed by itself");
                        Return::Lost
                    }
                }
            }
            Self::Greeting { session, until, .. } => loop {
                tokio::select! {
                    event = session.next_event() => match event {
                        SessionEvent::Control(ControlEvent::Greeted(greeting)) => {
                            return Return::Greeted(greeting);
                        }
                        SessionEvent::Control(ControlEvent::Over(..)) | SessionEvent::ProcessLost(_) => {
                            return Return::TooLate;
                        }
                        SessionEvent::Control(_)
                        | SessionEvent::Begun(_)
                        | SessionEvent::DataUsed(_)
                        | SessionEvent::PastLimit(_) => {}
                    },
                    () = sleep_until(*until) => return Return::TooLate,
                }
            },
        }
    }

    /// A newer run takes the place of one that has not succeeded. False: one has, and is being greeted.
    pub(super) fn give_way(&mut self) -> bool {
        match self {
            Self::Nobody => true,
            Self::Pairing(task) => {
                task.abort();
                true
            }
            Self::Greeting { .. } => false,
        }
    }

    /// Ends the attempt to come back, if there is one.
    pub(super) async fn give_up(self, reason: Reason) {
        match self {
            Self::Nobody => {}
            Self::Pairing(task) => {
                task.abort();
                let _ = task.await;
            }
            Self::Greeting { session, .. } => {
                session.end(reason, std::future::ready(())).await;
            }
        }
    }
}

impl Access {
    /// The relay says that the engineer's program was started again. A pairing before this one is given up: runs
    /// without the key, however many, must not keep out the program that has it.
    pub(super) fn pair_again(
        &mut self,
        session: SessionId,
        run: RunId,
        pipe: PipeId,
        pipe_ticket: Signed<PipeTicket>,
    ) {
        let Some(request) = self.rules.handle_pair_again(session, run) else { return };
        let live = self.session.as_ref().map(LiveSession::restart_key);
        let kept = self.on_its_way.as_ref().map(|on_its_way| on_its_way.carry_on.restart_key());
        let (Some(restart_key), Some(support_id)) = (live.or(kept), self.support_id) else { return };
        let Ok(registration) = Registration::new(restart_key) else {
            return self.decline(&request, Reason::ScannerFailed);
        };
        if !self.returning.give_way() {
            return self.decline(&request, Reason::Busy);
        }
        let engineers = self.around.engineers.clone();
        let leave = ByRestartKey { engineers, before: request.engagement.clone() };
        let offer = Offer { request, support_id, agent: self.key.public(), pipe, pipe_ticket };
        let run = pairing::run(self.dialer.clone(), offer, Arc::new(registration), leave);
        self.returning = Returning::Pairing(tokio::spawn(run));
    }

    pub(super) async fn on_return(&mut self, event: Return) -> Result<(), Unconfirmed> {
        match (event, std::mem::take(&mut self.returning)) {
            (Return::Paired(run), _) => self.on_paired_again(*run),
            (Return::Greeted(hello), Returning::Greeting { request, mut session, .. }) => {
                if session.set_engineer(&hello) {
                    let shows_chat = hello.features.has(feature::CHAT);
                    return self.let_back_in(request, *session, shows_chat).await;
                }
                session.end(Reason::Incompatible, std::future::ready(())).await;
            }
            (Return::TooLate, Returning::Greeting { session, .. }) => {
                session.end(Reason::PairingTimeout, std::future::ready(())).await;
            }
            (Return::Lost | Return::Greeted(_) | Return::TooLate, _) => {}
        }
        Ok(())
    }

    fn on_paired_again(&mut self, run: Run<()>) {
        let Run { request, outcome, .. } = run;
        match outcome {
            Outcome::Verified(verified, _) => self.greet_again(request, *verified),
            Outcome::NotBelieved(reason) => self.rules.handle_not_believed(request, reason),
            Outcome::Failed(reason, _) | Outcome::Uncharged(reason) => {
                tracing::info!(engineer = %request.engineer.id, %reason, "nobody came back");
                self.decline(&request, reason);
            }
        }
    }

    fn greet_again(&mut self, request: Request, verified: Verified) {
        match LiveSession::greet(verified, &request, &self.around) {
            Ok(session) => {
                let until = Instant::now() + limits::HANDSHAKE;
                self.returning = Returning::Greeting { request, session: Box::new(session), until };
            }
            Err(error) => {
                tracing::error!(%error, "no host key");
                self.decline(&request, Reason::ScannerFailed);
            }
        }
    }

    /// The new program takes the old one's place: same session, same deadline, new keys.
    async fn let_back_in(
        &mut self,
        request: Request,
        mut session: LiveSession,
        shows_chat: bool,
    ) -> Result<(), Unconfirmed> {
        if self.rules.handle_rejoined(request.run, shows_chat, clock::now()) {
            self.session = Some(session);
            return Ok(());
        }
        if !self.rules.handle_returned(request.run, shows_chat, clock::now()) {
            return carry_out::end(Some(session), Reason::Silence, std::future::ready(())).await;
        }
        let Some(before) = self.session.take() else { return Ok(()) };
        // First, so that the relay does not take the new control pipe for a mere try any longer than
        // it must.
        self.say_again_to_relay();
        let taken_over = session.take_over(before).await;
        self.session = Some(session);
        taken_over.map_err(|error| {
            // What is left of the earlier program cannot be reached any more, except by our own end.
            tracing::error!(%error, "the session cannot go on");
            Unconfirmed
        })
    }
}
