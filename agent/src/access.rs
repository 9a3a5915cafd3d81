//! Remote access: the owner of everything that runs while it is on. It asks the rules and does what
//! they say; nothing else decides.

mod command;
mod conversation;
mod orders;
mod relay;
mod returning;
mod session;

use std::sync::Arc;

use fieldlink_daemon::AUDIT;
use fieldlink_protocol::messages::agent::{Claim, FromAgent};
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_transport::Dialer;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinError, JoinSet};

pub use command::{Command, Refusal};

use self::conversation::{Rate, Said};
use self::relay::Outage;
use self::returning::{Return, Returning};

use crate::clock::{self, BootTimer};
use crate::config::Config;
use crate::network::monitor::{self, Standing};
use crate::rules::{Due, Pair, Rules, State};
use crate::session::control::Teller;
use crate::session::pairing::{ChargeRequest, Run};
use crate::session::{LiveSession, SessionDeps, SessionEvent};
use crate::session_process::EndOutcome;
use crate::state_files::StateFiles;
use crate::tunnel::{Tunnel, TunnelEvent};
use crate::view::{reason_of, status_of};
use fieldlink_device::notice::Notice;
use fieldlink_device::order::Notification;
use fieldlink_device::panel::{Credentials, View};

/// Pairs that are drawn for one press, should the relay say that an ID is taken.
const MOST_REDRAWS: u8 = 3;

/// Happenings that a listener may be behind with.
const HAPPENINGS: usize = 64;

/// The session process could not be ended: this process must not go on.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not confirm that the session's programs have ended: exiting, so that they are ended from outside"
)]
pub struct Unconfirmed;

/// Remote access. Runs until its command queue is closed.
pub struct Access {
    config: Config,
    dialer: Dialer,
    around: Arc<SessionDeps>,
    network: monitor::Handle,
    key: Arc<RegistrationKey>,
    rules: Rules,
    tunnel: Option<(Tunnel, mpsc::Receiver<TunnelEvent>)>,
    is_registered: bool,
    problem: Option<String>,
    /// A connection to the relay that was lost a moment ago, and may be back before the client has to know.
    outage: Option<Outage>,
    /// Pairs drawn anew since the client's press.
    redraws: u8,
    pairings: JoinSet<Run>,
    /// Those who are still being told something: engineers who come too late, a relay that was away.
    goodbyes: JoinSet<()>,
    charges: (mpsc::Sender<ChargeRequest>, mpsc::Receiver<ChargeRequest>),
    session: Option<LiveSession>,
    returning: Returning,
    /// The latest pair's, also when the pair is gone: a session keeps the name it began under.
    support_id: Option<SupportId>,
    commands: mpsc::Receiver<Command>,
    /// Why it is off.
    notice: Option<Notice>,
    /// Whether the agent stops.
    is_over: bool,
    state_files: StateFiles,
    view: watch::Sender<View>,
    notifications: broadcast::Sender<Notification>,
    chat_rate: Rate,
    question_rate: Rate,
    said: Said,
    timer: BootTimer,
}

/// What others see of remote access.
pub struct AccessHandle {
    /// What the client is to see.
    pub view: watch::Receiver<View>,
    /// What happens beside it.
    pub notifications: broadcast::Sender<Notification>,
}

enum Event {
    Tunnel(TunnelEvent),
    /// What keeps us registered is gone.
    TunnelFailed,
    Charge(ChargeRequest),
    Run(Run),
    /// The task of a pairing has failed; its charge stands.
    RunFailed(JoinError),
    Session(SessionEvent),
    Return(Return),
    Command(Option<Command>),
    Network,
    Time,
}

