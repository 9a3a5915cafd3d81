//! Puts connections under the [`Directory`]: mailboxes for agents and engineers, cuts for pipes,
//! signatures under tickets, rows in the audit log.
//!
//! One lock guards all of it and is never held across an await. What a connection is sent waits in
//! its bounded mailbox; a peer whose mailbox is full is too slow and is dropped.

mod agents;
mod anchors;
mod deliver;
mod ledger;
mod mailbox;
mod people;
mod pipes;
mod requests;
mod returning;
mod seats;
mod time_stamps;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fieldlink_protocol::ids::{EngineerId, ObserverId, SessionId};
use fieldlink_protocol::limits::{CLOSING, RESTART};
use fieldlink_protocol::reason::Reason;
use tokio::sync::Notify;

use crate::clock::SteadyClock;
use crate::config::Config;
use crate::directory::{AttachmentId, Clock, ConnectionId, Directory, Effect, Farewell, RateLimit, Times};
use crate::store::{Store, UnixTime};
use crate::tickets::TicketSigner;

pub(crate) use ledger::{Ledger, Traffic};
pub(crate) use mailbox::{Mailbox, Outgoing, Overflow};
pub(crate) use requests::Request;
pub(crate) use returning::Resumption;
pub(crate) use seats::{Seat, Seated, SpareSeat};

use anchors::Waiting;
use mailbox::MailboxEntry;
use seats::SeatEnd;
use time_stamps::Unstamped;

/// How many living support IDs one network may come upon in a minute by claiming them. By chance that
/// is none; it is how a stranger without a credential would look for them.
const TAKEN_IDS: usize = 10;

/// How many leases one network gets in a minute, not counting those in the place of earlier ones. Agents beyond that
/// register without one, which only matters if another agent claims the same ID after a restart of the relay.
const LEASES: usize = 30;

/// How often one engineer may come back to sessions in a minute: a bad network makes that often.
const RESUMPTIONS: usize = 60;

/// Pipes that one link may be given in any minute.
const WATCHES: usize = 20;

/// The relay's state with its connections.
pub(crate) struct Switchboard {
    state: Mutex<State>,
    next_id: AtomicU64,
    deadlines: Notify,
    heads_wait: Notify,
    records_wait: Notify,
    /// Whether there is somebody to ask for time stamps.
    has_authority: bool,
    store: Arc<dyn Store>,
    tickets: TicketSigner,
    clock: SteadyClock,
}

struct State {
    directory: Directory,
    requests: RateLimit<EngineerId>,
    resumptions: RateLimit<EngineerId>,
    watches: RateLimit<ObserverId>,
    taken_ids: RateLimit<IpAddr>,
    leases: RateLimit<IpAddr>,
    mailboxes: HashMap<ConnectionId, MailboxEntry>,
    seats: HashMap<AttachmentId, SeatEnd>,
    ledgers: HashMap<SessionId, Ledger>,
    anchors: Waiting,
    unstamped: Unstamped,
    stopping: bool,
}

