//! Remote access: the owner of everything that runs while it is on. It tells the rules what happens and carries out
//! the events that come of it (`carry_out.rs`); nothing else decides.

mod account;
mod attesting;
mod carry_out;
mod carrying;
mod closing;
mod closing_record;
mod coming_back;
mod command;
mod device_watch;
mod forgetting;
mod handing;
mod joining;
mod operation;
mod orders;
mod record_disk;
mod recording;
mod relay;
mod restarting;
mod returning;
mod runbook;
mod seats;
mod session;
mod sharing;
mod telling;
mod uses;
mod watched;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use fieldlink_transport::Dialer;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};

pub use command::Command;

use self::carrying::OnItsWay;
use self::closing::Closings;
use self::device_watch::{DeviceNews, DeviceWatch};
use self::operation::OperationDesk;
use self::recording::RecordDesk;
use self::restarting::{GoingDown, RestartStep};
use self::returning::{Return, Returning};
use self::seats::{Seats, SeatsEvent};
use self::sharing::ObserverDesk;
use self::uses::Uses;

use crate::clock::{self, BootTimer};
use crate::config::Config;
use crate::network::monitor;
use crate::observer::ObserverNews;
use crate::operation::{OperationEvent, OperationRequest};
use crate::record::RecordingNews;
use crate::rules::{Rules, State};
use crate::session::pairing::{ChargeRequest, Run, Verified};
use crate::session::policy::UseRequest;
use crate::session::{LiveSession, SessionDeps, SessionEvent};
use crate::state_files::StateFiles;
use crate::tunnel::{Tunnel, TunnelEvent};
use crate::view::{self, status_of};
use fieldlink_device::notice::Notice;
use fieldlink_device::order::Notification;
use fieldlink_device::panel::{Credentials, View};
use fieldlink_device::status::Terms;
use fieldlink_device::words::Language;

/// How long sessions that are over, and stay, may take to go when the agent ends.
const LAST_CLOSINGS: Duration = Duration::from_millis(2_500);
/// The same, when something of a session may still run.
const LAST_MOMENT: Duration = Duration::from_secs(1);

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
    dialer: Dialer,
    around: Arc<SessionDeps>,
    network: monitor::Handle,
    key: Arc<RegistrationKey>,
    rules: Rules,
    /// What the client allows with a yes.
    terms: Terms,
    tunnel: Option<(Tunnel, mpsc::Receiver<TunnelEvent>)>,
    pairings: JoinSet<Run>,
    /// Whose each of them is.
    pairing: HashMap<task::Id, EngineerId>,
    /// Refusals and goodbyes that are still being sent: to engineers who come too late, to a relay that was away.
    goodbyes: JoinSet<()>,
    charges: (mpsc::Sender<ChargeRequest>, mpsc::Receiver<ChargeRequest>),
    /// The control pipe of an engineer who knows the PIN, until they are greeted.
    proven: Option<Box<Verified>>,
    session: Option<LiveSession>,
    uses: Uses,
    operations: OperationDesk,
    seats: Seats,
    observers: ObserverDesk,
    records: RecordDesk,
    /// What is over and stays for a while.
    closings: Closings,
    /// What the client reads, if it is set.
    language: Option<Language>,
    /// While an engineer works.
    device: Option<DeviceWatch>,
    returning: Returning,
    /// A session that went through a restart of the device.
    on_its_way: Option<OnItsWay>,
    /// A restart of the device that is prepared, or about to happen.
    going_down: GoingDown,
    /// Whether remote access is still to start by itself.
    starts_at_boot: bool,
    /// Registers us for the session of now.
    session_ticket: Option<Signed<SessionTicket>>,
    /// What the relay understands.
    relay: Features,
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
    timer: BootTimer,
}

