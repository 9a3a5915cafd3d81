//! From the dial to the client's yes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use fieldlink_protocol::{feature, limits};
use fieldlink_transport::{Attached, AttachedError, PipeLimits};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::contact::Contact;
use super::countdown::Countdown;
use super::events::{Event, SessionEvents};
use super::keeping::ReportPlace;
use super::opening_error::{OpeningError, tampered};
use super::resources::{ChannelTask, PlainSsh, Resources};
use super::ssh_files::SshFiles;
use super::{Live, Session, State, Stop, Stops, runbook};
use crate::call::Call;
use crate::certificate::OwnCertificate;
use crate::context::{CallContext, ReportSettings};
use crate::control::ChannelEvent;
use crate::control::channel::{Channel, Pipe};
use crate::control::{self, AgentHello, ControlRequests, Conversation, Heard, ReportWish};
use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::front_link::FrontLink;
use crate::moment::Moment;
use crate::progress::{Console, Progress};
use crate::rehearsal;
use crate::relay_session::{self, Offer, RelayEvent, RelayHandle};
use crate::reports::Got;
use crate::restart::{self, Restart};
use crate::ssh_config::SshHost;
use crate::ssh_config::check::Wanted;
use crate::ssh_key::PublicKey;
use crate::words::say;

/// How long the relay is tried to be reached to say that the engineer does not wait any longer, and between two tries.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(60);
const DIALLED_AGAIN: Duration = Duration::from_secs(2);

/// Pieces of a report that may wait to be written down.
const PIECES: usize = 4;

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// Something failed, or the client or the relay said no.
    Failed(Failure),
    /// We were stopped before.
    Stopped(Stop),
}

