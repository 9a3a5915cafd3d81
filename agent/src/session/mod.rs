//! One session's moving parts: control channel, session process, SSH connections. What may happen
//! when is for the rules; this only does it.

pub(crate) mod control;
pub(crate) mod pairing;
mod parting;
pub(crate) mod policy;
mod subsystems;
mod taps;
mod work;

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::control::{FromAgent, Transfers};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_protocol::{feature, limits};
use fieldlink_transport::{Dialer, PipeLimits};
use russh::keys::{PrivateKey, PublicKey};
use tokio::sync::{mpsc, watch};

use self::control::{Control, ControlEvent, EngineerHello, Greeting};
use self::pairing::Verified;
pub(crate) use self::parting::Parting;
pub(crate) use self::subsystems::OwnSubsystems;
use self::taps::Taps;
pub(crate) use self::work::SessionOffer;
use self::work::{Joined, Meter, ProcessEvent, Stage, Work};
use crate::carry_on::RestartDeps;
use crate::config::{Config, Policy};
use crate::diagnosis::Diagnoses;
use crate::engineers::Engineers;
use crate::health::HealthReader;
use crate::live::LiveView;
use crate::memory;
use crate::operation::Operations;
use crate::record::RecordStore;
use crate::rules::{Request, Teller};
use crate::runbooks::Runbooks;
use fieldlink_ssh::forward_policy::ForwardPolicy;
use fieldlink_ssh::session_process::{
    EndOutcome, Launch, SessionEvents, SessionProcess, StartError, Starting, WatchLimits,
};
use fieldlink_ssh::{self as ssh, ChannelPath, SshServer, SshServerParts, SshThread, Subsystems};

/// A session from the verified PIN on.
pub(crate) struct LiveSession {
    control: Control,
    control_events: mpsc::Receiver<ControlEvent>,
    host_key: PrivateKey,
    engineer_key: Option<PublicKey>,
    /// What the engineer's program understands, once it has said so.
    features: Option<Features>,
    who: (SessionId, EngineerId),
    keys: Arc<SessionKeys>,
    user: String,
    around: Arc<SessionDeps>,
    stage: Stage,
}

/// What becomes of a session by itself.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    /// From the control channel.
    Control(ControlEvent),
    /// The session process runs, and the engineer may come in; or not.
    Begun(Result<(), BeginError>),
    /// The session process is gone or misbehaves.
    ProcessLost(String),
    /// So many bytes were moved, both ways.
    DataUsed(u64),
    /// Channels that carry much are held, because the session has moved so many bytes.
    PastLimit(u64),
}

/// What a session needs from the outside.
pub struct SessionDeps {
    /// Dials the relay, through the proxy if there is one.
    pub dialer: Dialer,
    /// The window and the longest interruption of each pipe.
    pub bounds: PipeLimits,
    /// Where session processes come from.
    pub launch: Launch,
    /// What the scanner's owner permits.
    pub policy: Policy,
    /// Where forwards may lead.
    pub forwards: ForwardPolicy,
    /// Whose word counts for who an engineer is.
    pub engineers: Engineers,
    /// Whose runbooks count as the maker's.
    pub runbooks: Runbooks,
    /// What the device knows of itself.
    pub health: Arc<HealthReader>,
    /// What can be collected for a diagnosis of it.
    pub diagnoses: Diagnoses,
    /// What is done by units of the maker's.
    pub operations: Arc<Operations>,
    /// Where what terminals show can be watched.
    pub live: LiveView,
    /// Where sessions are recorded.
    pub(crate) records: Option<Arc<RecordStore>>,
    /// How the device restarts and a session goes on, where the agent runs as a service.
    pub(crate) restart: Option<RestartDeps>,
}

impl SessionDeps {
    /// As `config` says. With less memory than their pipes could fill, the pipes get smaller windows.
    pub fn new(config: &Config, dialer: Dialer, launch: Launch) -> Self {
        let mut bounds = config.session.pipe_limits();
        if let Some(limit) = memory::limit()
            && let Some(problem) = config.session.excess(limit)
        {
            bounds.window = memory::largest_window(limit).max(limits::PIPE_WINDOW_MIN);
            tracing::warn!(window = bounds.window, "{problem}: using a smaller one");
        }
        let Config { policy, forward: forwards, engineers, runbooks, .. } = config.clone();
        let (operations, live) = (Arc::new(Operations::new(config)), LiveView::default());
        let health = HealthReader::new(&config.health);
        let diagnoses = Diagnoses::new(&config.diagnostics, health.clone());
        Self {
            dialer,
            bounds,
            launch,
            policy,
            forwards,
            engineers,
            runbooks,
            health,
            diagnoses,
            operations,
            live,
            records: None,
            restart: None,
        }
    }
}