impl Access {
    /// Off, until a command starts it. `notice` says why, if it was on in an earlier life; `state_files` are for
    /// the next.
    pub fn new(
        config: Config,
        around: SessionDeps,
        network: monitor::Handle,
        commands: mpsc::Receiver<Command>,
        (state_files, notice): (StateFiles, Option<Notice>),
    ) -> anyhow::Result<(Self, AccessHandle)> {
        let status = status_of(&State::Off, notice.as_ref(), None, &network.verdict());
        let (view, watcher) = watch::channel(View { status, credentials: None });
        let (notifications, _) = broadcast::channel(HAPPENINGS);
        let handle = AccessHandle { view: watcher, notifications: notifications.clone() };
        let access = Self {
            dialer: around.dialer.clone(),
            around: Arc::new(around),
            returning: Returning::default(),
            support_id: None,
            rules: Rules::new(config.consent, config.session.clone()),
            config,
            network,
            key: Arc::new(RegistrationKey::generate()),
            tunnel: None,
            is_registered: false,
            problem: None,
            outage: None,
            redraws: 0,
            pairings: JoinSet::new(),
            goodbyes: JoinSet::new(),
            charges: mpsc::channel(16),
            session: None,
            commands,
            notice,
            is_over: false,
            state_files,
            view,
            notifications,
            chat_rate: Rate::of_chat(),
            question_rate: Rate::of_questions(),
            said: Said::default(),
            timer: BootTimer::new()?,
        };
        Ok((access, handle))
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
                Event::RunFailed(error) => tracing::error!(%error, "a pairing failed by itself"),
                Event::TunnelFailed => {
                    tracing::error!("nothing keeps the registration any more");
                    self.switch_off(Notice::Ended(Reason::ScannerFailed)).await?;
                }
                Event::Session(event) => self.on_session(event).await?,
                Event::Return(event) => self.on_return(event).await?,
                // The client is to see it; nothing else follows from it here.
                Event::Network => {}
                Event::Time => self.on_time().await?,
            }
            if self.is_over {
                return Ok(());
            }
            self.show();
        }
    }

    async fn next_event(&mut self) -> Event {
        let outage = self.outage.as_ref().map(|outage| outage.until);
        let deadline = self.rules.next_deadline().into_iter().chain(outage).min();
        let tunnel = async {
            match &mut self.tunnel {
                Some((_, events)) => events.recv().await.map_or(Event::TunnelFailed, Event::Tunnel),
                None => std::future::pending().await,
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
            Some(run) = self.pairings.join_next() => run.map_or_else(Event::RunFailed, Event::Run),
            event = session => Event::Session(event),
            event = self.returning.next() => Event::Return(event),
            event = tunnel => event,
            () = self.network.changed() => Event::Network,
            _ = self.timer.wait(deadline) => Event::Time,
        }
    }

    fn switch_on(&mut self) {
        let Ok(pair) = Pair::draw() else {
            self.notice = Some(Notice::Ended(Reason::ScannerFailed));
            return;
        };
        tracing::info!(target: AUDIT, "remote access goes on");
        self.support_id = Some(pair.support_id);
        let claim = Claim::SupportId { support_id: pair.support_id, lease: None };
        // A key of its own for every start: nothing ties one support ID to the next.
        self.key = Arc::new(RegistrationKey::generate());
        self.network.tunnel_is(Standing::Connecting);
        self.tunnel = Some(Tunnel::open(self.dialer.clone(), self.key.clone(), claim));
        (self.is_registered, self.problem, self.outage) = (false, None, None);
        self.rules.open(pair, clock::now());
    }

    /// Everything ends; the client reads why.
    async fn switch_off(&mut self, notice: Notice) -> Result<(), Unconfirmed> {
        self.network.tunnel_is(Standing::Off);
        self.outage = None;
        let reason = reason_of(&notice);
        let request = self.rules.request().cloned();
        let session = request.as_ref().map(|request| request.session.to_string());
        tracing::info!(target: AUDIT, reason = reason.code(), session, "remote access goes off");
        self.rules.close();
        self.pairings.shutdown().await;
        while self.goodbyes.try_join_next().is_some() {}
        self.goodbyes.spawn(std::mem::take(&mut self.returning).give_up());
        let was_admitted = self.session.is_some() && !self.is_registered;
        let mut tunnel = self.tunnel.take();
        if let (Some(request), true) = (&request, was_admitted) {
            while self.goodbyes.try_join_next().is_some() {}
            if let Some((tunnel, events)) = tunnel.take() {
                self.goodbyes.spawn(tunnel.farewell(events, request.session, reason));
            }
        }
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
        self.notice = Some(notice);
        self.show();
        self.state_files.set_session(None);
        if outcome == EndOutcome::Unconfirmed {
            self.state_files.set_last_words(reason);
        }
        if outcome == EndOutcome::Unconfirmed { Err(Unconfirmed) } else { Ok(()) }
    }

    async fn on_time(&mut self) -> Result<(), Unconfirmed> {
        let now = clock::now();
        self.show_outage(now);
        match self.rules.tick(now) {
            None | Some(Due::Interrupted) => Ok(()),
            Some(Due::Unanswered { request }) => {
                self.confirm(&Answer::NoAnswer {});
                self.tell_answer(request, Answer::NoAnswer {});
                Ok(())
            }
            Some(Due::Remind { minutes }) => {
                self.remind(minutes);
                Ok(())
            }
            Some(Due::Idle) => self.switch_off(Notice::Idle).await,
            Some(Due::GiveUp(Reason::NoAnswer)) => {
                let request = self.rules.request().cloned();
                let standing = self.rules.refused(now);
                self.after_refusal(request, Reason::NoAnswer, standing).await
            }
            Some(Due::GiveUp(reason)) => self.back_to_waiting(reason, Teller::Party).await,
            Some(Due::End(reason)) => self.switch_off(Notice::Ended(reason)).await,
        }
    }

    fn show(&self) {
        let (state, problem) = (self.rules.state(), self.problem.as_deref());
        let credentials = match state {
            // Nobody is to read out what the relay may not even know.
            State::Open { pair, .. } | State::Greeting { pair, .. } if pair.was_registered() => {
                Some(Credentials { support_id: pair.support_id, pin: pair.pin.clone() })
            }
            _ => None,
        };
        let status = status_of(state, self.notice.as_ref(), problem, &self.network.verdict());
        let view = View { status, credentials };
        self.view.send_if_modified(|shown| {
            let is_new = *shown != view;
            *shown = view;
            is_new
        });
    }
}