/// How the bus and the console follow remote access.
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
    Use(UseRequest),
    OperationRequest(OperationRequest),
    Operation(OperationEvent),
    Return(Return),
    Seats(SeatsEvent),
    Observer(ObserverNews),
    Recording(RecordingNews),
    /// Nothing is left of a session that was over.
    Closed,
    Command(Option<Command>),
    Network,
    Device(DeviceNews),
    /// The clock is to be looked at, for a session that went through a restart.
    Clock,
    /// A restart of the device is further.
    Restart(RestartStep),
    Time,
}

impl Access {
    /// Off, until a command starts it. `notice` says why, if it was on in an earlier run; `state_files` are for
    /// the next.
    pub fn new(
        config: Config,
        around: SessionDeps,
        network: monitor::Handle,
        commands: mpsc::Receiver<Command>,
        (state_files, notice): (StateFiles, Option<Notice>),
    ) -> anyhow::Result<(Self, AccessHandle)> {
        let rules = Rules::new(config.consent, config.presence(), config.session.clone());
        let mut terms = view::terms_of(&config);
        if around.records.is_none() {
            terms.retention_days = 0;
        }
        let status = status_of(&rules, &terms, notice.as_ref(), &network.verdict());
        // Later than any revision that the agent's run before this one showed.
        let revision = u64::try_from(clock::now().as_micros()).unwrap_or_default();
        let (view, watcher) = watch::channel(View { status, credentials: None, revision });
        let (notifications, _) = broadcast::channel(HAPPENINGS);
        let handle = AccessHandle { view: watcher, notifications: notifications.clone() };
        let access = Self {
            dialer: around.dialer.clone(),
            returning: Returning::default(),
            on_its_way: None,
            going_down: GoingDown::default(),
            starts_at_boot: false,
            session_ticket: None,
            relay: Features(Vec::new()),
            support_id: None,
            rules,
            terms,
            proven: None,
            network,
            key: Arc::new(RegistrationKey::generate()),
            tunnel: None,
            pairings: JoinSet::new(),
            pairing: HashMap::new(),
            goodbyes: JoinSet::new(),
            charges: mpsc::channel(16),
            session: None,
            uses: Uses::default(),
            operations: OperationDesk::new(around.operations.clone()),
            seats: Seats::default(),
            observers: ObserverDesk::default(),
            records: RecordDesk::new(around.records.clone(), config.language),
            closings: Closings::default(),
            language: config.language,
            around: Arc::new(around),
            device: None,
            commands,
            notice,
            is_over: false,
            state_files,
            view,
            notifications,
            timer: BootTimer::new()?,
        };
        Ok((access, handle))
    }

    /// Remote access starts by itself, as soon as it can.
    #[must_use]
    pub fn at_boot(mut self, is_at_boot: bool) -> Self {
        self.starts_at_boot = is_at_boot;
        self
    }

