//! Remote access: the owner of everything that runs while it is on. It asks the rules and does what
//! they say; nothing else decides.

mod view;

use std::path::PathBuf;
use std::sync::Arc;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
use fieldlink_protocol::messages::control;
use fieldlink_protocol::pairing::attempts::Standing;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::transport::Dialer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use view::{Notice, View};

use crate::clock::{self, BootTimer};
use crate::config::Config;
use crate::control::ControlEvent;
use crate::pairing::{self, ChargeRequest, Offer, Outcome, Run};
use crate::rules::{Answered, Due, Greeted, Pair, Request, Rules, State};
use crate::session::{LiveSession, SessionEvent, Surroundings};
use crate::session_process::EndOutcome;
use crate::tunnel::{Tunnel, TunnelEvent};

/// Pairs that are drawn for one press, should the relay say that an ID is taken.
const MOST_REDRAWS: u8 = 3;

/// What the client asks for.
#[derive(Debug)]
pub enum Command {
    /// Start remote access, with a new pair.
    Start,
    /// Switch remote access off, or end the session.
    Stop(Reason),
    /// Answer the question that is named.
    Answer(QuestionId, bool),
}

/// The session process could not be ended: this process must not go on.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not confirm that the session's programs have ended: exiting, so that they are ended from outside"
)]
pub struct Unconfirmed;

/// Remote access. Runs until its command queue is closed.
pub struct Access {
    config: Config,
    program: PathBuf,
    dialer: Dialer,
    key: Arc<RegistrationKey>,
    rules: Rules,
    tunnel: Option<(Tunnel, mpsc::Receiver<TunnelEvent>)>,
    is_registered: bool,
    problem: Option<String>,
    /// Pairs drawn anew since the client's press.
    redraws: u8,
    pairings: JoinSet<Run>,
    /// Engineers who are being told that they come too late.
    goodbyes: JoinSet<()>,
    charges: (mpsc::Sender<ChargeRequest>, mpsc::Receiver<ChargeRequest>),
    session: Option<LiveSession>,
    commands: mpsc::Receiver<Command>,
    view: watch::Sender<View>,
    timer: BootTimer,
}

enum Event {
    Tunnel(TunnelEvent),
    Charge(ChargeRequest),
    Run(Run),
    Session(SessionEvent),
    Command(Option<Command>),
    Time,
}

impl Access {
    /// Off, until a command starts it. The view is what the client is to see.
    pub fn new(
        config: Config,
        dialer: Dialer,
        commands: mpsc::Receiver<Command>,
    ) -> anyhow::Result<(Self, watch::Receiver<View>)> {
        let (view, watcher) = watch::channel(View::Off { notice: None });
        let access = Self {
            program: config.session_program()?,
            rules: Rules::new(config.consent, config.session.clone()),
            config,
            dialer,
            key: Arc::new(RegistrationKey::generate()),
            tunnel: None,
            is_registered: false,
            problem: None,
            redraws: 0,
            pairings: JoinSet::new(),
            goodbyes: JoinSet::new(),
            charges: mpsc::channel(16),
            session: None,
            commands,
            view,
            timer: BootTimer::new()?,
        };
        Ok((access, watcher))
    }

    /// Serves commands, relay and sessions. Whatever runs when the command queue closes is ended.
    pub async fn run(mut self) -> anyhow::Result<()> {
        loop {
            match self.next_event().await {
                Event::Command(None) => {
                    return Ok(self.switch_off(Notice::Ended(Reason::AgentStopped)).await?);
                }
                Event::Command(Some(command)) => self.on_command(command).await?,
                Event::Tunnel(event) => self.on_tunnel(event).await?,
                Event::Charge(ChargeRequest { registration, reply }) => {
                    // A run that is gone leaves its charge standing: it cannot be refunded.
                    let _ = reply.send(self.rules.charge(&registration));
                }
                Event::Run(run) => self.on_run(run).await?,
                Event::Session(event) => self.on_session(event).await?,
                Event::Time => self.on_time().await?,
            }
            self.show();
        }
    }