/// Why a session could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    /// The session process could not be started.
    #[error(transparent)]
    Process(#[from] StartError),
    /// The thread for the SSH connections could not be started.
    #[error("could not start the ssh thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The engineer's side never said its key.
    #[error("could not begin the session: the engineer's side has not said its SSH key")]
    NoKey,
    /// The SSH connections of the engineer's earlier program could not be ended.
    #[error("could not end the ssh connections of the engineer's earlier program")]
    Stuck,
    /// There is no session to join.
    #[error("could not join the session: it has not begun")]
    NotBegun,
}

impl BeginError {
    /// Whether the session process is newer than we are, or older.
    pub(crate) fn is_of_another_version(&self) -> bool {
        matches!(self, Self::Process(StartError::Version(_) | StartError::Wire(_)))
    }
}

impl LiveSession {
    /// Opens the control channel to an engineer who knows the PIN.
    pub(crate) fn greet(
        verified: Verified,
        request: &Request,
        around: &Arc<SessionDeps>,
    ) -> Result<Self, russh::keys::ssh_key::Error> {
        let host_key = ssh::new_host_key()?;
        let user = around.launch.user();
        let greeting = Greeting {
            host_key: host_key.public_key().to_openssh()?,
            user: user.clone(),
            hostname: own_hostname(),
        };
        let keys = Arc::new(SessionKeys {
            engineer_to_agent: verified.keys.engineer_to_agent.clone(),
            agent_to_engineer: verified.keys.agent_to_engineer.clone(),
            pipe: verified.keys.pipe.clone(),
            restart: verified.keys.restart.clone(),
        });
        let (control, control_events) =
            Control::open(verified, (request.session, request.run), greeting, around.bounds);
        Ok(Self {
            control,
            control_events,
            host_key,
            engineer_key: None,
            features: None,
            who: (request.session, request.engineer.id),
            keys,
            user,
            around: around.clone(),
            stage: Stage::Greeted,
        })
    }

    /// Notes the engineer's SSH key. False if that is no key, or a second one.
    pub(crate) fn set_engineer(&mut self, hello: &EngineerHello) -> bool {
        let key = ssh::parse_engineer_key(&hello.ssh_key).filter(|_| self.engineer_key.is_none());
        let is_new = key.is_some();
        if is_new {
            self.features = Some(hello.features.clone());
            self.engineer_key = key;
        }
        is_new
    }

    /// Whether the engineer's program understands `feature`.
    pub(crate) fn engineer_has(&self, feature: &str) -> bool {
        self.features.as_ref().is_some_and(|features| features.has(feature))
    }

    /// Holds back what the engineer sends, on every channel, or lets it pass again. Nothing of it is lost.
    pub(crate) fn hold_input(&self, is_held: bool) {
        self.work().into_iter().for_each(|work| work.path.hold_input(is_held));
    }

    /// What becomes of channels that carry much, now and once the session has moved so many bytes.
    pub(crate) fn set_transfers(&self, transfers: Transfers, limit: Option<u64>) {
        self.work().into_iter().for_each(|work| work.path.set_transfers(transfers, limit));
    }

    /// Sends a sealed message. False if it is dropped, because the engineer's side has taken nothing for long.
    pub(crate) fn say(&self, message: FromAgent) -> bool {
        self.control.send(message)
    }

    /// Whether a message would be taken now.
    pub(crate) fn has_room(&self) -> bool {
        self.control.has_room()
    }

    /// Begins to start the session process. What comes of it is an event.
    pub(crate) fn begin(&mut self, offer: SessionOffer) {
        let starting = Starting::begin(self.around.launch.clone(), WatchLimits::default());
        self.stage = Stage::Starting(starting, offer);
    }

    fn on_started(
        &mut self,
        started: Result<(SessionProcess, SessionEvents), StartError>,
        SessionOffer { policy, subsystems, recorded }: SessionOffer,
    ) -> Result<(), BeginError> {
        self.stage = Stage::Greeted;
        let (process, process_events) = started?;
        let watched = self.around.live.begin();
        let tap = Arc::new(Taps { watched: watched.clone(), recorded });
        let path = Arc::new(ChannelPath::new(policy, self.around.forwards.clone(), tap));
        let (ended, _) = watch::channel(None);
        let ssh = self.serve_ssh((&path, &subsystems), &process, &ended)?;
        let meter = Meter::new();
        let work = Work { process, process_events, ssh, path, subsystems, meter, watched, ended };
        self.stage = Stage::Working(Box::new(work));
        Ok(())
    }