    /// Serves commands, relay and sessions. Whatever runs when the command queue closes is ended.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let served = self.serve().await;
        // What could not be ended is ended from outside, as soon as this process is gone.
        let patience = if served.is_ok() { LAST_CLOSINGS } else { LAST_MOMENT };
        self.closings.settle(patience).await;
        if served.is_ok() {
            self.records.settle().await;
        }
        Ok(served?)
    }

    async fn serve(&mut self) -> Result<(), Unconfirmed> {
        self.begin_carrying();
        let goes_on = self.on_its_way.as_ref().map(|it| it.carry_on.continuity().session);
        self.records.close_left(goes_on);
        loop {
            if self.starts_at_boot {
                self.start_at_boot();
                self.carry_out_events().await?;
                self.show();
            }
            let is_closed = match self.next_event().await {
                Event::Command(None) => {
                    self.rules.handle_failure(Reason::AgentStopped, clock::now());
                    true
                }
                Event::Command(Some(command)) => {
                    self.on_command(command).await?;
                    false
                }
                event => {
                    self.on_event(event).await?;
                    false
                }
            };
            self.carry_out_events().await?;
            self.show();
            if is_closed || self.is_over {
                return Ok(());
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), Unconfirmed> {
        match event {
            Event::Tunnel(event) => {
                if event.ends_session() {
                    self.hear_out_session().await?;
                }
                self.on_tunnel(event);
            }
            Event::Charge(ChargeRequest { registration, run, reply }) => {
                // A run that is gone leaves its charge standing: it cannot be refunded.
                let _ = reply.send(self.rules.handle_charge(&registration, run));
            }
            Event::Run(run) => self.on_run(run),
            Event::RunFailed(error) => tracing::error!(%error, "a pairing failed by itself"),
            Event::TunnelFailed => {
                tracing::error!("nothing keeps the registration any more");
                self.rules.handle_failure(Reason::ScannerFailed, clock::now());
            }
            Event::Session(event) => self.on_session(event).await?,
            Event::Use(request) => self.on_use(request),
            Event::OperationRequest(request) => self.on_operation_request(request),
            Event::Operation(event) => self.on_operation(event),
            Event::Return(event) => self.on_return(event).await?,
            Event::Seats(event) => self.on_seats(event).await?,
            Event::Observer(news) => self.on_observer_news(news),
            Event::Recording(news) => self.on_recording(news),
            Event::Closed => self.records.tidy(),
            // The client is to see it, too.
            // What NetworkManager said last stands while it says nothing.
            Event::Network => {
                let metered = self.network.is_metered();
                metered.into_iter().for_each(|metered| self.rules.handle_metered(metered));
            }
            Event::Device(DeviceNews::Battery(battery)) => self.rules.handle_battery(battery),
            Event::Device(DeviceNews::Health(health)) => self.on_health(*health),
            Event::Command(_) => {}
            Event::Clock => self.look_at_clock(),
            Event::Restart(step) => self.on_restart_step(step),
            Event::Time => self.rules.handle_timeout(clock::now()),
        }
        Ok(())
    }

    async fn next_event(&mut self) -> Event {
        let deadline = self.rules.poll_timeout();
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
        let device = async {
            match &mut self.device {
                Some(watch) => watch.next().await,
                None => std::future::pending().await,
            }
        };
        let clock = async {
            match &mut self.on_its_way {
                Some(on_its_way) => on_its_way.due().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => Event::Command(command),
            Some(charge) = self.charges.1.recv() => Event::Charge(charge),
            Some(request) = self.uses.requests.recv() => Event::Use(request),
            Some(request) = self.operations.requests.recv() => Event::OperationRequest(request),
            event = self.operations.follower.next() => Event::Operation(event),
            Some(run) = self.pairings.join_next_with_id() => {
                self.pairing.remove(&run.as_ref().map_or_else(JoinError::id, |(id, _)| *id));
                run.map_or_else(Event::RunFailed, |(_, run)| Event::Run(run))
            }
            event = session => Event::Session(event),
            event = self.returning.next() => Event::Return(event),
            event = self.seats.next() => Event::Seats(event),
            news = self.observers.next() => Event::Observer(news),
            news = self.records.next() => Event::Recording(news),
            () = self.closings.next() => Event::Closed,
            event = tunnel => event,
            () = self.network.changed() => Event::Network,
            news = device => Event::Device(news),
            () = clock => Event::Clock,
            step = self.going_down.next() => Event::Restart(step),
            _ = self.timer.wait(deadline) => Event::Time,
        }
    }

    fn show(&self) {
        let credentials = match self.rules.state() {
            // The client must not read out an ID that the relay may not know yet.
            State::Open { pair, .. } | State::Greeting { pair, .. } if pair.was_registered() => {
                Some(Credentials { support_id: pair.support_id, pin: pair.pin.clone() })
            }
            _ => None,
        };
        let status = status_of(&self.rules, &self.terms, self.notice.as_ref(), &self.network.verdict());
        self.view.send_if_modified(|shown| {
            let view = View { status, credentials, revision: shown.revision + 1 };
            let is_new = *shown != view;
            if is_new {
                *shown = view;
            }
            is_new
        });
    }
}