    async fn next_event(&mut self) -> Event {
        let deadline = self.rules.next_deadline();
        let tunnel = async {
            match &mut self.tunnel {
                Some((_, events)) => events.recv().await,
                None => None,
            }
        };
        let session = async {
            match &mut self.session {
                Some(session) => session.next_event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => Event::Command(command),
            Some(charge) = self.charges.1.recv() => Event::Charge(charge),
            Some(Ok(run)) = self.pairings.join_next() => Event::Run(run),
            event = session => Event::Session(event),
            Some(event) = tunnel => Event::Tunnel(event),
            _ = self.timer.wait(deadline) => Event::Time,
        }
    }

    async fn on_command(&mut self, command: Command) -> Result<(), Unconfirmed> {
        match command {
            Command::Start => {
                if matches!(self.rules.state(), State::Off) {
                    self.redraws = 0;
                    self.switch_on();
                }
            }
            Command::Stop(reason) => return self.switch_off(Notice::Ended(reason)).await,
            Command::Answer(question, allow) => {
                let request = self.rules.request().cloned();
                match self.rules.answer(question, allow, clock::now()) {
                    Ok(Answered::Allowed) => return self.admit().await,
                    Ok(Answered::Refused(standing)) => {
                        return self.after_refusal(request, Reason::ClientRefused, standing).await;
                    }
                    Err(stale) => tracing::info!(%stale, "answer ignored"),
                }
            }
        }
        Ok(())
    }

    fn switch_on(&mut self) {
        let Ok(pair) = Pair::draw() else {
            self.view.send_replace(View::Off { notice: Some(Notice::Ended(Reason::ScannerFailed)) });
            return;
        };
        let claim = Claim::SupportId { support_id: pair.support_id, lease: None };
        // A key of its own for every start: nothing ties one support ID to the next.
        self.key = Arc::new(RegistrationKey::generate());
        self.tunnel = Some(Tunnel::open(self.dialer.clone(), self.key.clone(), claim));
        (self.is_registered, self.problem) = (false, None);
        self.rules.open(pair, clock::now());
    }

    /// Everything ends; the client reads why.
    async fn switch_off(&mut self, notice: Notice) -> Result<(), Unconfirmed> {
        let reason = notice.reason();
        let request = self.rules.request().cloned();
        self.rules.close();
        self.pairings.shutdown().await;
        let tunnel = self.tunnel.take();
        let closing = async {
            let Some((tunnel, events)) = tunnel else { return };
            // Nobody reads them any more; a relay that floods us must not hold up the end.
            drop(events);
            if let Some(request) = &request {
                tunnel.send(FromAgent::Ended { session: request.session, reason });
            }
            tunnel.close().await;
        };
        let outcome = match self.session.take() {
            Some(session) => session.end(reason, closing).await,
            None => {
                closing.await;
                EndOutcome::Orderly
            }
        };
        self.view.send_replace(View::Off { notice: Some(notice) });
        if outcome == EndOutcome::Unconfirmed { Err(Unconfirmed) } else { Ok(()) }
    }

    async fn on_tunnel(&mut self, event: TunnelEvent) -> Result<(), Unconfirmed> {
        match event {
            TunnelEvent::Registered => {
                self.set_registered(true, None);
                // What was said on the connection before may not have arrived.
                if let (State::Admitting { request, .. }, Some((tunnel, _))) =
                    (self.rules.state(), &self.tunnel)
                {
                    tunnel.send(FromAgent::Admitted { session: request.session });
                }
            }
            TunnelEvent::Lost(problem) => self.set_registered(false, Some(problem)),
            TunnelEvent::IdTaken if self.rules.may_redraw() && self.redraws < MOST_REDRAWS => {
                tracing::info!("the support ID is taken, drawing another");
                self.redraws += 1;
                self.tunnel = None;
                self.switch_on();
            }
            TunnelEvent::IdTaken => return self.switch_off(Notice::Ended(Reason::IdTaken)).await,
            TunnelEvent::SessionOver => return self.switch_off(Notice::Ended(Reason::RelayRestarted)).await,
            TunnelEvent::Message(message) => return self.on_relay(message).await,
        }
        Ok(())
    }

    fn set_registered(&mut self, registered: bool, problem: Option<String>) {
        self.is_registered = registered;
        self.problem = problem;
        self.rules.set_registered(registered);
    }

    async fn on_relay(&mut self, message: ToAgent) -> Result<(), Unconfirmed> {
        match message {
            ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket } => {
                let request = Request { session, run, engineer, ticket, partner };
                self.pair(request, pipe, pipe_ticket);
            }
            ToAgent::Open { session, pipe, pipe_ticket } => {
                let is_admitted = self.rules.admits_pipes(session);
                if let (true, Some(live)) = (is_admitted, &mut self.session) {
                    live.open_pipe(pipe, pipe_ticket);
                }
            }
            ToAgent::SessionTicket { session, session_ticket } => {
                let is_expected = self.rules.request().is_some_and(|request| request.session == session);
                if is_expected {
                    self.on_admitted(session_ticket);
                }
            }
            ToAgent::Ended { session, reason } => return self.on_relay_ended(session, reason).await,
            ToAgent::Challenge { .. } | ToAgent::Registered { .. } | ToAgent::Refused { .. } => {}
        }
        Ok(())
    }