    fn work(&self) -> Option<&Work> {
        match &self.stage {
            Stage::Working(work) => Some(work),
            Stage::Greeted | Stage::Starting(..) | Stage::Joined(_) => None,
        }
    }

    fn ssh(&self) -> Option<&SshThread> {
        match &self.stage {
            Stage::Working(work) => Some(&work.ssh),
            Stage::Joined(joined) => Some(&joined.ssh),
            Stage::Greeted | Stage::Starting(..) => None,
        }
    }

    /// Serves a further engineer's SSH connections beside those of the engineer whose session it is.
    pub(crate) fn join(&mut self, owners: &Self) -> Result<(), BeginError> {
        let work = owners.work().ok_or(BeginError::NotBegun)?;
        let (ended, _) = watch::channel(None);
        let ssh = self.serve_ssh((&work.path, &work.subsystems), &work.process, &ended)?;
        self.stage = Stage::Joined(Box::new(Joined { ssh, ended }));
        Ok(())
    }

    /// The session is the further engineer's from now on, and this engineer is a further one. Nobody's connections notice.
    pub(crate) fn trade_places(&mut self, further: &mut Self) -> bool {
        let stages =
            [&mut self.stage, &mut further.stage].map(|stage| std::mem::replace(stage, Stage::Greeted));
        let [Stage::Working(work), Stage::Joined(joined)] = stages else {
            let [ours, theirs] = stages;
            (self.stage, further.stage) = (ours, theirs);
            return false;
        };
        let (work, joined) = (*work, *joined);
        let ours = Joined { ssh: work.ssh, ended: work.ended };
        further.stage = Stage::Working(Box::new(Work { ssh: joined.ssh, ended: joined.ended, ..work }));
        self.stage = Stage::Joined(Box::new(ours));
        true
    }

    /// A further engineer's program that was started again takes the place of the one before.
    pub(crate) async fn rejoin(&mut self, before: Self, owners: &Self) -> Result<(), BeginError> {
        let Self { control, control_events, stage, .. } = before;
        drop(control_events);
        control.abandon().await;
        match stage {
            Stage::Joined(joined) => {
                if joined.end(Reason::EngineerLost).await == EndOutcome::Unconfirmed {
                    return Err(BeginError::Stuck);
                }
                self.join(owners)
            }
            _ => Ok(()),
        }
    }

    /// Where messages for this engineer go; for what is told beside the rules.
    pub(crate) fn outgoing(&self) -> mpsc::Sender<FromAgent> {
        self.control.outgoing()
    }

    /// Goes on, as an engineer's program that was started again, with the programs of `before`. Its SSH
    /// connections are cut: the program at their other ends is gone.
    pub(crate) async fn take_over(&mut self, before: Self) -> Result<(), BeginError> {
        let Self { control, control_events, stage, .. } = before;
        drop(control_events);
        control.abandon().await;
        let Stage::Working(work) = stage else { return Err(BeginError::Stuck) };
        let Work { ssh, .. } = *work;
        ssh.cancel();
        if !ssh.joined().await {
            return Err(BeginError::Stuck);
        }
        let ssh = self.serve_ssh((&work.path, &work.subsystems), &work.process, &work.ended)?;
        self.stage = Stage::Working(Box::new(Work { ssh, ..*work }));
        Ok(())
    }

    fn serve_ssh(
        &self,
        (path, subsystems): (&Arc<ChannelPath>, &Arc<dyn Subsystems>),
        process: &SessionProcess,
        ended: &watch::Sender<Option<Reason>>,
    ) -> Result<SshThread, BeginError> {
        let engineer_key = self.engineer_key.clone().ok_or(BeginError::NoKey)?;
        Ok(SshThread::start(SshServer::new(SshServerParts {
            dialer: self.around.dialer.clone(),
            keys: self.keys.clone(),
            bounds: self.around.bounds,
            host_key: self.host_key.clone(),
            engineer_key,
            user: self.user.clone(),
            who: self.who,
            path: path.clone(),
            programs: process.client(),
            subsystems: subsystems.clone(),
            ended: ended.subscribe(),
        }))?)
    }

    /// The password with which the engineer's program comes back, should it be started again.
    pub(crate) fn restart_key(&self) -> &Secret<32> {
        &self.keys.restart
    }

