//! From the verified PIN to the admission, and what a session reports by itself.

use fieldlink_daemon::AUDIT;
use fieldlink_device::notice::{Notice, Warning};
use fieldlink_protocol::messages::agent::{Claim, FromAgent};
use fieldlink_protocol::messages::control;
use fieldlink_protocol::pairing::attempts::Standing;
use fieldlink_protocol::reason::Reason;
use fieldlink_transport::PipeLink;

use super::conversation::Said;
use super::{Access, Unconfirmed};
use crate::clock;
use crate::rules::{Greeted, Request, State};
use crate::session::control::{ControlEvent, EngineerHello, Teller};
use crate::session::{BeginError, LiveSession, SessionEvent};
use crate::session_process::EndOutcome;
use crate::state_files::SessionMark;
use crate::view::{self, person_of, reason_of, told};

impl Access {
    pub(super) async fn on_session(&mut self, event: SessionEvent) -> Result<(), Unconfirmed> {
        match event {
            SessionEvent::Control(ControlEvent::Heard) => {
                if self.rules.heard(clock::now()) {
                    tracing::info!("the control channel is back");
                }
                Ok(())
            }
            SessionEvent::Control(ControlEvent::PipeClosed(pipe)) => {
                self.rules.heard(clock::now());
                self.session.iter().for_each(|session| session.close_pipe(pipe));
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Asked { request, question }) => {
                self.rules.heard(clock::now());
                self.on_asked(request, question);
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Withdrawn { request }) => {
                self.rules.heard(clock::now());
                if self.rules.withdraw_question(request) {
                    self.on_question_withdrawn();
                }
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Chat(text)) => {
                self.rules.heard(clock::now());
                self.on_chat(&text);
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Link(PipeLink::Down { problem, .. })) => {
                tracing::info!(problem, "the control channel is interrupted");
                self.rules.interrupt(problem);
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Link(PipeLink::Up)) => {
                self.rules.connected(clock::now());
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Greeted(hello)) => self.on_greeted(&hello).await,
            SessionEvent::Control(ControlEvent::Over(reason, teller)) => self.on_over(reason, teller).await,
            SessionEvent::Begun(begun) => self.on_begun(begun).await,
            SessionEvent::ProcessLost(problem) => {
                tracing::warn!(problem, "session process lost");
                let is_stop = self.around.launch.is_being_stopped().await;
                let reason = if is_stop { Reason::AgentStopped } else { Reason::SessionProcessLost };
                self.switch_off(Notice::Ended(reason)).await
            }
        }
    }

    /// The session, or what was to become one, is over.
    pub(super) async fn on_over(&mut self, reason: Reason, teller: Teller) -> Result<(), Unconfirmed> {
        match self.rules.state() {
            State::Active(_) | State::Admitting { .. } => self.switch_off(told(reason, teller)).await,
            _ => self.back_to_waiting(reason, teller).await,
        }
    }

    pub(super) async fn on_greeted(&mut self, hello: &EngineerHello) -> Result<(), Unconfirmed> {
        let is_first = self.session.as_mut().is_some_and(|session| session.set_engineer(hello));
        if !is_first {
            return self.on_over(Reason::Incompatible, Teller::Party).await;
        }
        match (self.rules.greeted(clock::now()), &self.session) {
            (Greeted::Admit, _) => self.admit().await,
            (Greeted::Ask(_), Some(session)) => {
                if let Some(request) = self.rules.request() {
                    let who = view::describe(request);
                    tracing::info!(target: AUDIT, session = %request.session, who, "the client is asked");
                }
                let seconds = self.config.session.consent_seconds as u32;
                session.say(control::FromAgent::Asking { seconds });
                Ok(())
            }
            (Greeted::Ask(_), None) | (Greeted::Stale, _) => {
                self.switch_off(Notice::Ended(Reason::ConnectionLost)).await
            }
        }
    }

    /// The client said yes: start what serves the engineer.
    pub(super) async fn admit(&mut self) -> Result<(), Unconfirmed> {
        // Other engineers' runs lead nowhere any more: the pair is gone.
        self.pairings.shutdown().await;
        match &mut self.session {
            Some(session) => {
                session.begin();
                Ok(())
            }
            None => self.switch_off(Notice::Ended(Reason::ConnectionLost)).await,
        }
    }