    fn pair(&mut self, request: Request, pipe: fieldlink_protocol::ids::PipeId, pipe_ticket: String) {
        let running = self.pairings.len();
        let State::Open { pair, .. } = self.rules.state() else {
            return self.decline(&request, Reason::Busy);
        };
        let support_id = pair.support_id;
        match self.rules.may_pair(request.run, running) {
            Ok(registration) => {
                let offer = Offer { request, support_id, pipe, pipe_ticket };
                let charges = self.charges.0.clone();
                self.pairings.spawn(pairing::run(self.dialer.clone(), offer, registration, charges));
            }
            Err(reason) => self.decline(&request, reason),
        }
    }

    fn decline(&self, request: &Request, reason: Reason) {
        if let Some((tunnel, _)) = &self.tunnel {
            tunnel.send(FromAgent::Declined { session: request.session, run: request.run, reason });
        }
    }

    async fn on_run(&mut self, run: Run) -> Result<(), Unconfirmed> {
        let Run { request, registration, outcome } = run;
        match outcome {
            Outcome::Uncharged(reason) => self.decline(&request, reason),
            Outcome::Failed(reason, charge) => {
                tracing::info!(engineer = %request.engineer.id, %reason, "a pairing failed");
                let is_burnt = self.rules.failed(&registration, charge);
                self.decline(&request, reason);
                if is_burnt {
                    return self.switch_off(Notice::Burnt(Box::new(request))).await;
                }
            }
            Outcome::Verified(verified, charge) => {
                let id = (request.session, request.run);
                match self.rules.verified(&registration, charge, request.clone(), clock::now()) {
                    Ok(()) => {
                        match LiveSession::greet(*verified, id, self.config.session.pipe_window_bytes) {
                            Ok(session) => self.session = Some(session),
                            Err(error) => {
                                tracing::error!(%error, "no host key");
                                return self.switch_off(Notice::Ended(Reason::ScannerFailed)).await;
                            }
                        }
                    }
                    Err(reason) => {
                        self.decline(&request, reason);
                        while self.goodbyes.try_join_next().is_some() {}
                        self.goodbyes.spawn(pairing::refuse(*verified, reason));
                    }
                }
            }
        }
        Ok(())
    }

    async fn on_session(&mut self, event: SessionEvent) -> Result<(), Unconfirmed> {
        match event {
            SessionEvent::Control(ControlEvent::Heard) => {
                if self.rules.heard(clock::now()) {
                    tracing::info!("the control channel is back");
                }
                Ok(())
            }
            SessionEvent::Control(ControlEvent::Greeted(key)) => self.on_greeted(&key).await,
            SessionEvent::Control(ControlEvent::Over(reason)) => match self.rules.state() {
                State::Active { .. } | State::Admitting { .. } => {
                    self.switch_off(Notice::Ended(reason)).await
                }
                _ => self.back_to_waiting(reason).await,
            },
            SessionEvent::ProcessLost(problem) => {
                tracing::warn!(problem, "session process lost");
                self.switch_off(Notice::Ended(Reason::SessionProcessLost)).await
            }
        }
    }

