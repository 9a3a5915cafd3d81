//! What a session reports by itself.

use fieldlink_protocol::feature;
use fieldlink_protocol::reason::Reason;
use fieldlink_transport::PipeLink;

use super::{Access, Unconfirmed};
use crate::clock;
use crate::rules::{SeatId, Teller};
use crate::session::control::{self, ControlEvent, EngineerHello};
use crate::session::{BeginError, SessionEvent};

impl Access {
    pub(super) async fn on_session(&mut self, event: SessionEvent) -> Result<(), Unconfirmed> {
        match event {
            SessionEvent::Control(event) => self.on_control(event),
            SessionEvent::DataUsed(bytes) => self.rules.handle_data_used(bytes),
            SessionEvent::PastLimit(bytes) => {
                self.rules.handle_data_used(bytes);
                self.rules.handle_past_limit(clock::now());
            }
            SessionEvent::Begun(Ok(())) => self.rules.handle_begun(),
            SessionEvent::Begun(Err(error)) => return self.on_not_begun(error).await,
            SessionEvent::ProcessLost(problem) => {
                tracing::warn!(problem, "session process lost");
                let is_stop = self.around.launch.is_being_stopped().await;
                let reason = if is_stop { Reason::AgentStopped } else { Reason::SessionProcessLost };
                self.rules.handle_failure(reason, clock::now());
            }
        }
        Ok(())
    }

    /// What the engineer's side said under the seal, and has arrived, counts before the relay's word about it.
    pub(super) async fn hear_out_session(&mut self) -> Result<(), Unconfirmed> {
        // More than wait in the queue would be a flood.
        for _ in 0..control::QUEUE {
            let Some(session) = &mut self.session else { break };
            let event = tokio::select! {
                biased;
                event = session.next_event() => event,
                () = std::future::ready(()) => break,
            };
            self.on_session(event).await?;
            self.carry_out_events().await?;
        }
        Ok(())
    }

    fn on_control(&mut self, event: ControlEvent) {
        let now = clock::now();
        if event.is_sign_of_life() {
            self.rules.handle_heard(now);
        }
        match event {
            // It is heard where it can be given.
            ControlEvent::Heard | ControlEvent::Fetch(_) => {}
            ControlEvent::PipeClosed(pipe) => {
                self.session.iter().for_each(|session| session.close_pipe(pipe));
            }
            ControlEvent::Link(PipeLink::Down { problem, .. }) => {
                tracing::info!(problem, "the control channel is interrupted");
                self.rules.handle_link_down(problem);
            }
            ControlEvent::Link(PipeLink::Up) => self.rules.handle_link_up(now),
            ControlEvent::Greeted(hello) => self.on_greeted(&hello),
            ControlEvent::Over(reason, teller) => self.rules.handle_over(reason, teller, now),
            event @ (ControlEvent::Asked { .. }
            | ControlEvent::Withdrawn { .. }
            | ControlEvent::Announced { .. }
            | ControlEvent::Runbook { .. }
            | ControlEvent::Chat(_)) => {
                let seat = self.rules.state().active().map_or(SeatId::FIRST, |active| active.seat);
                self.on_said(seat, event);
            }
        }
    }

    fn on_greeted(&mut self, hello: &EngineerHello) {
        let now = clock::now();
        if self.session.as_mut().is_some_and(|session| session.set_engineer(hello)) {
            self.rules.handle_greeted(hello.features.has(feature::CHAT), now);
        } else {
            self.rules.handle_over(Reason::Incompatible, Teller::Party, now);
        }
    }

    async fn on_not_begun(&mut self, error: BeginError) -> Result<(), Unconfirmed> {
        tracing::error!(%error, "session not started");
        self.rules.handle_failure(Reason::ScannerFailed, clock::now());
        self.carry_out_events().await?;
        if error.is_of_another_version() {
            // An upgrade came while we waited for the engineer: the agent that fits takes over now.
            self.state_files.set_last_words(Reason::ScannerFailed);
            self.is_over = true;
        }
        Ok(())
    }
}