/// How to get into a session.
pub(crate) enum OpenMode<'a> {
    /// A new one, by PIN.
    New(&'a mut FrontLink),
    /// Back into one whose program was killed.
    Back(Restart, &'a mut FrontLink),
}

impl From<Failure> for NotOpened {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<anyhow::Error> for NotOpened {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Calls the scanner: dials, pairs, waits for the client's yes. Whatever stops it, nothing is left.
pub(crate) async fn open(
    context: &CallContext,
    call: &Call,
    mode: OpenMode<'_>,
    console: &Console,
    (stops, end): (&mut Stops, mpsc::Sender<()>),
) -> Result<Session, NotOpened> {
    let kept = match &mode {
        OpenMode::New(_) => {
            context.guesses.check(call.id)?;
            context.own_certificate()?.as_ref().map_or(Ok(()), OwnCertificate::check)?;
            None
        }
        OpenMode::Back(restart, _) => Some(restart.clone()),
    };
    let mut resources = Resources::begin(context, call, end, kept.is_some())?;
    if let Some(restart) = kept.as_ref().filter(|_| Restart::load(resources.directory.path()).is_none()) {
        // It was there just now: somebody has tidied up.
        restart.store(resources.directory.path())?;
    }
    let opened = {
        let mut opening = Opening { context, call, console, resources: &mut resources };
        tokio::select! {
            biased;
            stop = stops.next() => Err((NotOpened::Stopped(stop), End::new(Reason::EngineerStopped, Told::Here))),
            opened = opening.run(mode) => opened.map_err(|error| {
                let (failure, end) = error.parts(call.joining.is_some());
                (NotOpened::Failed(failure), end)
            }),
        }
    };
    console.clear();
    match opened {
        Ok(events) => Ok(Session { id: call.id, resources, events, countdown: Countdown::default() }),
        Err((not_opened, end)) => {
            // Why it was not opened matters more than what could not be removed.
            match kept {
                None => drop(resources.clear_up(&end, None).await),
                Some(restart) => {
                    return Err(leave(resources, context, (restart, stops), not_opened, &end).await);
                }
            }
            Err(not_opened)
        }
    }
}

/// The way back led nowhere. Unless the session is over it stays open: for others, and for another try.
async fn leave(
    mut resources: Resources,
    context: &CallContext,
    (restart, stops): (Restart, &mut Stops),
    not_opened: NotOpened,
    end: &End,
) -> NotOpened {
    if let (true, NotOpened::Stopped(stop)) = (restart.restarting, &not_opened)
        && !stop.is_hang_up()
    {
        // The engineer does not wait for the scanner any longer, which hears so at its next contact.
        let is_reached = tokio::select! {
            biased;
            is_reached = reach_relay(&mut resources, context, &restart) => is_reached,
            _ = stops.next() => false,
        };
        let _ = resources.clear_up(&End::new(Reason::EngineerEnded, Told::Here), None).await;
        return match is_reached {
            true => not_opened,
            false => NotOpened::Failed(Failure::new(Kind::RelayUnreachable, say!("end-not-told"))),
        };
    }
    let NotOpened::Failed(failure) = not_opened else {
        let _ = resources.release().await;
        return not_opened;
    };
    // After a restart the client is asked again, and may say no.
    if (failure.kind == Kind::SessionOver || restart.restarting) && end.is_known() {
        resources.abandon().await;
        return NotOpened::Failed(failure);
    }
    let _ = resources.release().await;
    let why = match failure.kind {
        Kind::NotAvailable => say!("scanner-not-connected"),
        Kind::SessionOver => end.cause(),
        _ => failure.message,
    };
    let message = say!("could-not-come-back", why = why);
    let kind = if failure.kind == Kind::SessionOver { Kind::NotAvailable } else { failure.kind };
    NotOpened::Failed(Failure::new(kind, message))
}

/// Until the relay can be told that the session is over, if it can be within a minute.
async fn reach_relay(resources: &mut Resources, context: &CallContext, restart: &Restart) -> bool {
    let until = tokio::time::Instant::now() + LAST_WORD_WITHIN;
    let resumable = context.resumable();
    while resources.relay.is_none() && tokio::time::Instant::now() < until {
        match resumable.resume(restart.session, &restart.session_ticket).await {
            Ok(Ok(connection)) => {
                let session = Some((restart.session, restart.session_ticket.clone()));
                let parted = resources.parted.clone();
                let (relay, events, actor) =
                    relay_session::actor(connection, resumable.clone(), session, parted);
                drop(events);
                resources.tasks.spawn(actor);
                resources.relay = Some(relay);
            }
            // It is over there.
            Ok(Err(_)) => return true,
            Err(_) => tokio::time::sleep(DIALLED_AGAIN).await,
        }
    }
    resources.relay.is_some()
}

struct Opening<'a> {
    context: &'a CallContext,
    call: &'a Call,
    console: &'a Console,
    resources: &'a mut Resources,
}

impl Opening<'_> {
    async fn run(&mut self, mode: OpenMode<'_>) -> Result<SessionEvents, OpeningError> {
        // Everything that can be known on this computer is known before the scanner is called.
        let (files, rehearsed) = SshFiles::rehearse(&self.resources.directory, self.call).await?;
        self.try_plain_ssh(rehearsed);
        let session = match &mode {
            OpenMode::New(_) => None,
            OpenMode::Back(restart, _) => Some((restart.session, restart.session_ticket.clone())),
        };
        let (relay, events) = self.dial(session).await?;
        if let OpenMode::Back(restart, _) = &mode
            && restart.restarting
        {
            let until = Instant::now() + restart.left(&Moment::now());
            self.resources.state.send_replace(State::Restarting { until });
        }
        let Self { context, call, console, .. } = *self;
        let certificate = context.own_certificate()?;
        let mut contact = Contact { context, call, certificate, console, relay, events };
        let (offer, paired) = match mode {
            OpenMode::New(front) => contact.pair(front).await?,
            OpenMode::Back(restart, front) => contact.pair_again(&restart, front).await?,
        };
        let Contact { relay, events, .. } = contact;
        let (channel_events, heard) = mpsc::channel(16);
        let mut lines = SessionEvents::new(events, heard);
        let keys = paired.keys;
        let pipe = establish(paired.pipe, self.context.bounds, &offer, &keys, &mut lines).await?;
        let (voice, requests) = control::voice();
        self.converse(pipe, &offer, &keys, files.key(), (channel_events, requests));
        let (agent, until) = self.wait_for_the_client(&mut lines, &files, &offer).await?;
        wait_for_ticket(&relay).await;
        self.keep_restart(&offer, &keys, &relay);
        self.publish(&files, &offer, &agent, &mut lines).await?;
        let live = Live {
            agent,
            relay,
            dialer: self.context.dialer.clone(),
            bounds: self.context.bounds,
            keys,
            voice,
        };
        let live = Arc::new(live);
        let directory = self.resources.directory.path().to_owned();
        self.resources.tasks.spawn(runbook::tell_again(live.clone(), directory));
        self.resources.state.send_replace(State::Active { live, until });
        Ok(lines)
    }

    /// Has an ssh connect as engineers start it by hand, and see what it makes of our file, beside what comes next: who
    /// waits for a shell need not wait for that, too.
    fn try_plain_ssh(&mut self, rehearsed: SshHost) {
        let (config, alias) = (self.resources.directory.ssh_config(), rehearsed.alias());
        let trying = async move {
            let trouble = rehearsal::plain_ssh(&config, &alias);
            let (wanted, trouble) = tokio::join!(Wanted::find_out(&config, rehearsed), trouble);
            PlainSsh { wanted, trouble }
        };
        self.resources.plain_ssh =
            self.console.is_for_people().then(|| AbortOnDropHandle::new(tokio::spawn(trying)));
    }

    async fn dial(
        &mut self,
        session: Option<(SessionId, Signed<SessionTicket>)>,
    ) -> Result<(RelayHandle, mpsc::Receiver<RelayEvent>), OpeningError> {
        let dialer = &self.context.dialer;
        self.console.tell(&Progress::Connecting { relay: dialer.relay().to_string() });
        let resumable = self.context.resumable();
        let connection = match &session {
            None => relay_session::dial(dialer, &self.context.credential).await?,
            Some((session, ticket)) => resumable
                .resume(*session, ticket)
                .await?
                .map_err(|reason| OpeningError::Over(End::new(reason, Told::Relay)))?,
        };
        let (relay, events, actor) =
            relay_session::actor(connection, resumable, session, self.resources.parted.clone());
        self.resources.tasks.spawn(actor);
        self.resources.relay = Some(relay.clone());
        self.resources.state.send_replace(State::Pairing);
        Ok((relay, events))
    }

    /// From now on a killed program can be started again and come back.
    fn keep_restart(&mut self, offer: &Offer, keys: &SessionKeys, relay: &RelayHandle) {
        let restart = Restart {
            session: offer.session,
            ticket: self.call.ticket.clone(),
            partner: self.call.partner.clone(),
            joining: self.call.joining,
            session_ticket: Signed::from_text(String::new()),
            key: keys.restart.clone(),
            alive: Moment::now(),
            restarting: false,
        };
        let directory = self.resources.directory.path().to_owned();
        let keeping = restart::keep(restart, directory, relay.session_ticket(), self.resources.over());
        self.resources.tasks.spawn(keeping);
    }

    /// Starts the sealed conversation.
    fn converse(
        &mut self,
        pipe: Pipe,
        offer: &Offer,
        keys: &SessionKeys,
        ssh_key: &PublicKey,
        (events, requests): (mpsc::Sender<ChannelEvent>, ControlRequests),
    ) {
        let Offer { session, run, .. } = *offer;
        let opener = Opener::new(&keys.agent_to_engineer, session, run, Role::Agent);
        let sealer = Sealer::new(&keys.engineer_to_agent, session, run, Role::Engineer);
        let (goodbye, said) = oneshot::channel();
        let (done, finished) = oneshot::channel();
        let conversation = Conversation::new(opener, Instant::now());
        let (wish, report) = self.report_of(session).unzip();
        let channel = Channel { conversation, sealer, events, requests, goodbye: said, wish };
        let hello = FromEngineer::Hello {
            ssh_key: ssh_key.to_string(),
            observes: self.call.joining.is_some_and(|joining| joining.observes),
            software: concat!("fieldlink-connect ", env!("CARGO_PKG_VERSION")).into(),
            features: features(report.is_some()),
        };
        self.resources.tasks.spawn(async move {
            channel.run(pipe, hello).await;
            // The session waits for it only while it is being ended from here.
            let _ = done.send(());
        });
        self.resources.channel = Some(ChannelTask { goodbye, finished, report });
    }

    /// How the report is fetched at the end, and where it goes; none, if it is not wanted.
    fn report_of(&self, session: SessionId) -> Option<(ReportWish, (mpsc::Receiver<Got>, ReportPlace))> {
        let ReportSettings { shelf, language } = self.context.reports.clone()?;
        let (sender, coming) = mpsc::channel(PIECES);
        let place = ReportPlace { shelf, session, id: self.call.id, ticket: self.call.ticket.clone() };
        Some((ReportWish { language, sender }, (coming, place)))
    }

    async fn wait_for_the_client(
        &mut self,
        lines: &mut SessionEvents,
        files: &SshFiles,
        offer: &Offer,
    ) -> Result<(AgentHello, Instant), OpeningError> {
        let mut agent = None;
        loop {
            match lines.next().await {
                Event::Over(end) => return Err(OpeningError::Over(end)),
                Event::Heard(Heard::Hello(hello)) => {
                    files.check(offer.session, &hello)?;
                    agent = Some(hello);
                }
                Event::Heard(Heard::Asking(asked)) => {
                    self.resources.state.send_replace(State::Asking { until: Instant::now() + asked });
                    self.console.tell(&Progress::Asking { seconds: asked.as_secs() });
                }
                Event::Heard(Heard::Admitted(lasts)) => {
                    // The conversation lets no admission pass before the hello.
                    let agent = agent.ok_or_else(|| OpeningError::Over(tampered()))?;
                    return Ok((agent, Instant::now() + lasts));
                }
                Event::NotAnchored(message) => self.console.tell(&Progress::NotAnchored { message }),
                Event::Heard(_) => {}
            }
        }
    }

    /// Makes the session's files known. Until that works, the session is held.
    async fn publish(
        &self,
        files: &SshFiles,
        offer: &Offer,
        agent: &AgentHello,
        lines: &mut SessionEvents,
    ) -> Result<(), OpeningError> {
        let publishing = files.publish(&self.resources.directory, offer.session, agent, self.console);
        tokio::pin!(publishing);
        loop {
            tokio::select! {
                biased;
                () = &mut publishing => return Ok(()),
                event = lines.next() => match event {
                    Event::Over(end) => return Err(OpeningError::Over(end)),
                    Event::NotAnchored(message) => self.console.tell(&Progress::NotAnchored { message }),
                    Event::Heard(_) => {}
                },
            }
        }
    }
}

/// What this side understands: a report that is not wanted is not waited for.
fn features(is_report_wanted: bool) -> Features {
    let ours = Features::ours();
    if is_report_wanted { ours } else { ours.without(feature::REPORT) }
}

/// The relay's ticket and the agent's word come by two ways, and either may be first. A session that lost
/// its connections before the ticket is here could not be found again, so the engineer is not told before that it
/// is active. A relay that keeps the ticket back costs a moment, and its engineers what hangs on it.
async fn wait_for_ticket(relay: &RelayHandle) {
    let mut ticket = relay.session_ticket();
    let _ = tokio::time::timeout(2 * limits::CLOSE, ticket.wait_for(Option::is_some)).await;
}

async fn establish(
    attached: Attached,
    bounds: PipeLimits,
    offer: &Offer,
    keys: &SessionKeys,
    lines: &mut SessionEvents,
) -> Result<Pipe, OpeningError> {
    let key = keys.pipe_key(offer.pipe, PipeKind::Control);
    let side = Side { role: Role::Engineer, pipe: offer.pipe, kind: PipeKind::Control, key };
    let error = match attached.establish(side, bounds).await {
        Ok(pipe) => return Ok(pipe),
        Err(error) => error,
    };
    let seen = match &error {
        AttachedError::Closed(text) => End::closed(text),
        AttachedError::Handshake(_) => End { detail: Some(error.to_string()), ..tampered() },
        other => End::lost(other.to_string()),
    };
    Err(OpeningError::Over(lines.settle_with(seen).await))
}