    /// Tells the engineer that the hour has begun. `deadline` is in time since boot.
    pub(crate) fn admit(&self, length: Duration, deadline: Duration) {
        self.control.send(FromAgent::Admitted { seconds: length.as_secs() as u32 });
        self.control.set_deadline(deadline);
    }

    /// Tells the engineer's side how much time is left now. `deadline` is in time since boot.
    pub(crate) fn set_deadline(&self, deadline: Duration) {
        self.control.set_deadline(deadline);
    }

    /// Serves a further SSH connection. Bounded like the relay's own limit.
    pub(crate) fn open_pipe(&mut self, pipe: PipeId, ticket: Signed<PipeTicket>) {
        let is_taken = self.ssh().is_some_and(|ssh| ssh.open_pipe(pipe, ticket));
        if !is_taken {
            tracing::warn!(%pipe, "ssh pipe not taken");
        }
    }

    /// Ends an SSH connection that is over at the engineer's side.
    pub(crate) fn close_pipe(&self, pipe: PipeId) {
        self.ssh().into_iter().for_each(|ssh| ssh.close_pipe(pipe));
    }

    /// Waits for what becomes of the session by itself. Safe to cancel.
    pub(crate) async fn next_event(&mut self) -> SessionEvent {
        let process_event = async {
            match &mut self.stage {
                Stage::Greeted | Stage::Joined(_) => std::future::pending().await,
                Stage::Starting(starting, offer) => {
                    ProcessEvent::Started(starting.started().await, offer.clone())
                }
                Stage::Working(work) => work.next_event().await,
            }
        };
        let process_event = tokio::select! {
            event = self.control_events.recv() => {
                return SessionEvent::Control(event.unwrap_or_else(|| {
                    // It says itself why it is over, unless it panicked.
                    tracing::error!("the control channel failed by itself");
                    ControlEvent::Over(Reason::ScannerFailed, Teller::Party)
                }));
            }
            event = process_event => event,
        };
        match process_event {
            ProcessEvent::Started(started, offer) => SessionEvent::Begun(self.on_started(started, offer)),
            ProcessEvent::Moved(bytes) => SessionEvent::DataUsed(bytes),
            ProcessEvent::PastLimit(bytes) => SessionEvent::PastLimit(bytes),
            ProcessEvent::Lost(lost) => SessionEvent::ProcessLost(
                lost.map_or_else(|| "it has ended".to_owned(), |lost| lost.to_string()),
            ),
        }
    }

    /// Ends everything of the session within a second: programs, SSH connections, control channel.
    /// `afterwards` runs once the engineer's side has the sealed reason: a relay that hears of the end
    /// first would cut the channel under it.
    pub(crate) async fn end(self, reason: Reason, afterwards: impl Future<Output = ()>) -> EndOutcome {
        self.part((reason, false), afterwards).await.0
    }

    /// As [`Self::end`]. If it `stays`, and the engineer's program knows of that, the control channel is left for the report.
    pub(crate) async fn part(
        self,
        (reason, stays): (Reason, bool),
        afterwards: impl Future<Output = ()>,
    ) -> (EndOutcome, Option<Parting>) {
        // Before the hour has begun there is nothing to tell of.
        let others_stay = stays;
        let stays = stays && self.control.has_begun() && self.engineer_has(feature::REPORT);
        let Self { control, control_events: events, stage, around, .. } = self;
        control.send(if stays { FromAgent::Closing { reason } } else { FromAgent::End { reason } });
        let work = async {
            match stage {
                Stage::Greeted => EndOutcome::Orderly,
                Stage::Starting(starting, _) => starting.end().await,
                Stage::Joined(joined) => joined.end(reason).await,
                Stage::Working(work) => {
                    let watched = work.watched.clone();
                    let outcome = work.end(reason).await;
                    around.live.end(&watched);
                    outcome
                }
            }
        };
        if stays {
            // Until the relay hears of it, SSH connections end in order.
            let outcome = work.await;
            afterwards.await;
            return (outcome, Some(Parting { control, events, reason }));
        }
        let goodbye = async {
            // Nothing reads these events any more; an engineer's side that floods the queue must not hold up the end.
            drop(events);
            if others_stay {
                // A relay that sees this control pipe closed first would end the session for all of them.
                afterwards.await;
                control.close().await;
            } else {
                control.close().await;
                afterwards.await;
            }
            None
        };
        tokio::join!(work, goodbye)
    }
}

pub(crate) fn own_hostname() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}