impl Switchboard {
    /// An empty one.
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn Store>,
        tickets: TicketSigner,
        clock: SteadyClock,
    ) -> Arc<Self> {
        let limits = &config.limits;
        let (session, partner, apart) = (config.session_limit(), limits.handshake, limits.interruption);
        let times = Times { session, partner, apart, restart: RESTART, closing: CLOSING };
        Arc::new(Self {
            state: Mutex::new(State {
                directory: Directory::new(times),
                requests: RateLimit::new(config.limits.pairing_requests_per_minute),
                resumptions: RateLimit::new(RESUMPTIONS),
                watches: RateLimit::new(WATCHES),
                taken_ids: RateLimit::new(TAKEN_IDS),
                leases: RateLimit::new(LEASES),
                mailboxes: HashMap::new(),
                seats: HashMap::new(),
                ledgers: HashMap::new(),
                anchors: Waiting::default(),
                unstamped: Unstamped::default(),
                stopping: false,
            }),
            next_id: AtomicU64::new(0),
            deadlines: Notify::new(),
            heads_wait: Notify::new(),
            records_wait: Notify::new(),
            has_authority: config.records.anchor_tsa.is_some(),
            store,
            tickets,
            clock,
        })
    }

    /// The relay's memory.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// What signs its tickets.
    pub(crate) fn tickets(&self) -> &TicketSigner {
        &self.tickets
    }

    /// Now, by the clock that tickets are judged by: it does not step.
    pub(crate) fn unix(&self) -> UnixTime {
        self.clock.unix()
    }

    /// A mailbox for an agent that has yet to register.
    pub(crate) fn connect_agent(self: &Arc<Self>, address: IpAddr) -> Mailbox {
        self.connect(address, |_, _| {})
    }

    /// A mailbox for an engineer.
    pub(crate) fn connect_engineer(self: &Arc<Self>, address: IpAddr, engineer: EngineerId) -> Mailbox {
        self.connect(address, |directory, id| directory.engineer_connected(id, engineer))
    }

    /// The engineer ends the session.
    pub(crate) fn engineer_ends(&self, mailbox: &Mailbox, reason: Reason) {
        self.with(|state| state.directory.end_by_engineer(mailbox.id, reason));
    }

    /// Ends the sessions and connections of engineers who are not on the roster any more.
    pub(crate) fn enforce_roster(&self) {
        let roster = self.store.roster().borrow().clone();
        self.with(|state| {
            for engineer in roster.missing(state.directory.known_engineers()) {
                tracing::info!(%engineer, "revoked: ending what this engineer does");
                state.directory.revoke(engineer);
            }
        });
    }

    /// Ends sessions when their time is up, for as long as it is polled.
    pub(crate) async fn enforce_deadlines(&self) {
        loop {
            let next = self.with(|state| {
                if state.stopping {
                    // What lapses now is the next relay's matter: it sees which sides come back.
                    return None;
                }
                state.directory.expire(Instant::now());
                state.directory.next_deadline()
            });
            match next {
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(deadline.into()) => {}
                    () = self.deadlines.notified() => {}
                },
                None => self.deadlines.notified().await,
            }
        }
    }

    /// Closes every mailbox and pipe, because the relay stops. Admitted sessions go on with the next one.
    pub(crate) fn stop(&self) {
        self.with(|state| {
            state.stopping = true;
            state.directory.stop();
        });
        self.with(|state| {
            for mailbox in state.mailboxes.values() {
                mailbox.put(Outgoing::Close(Farewell::Ended(Reason::RelayStopping)));
            }
        });
    }

    fn connect(
        self: &Arc<Self>,
        address: IpAddr,
        enter: impl FnOnce(&mut Directory, ConnectionId),
    ) -> Mailbox {
        let id = ConnectionId(self.draw_id());
        let (mailbox, end) = Mailbox::new(id, address, self.clone());
        self.with(|state| {
            if state.stopping {
                end.put(Outgoing::Close(Farewell::Ended(Reason::RelayStopping)));
            }
            state.mailboxes.insert(id, end);
            enter(&mut state.directory, id);
        });
        mailbox
    }

    fn clock(&self) -> Clock {
        Clock { now: Instant::now(), unix: self.unix() }
    }

    fn draw_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Changes the state and then does what the directory wants done because of it.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.directory.next_deadline();
        let result = change(&mut state);
        for effect in state.directory.take_effects() {
            self.carry_out(&mut state, effect);
        }
        if state.directory.next_deadline().is_some_and(|next| before.is_none_or(|before| next < before)) {
            self.deadlines.notify_one();
        }
        result
    }

    fn carry_out(&self, state: &mut State, effect: Effect) {
        match effect {
            Effect::TellAgent(link, message) => state.send(link, &message),
            Effect::TellEngineer(link, message) => state.send(link, &message),
            Effect::Close(link, farewell) => state.close(link, farewell),
            Effect::Part(attachment, parting) => state.part(attachment, parting),
            Effect::AttachAgain(attachment, side) => state.prod(attachment, side),
            Effect::SessionAdmitted(session, standing) => self.write_admission(session, standing),
            Effect::GiveTicket(side, link, admission) => self.give_ticket(state, side, link, &admission),
            Effect::Watch(link, watch) => state.watch(link, watch),
            Effect::SessionEnded(session, reason) => self.write_end(state, session, reason),
        }
    }
}