    /// What serves the engineer is there: have the relay withdraw the ID.
    async fn on_begun(&mut self, begun: Result<(), BeginError>) -> Result<(), Unconfirmed> {
        let Err(error) = begun else {
            self.ask_for_admission();
            return Ok(());
        };
        tracing::error!(%error, "session not started");
        self.switch_off(Notice::Ended(Reason::ScannerFailed)).await?;
        if error.is_of_another_version() {
            // An upgrade came while we waited for the engineer: the agent that fits takes over now.
            self.state_files.set_last_words(Reason::ScannerFailed);
            self.is_over = true;
        }
        Ok(())
    }

    /// Asks the relay to admit the session that waits for it. It may hear that twice.
    pub(super) fn ask_for_admission(&self) {
        let has_begun = self.session.as_ref().is_some_and(LiveSession::has_begun);
        if let (State::Admitting { request, .. }, Some((tunnel, _)), true) =
            (self.rules.state(), &self.tunnel, has_begun)
        {
            tunnel.send(FromAgent::Admitted { session: request.session });
        }
    }

    /// The relay admitted the session, or names its latest run in a new ticket.
    pub(super) fn on_session_ticket(&mut self, session_ticket: String) {
        let now = clock::now();
        let admitted = self.rules.admitted(now);
        if let (Some(active), Some((tunnel, _))) = (self.rules.active(), &self.tunnel) {
            let (session, key) = (active.request.session, self.key.seed());
            self.state_files.set_session(Some(&SessionMark { session, ticket: session_ticket.clone(), key }));
            tunnel.set_claim(Claim::Session { session_ticket });
        }
        if let (Some(length), Some(session)) = (admitted, &self.session) {
            if let Some(request) = self.rules.request() {
                let who = view::describe(request);
                tracing::info!(target: AUDIT, session = %request.session, who, "an engineer is connected");
            }
            session.admit(length, now + length);
            self.said = Said::default();
        }
    }

    /// The engineer left before being let in; the pair may be used again.
    pub(super) async fn back_to_waiting(
        &mut self,
        reason: Reason,
        teller: Teller,
    ) -> Result<(), Unconfirmed> {
        let request = self.rules.request().cloned();
        let notice = told(reason, teller);
        if let State::Asking { request, .. } = self.rules.state() {
            let (engineer, hearsay) = (person_of(request).engineer, matches!(notice, Notice::Hearsay(_)));
            self.warn(Warning::NoLongerAsks { engineer, reason, hearsay });
        }
        let standing = self.rules.withdraw(clock::now());
        self.turn_away(request, reason_of(&notice)).await?;
        self.burn(standing).await
    }

    /// Switches off if the pair is used up.
    async fn burn(&mut self, standing: Standing) -> Result<(), Unconfirmed> {
        match standing {
            Standing::Burnt(how) => self.switch_off(Notice::Ended(how.reason())).await,
            Standing::Usable => Ok(()),
        }
    }

    pub(super) async fn after_refusal(
        &mut self,
        request: Option<Request>,
        reason: Reason,
        standing: Standing,
    ) -> Result<(), Unconfirmed> {
        let session = request.as_ref().map(|request| request.session.to_string());
        tracing::info!(target: AUDIT, session, reason = reason.code(), "an engineer is not let in");
        if let (Some(request), Standing::Usable) = (&request, standing) {
            self.confirm_refusal(person_of(request).engineer, reason);
        }
        // The engineer is to know that trying again leads nowhere.
        let told = match standing {
            Standing::Burnt(how) => how.reason(),
            Standing::Usable => reason,
        };
        self.turn_away(request, told).await?;
        self.burn(standing).await
    }

    fn confirm_refusal(&self, engineer: String, reason: Reason) {
        self.warn(match reason {
            Reason::NoAnswer => Warning::NotLetIn { engineer },
            _ => Warning::Refused { engineer },
        });
    }

    /// Tells the engineer, then the relay, why there will be no session.
    pub(super) async fn turn_away(
        &mut self,
        request: Option<Request>,
        reason: Reason,
    ) -> Result<(), Unconfirmed> {
        self.rules.set_registered(self.is_registered);
        let session = self.session.take();
        let declining = async {
            if let Some(request) = &request {
                self.decline(request, reason);
            }
        };
        let Some(session) = session else {
            declining.await;
            return Ok(());
        };
        if session.end(reason, declining).await == EndOutcome::Unconfirmed {
            Err(Unconfirmed)
        } else {
            Ok(())
        }
    }
}