    async fn on_greeted(&mut self, key: &str) -> Result<(), Unconfirmed> {
        let is_first = self.session.as_mut().is_some_and(|session| session.set_engineer_key(key));
        if !is_first {
            return match self.rules.state() {
                State::Active { .. } | State::Admitting { .. } => {
                    self.switch_off(Notice::Ended(Reason::Tampered)).await
                }
                _ => self.back_to_waiting(Reason::Tampered).await,
            };
        }
        match (self.rules.greeted(clock::now()), &self.session) {
            (Greeted::Admit, _) => self.admit().await,
            (Greeted::Ask(_), Some(session)) => {
                let seconds = self.config.session.consent_seconds as u32;
                session.say(control::FromAgent::Asking { seconds });
                Ok(())
            }
            (Greeted::Ask(_), None) | (Greeted::Stale, _) => {
                self.switch_off(Notice::Ended(Reason::ConnectionLost)).await
            }
        }
    }

    /// The client said yes: start what serves the engineer, then have the relay withdraw the ID.
    async fn admit(&mut self) -> Result<(), Unconfirmed> {
        // Other engineers' runs lead nowhere any more: the pair is gone.
        self.pairings.shutdown().await;
        let around = Surroundings {
            dialer: &self.dialer,
            window: self.config.session.pipe_window_bytes,
            program: &self.program,
            forwards: &self.config.forward,
        };
        let Some(session) = &mut self.session else {
            return self.switch_off(Notice::Ended(Reason::ConnectionLost)).await;
        };
        if let Err(error) = session.begin(around).await {
            tracing::error!(%error, "session not started");
            return self.switch_off(Notice::Ended(Reason::ScannerFailed)).await;
        }
        if let (Some(request), Some((tunnel, _))) = (self.rules.request(), &self.tunnel) {
            tunnel.send(FromAgent::Admitted { session: request.session });
        }
        Ok(())
    }

    fn on_admitted(&mut self, session_ticket: String) {
        let now = clock::now();
        if let (Some(length), Some(session)) = (self.rules.admitted(now), &self.session) {
            if let Some((tunnel, _)) = &self.tunnel {
                tunnel.set_claim(Claim::Session { session_ticket });
            }
            session.admit(length, now + length);
        }
    }

    async fn on_relay_ended(
        &mut self,
        session: fieldlink_protocol::ids::SessionId,
        reason: Reason,
    ) -> Result<(), Unconfirmed> {
        if self.rules.request().is_none_or(|request| request.session != session) {
            return Ok(());
        }
        match self.rules.state() {
            State::Active { .. } | State::Admitting { .. } => self.switch_off(Notice::Ended(reason)).await,
            _ => self.back_to_waiting(reason).await,
        }
    }

    /// The engineer left before being let in; the pair may be used again.
    async fn back_to_waiting(&mut self, reason: Reason) -> Result<(), Unconfirmed> {
        let request = self.rules.request().cloned();
        self.rules.withdraw(clock::now());
        self.turn_away(request, reason).await
    }

    async fn after_refusal(
        &mut self,
        request: Option<Request>,
        reason: Reason,
        standing: Standing,
    ) -> Result<(), Unconfirmed> {
        self.turn_away(request, reason).await?;
        match standing {
            Standing::Burnt => self.switch_off(Notice::Ended(Reason::Burnt)).await,
            Standing::Usable => Ok(()),
        }
    }

    /// Tells the engineer, then the relay, why there will be no session.
    async fn turn_away(&mut self, request: Option<Request>, reason: Reason) -> Result<(), Unconfirmed> {
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

    async fn on_time(&mut self) -> Result<(), Unconfirmed> {
        let now = clock::now();
        match self.rules.tick(now) {
            None | Some(Due::Interrupted) => Ok(()),
            Some(Due::Idle) => self.switch_off(Notice::Idle).await,
            Some(Due::GiveUp(Reason::NoAnswer)) => {
                let request = self.rules.request().cloned();
                let standing = self.rules.refused(now);
                self.after_refusal(request, Reason::NoAnswer, standing).await
            }
            Some(Due::GiveUp(reason)) => self.back_to_waiting(reason).await,
            Some(Due::End(reason)) => self.switch_off(Notice::Ended(reason)).await,
        }
    }

    fn show(&self) {
        if let Some(view) = View::of(self.rules.state(), self.problem.as_deref()) {
            self.view.send_if_modified(|shown| {
                let is_new = *shown != view;
                *shown = view;
                is_new
            });
        }
    }
}
