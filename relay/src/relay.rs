//! The relay's life: bind, serve, drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::anchors::{AnchorKeys, Signer};
use crate::arrivals::{self, Arrivals};
use crate::coalesced::Coalesced;
use crate::config::Config;
use crate::endpoint::measure::Measuring;
use crate::handshake::{HandshakeContext, Lifecycle};
use crate::listen::{ListenError, Listeners, Pause};
use crate::permits::Permits;
use crate::revocation;
use crate::store::{SqliteStore, Store, StoreError, unix_now};
use crate::switchboard::Switchboard;
use crate::tickets::{Boot, TicketSigner};
use crate::time_stamps::Authority;
use crate::tls::{self, TlsError};

/// How often the ticket keys' age is looked at.
const KEY_CHECK: Duration = Duration::from_secs(3_600);
/// How often it is written down how much sessions have moved (so much is lost when the relay is killed), and
/// what else can wait is done.
const ROUTINE: Duration = Duration::from_secs(60);
/// How often old anchors are looked for.
const FORGETTING: Duration = Duration::from_secs(3_600);

/// A relay that listens, and serves once it is run.
pub struct Relay {
    listeners: Listeners,
    config: Config,
    reception: Arc<HandshakeContext>,
    store: Arc<dyn Store>,
    authority: Option<Authority>,
}

/// Why a relay does not run.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The certificate or the private key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// One of the tasks that enforce rules is gone. Without them nothing may run.
    #[error("could not go on serving: the task that enforces {0} stopped")]
    Housekeeping(&'static str),
}

impl Relay {
    /// Opens the store, reads certificate and key, listens.
    pub async fn bind(config: Config) -> Result<Self, RelayError> {
        let tls = tls::server_config(&config)?;
        let authority = Authority::of(&config.records)?;
        let listeners = Listeners::bind(&config.listen)?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.state_directory)?);
        if let Err(error) = AnchorKeys::open(&config.state_directory) {
            tracing::error!(%error, "the keys for anchors cannot be used: sessions go on without anchors until they can");
        }
        let clock = store.resume_clock(unix_now()).await?;
        let keys = store.ticket_keys(clock.unix(), TicketSigner::key_policy(config.session_limit())).await?;
        let tickets = TicketSigner::new(config.node.clone(), keys, begin_boot(&*store).await);
        store.note_clock(clock.reading());
        let switchboard = Switchboard::new(&config, store.clone(), tickets, clock);
        switchboard.restore(store.running_sessions().await?);
        let reception = Arc::new(HandshakeContext {
            tls,
            measuring: Measuring::new(config.limits.measurements_per_minute),
            arrivals: Arrivals::new(arrivals::MOST),
            permits: Permits::new(&config.limits),
            roster_looks: Coalesced::default(),
            limits: Arc::new(config.limits.clone()),
            switchboard,
            stopping: CancellationToken::new(),
        });
        Ok(Self { listeners, config, reception, store, authority })
    }

    /// The addresses it listens on.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// Serves until `shutdown`, then says goodbye on every connection. Returns how many did not close in time and
    /// were cut.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<usize, RelayError> {
        let most_memory_mib = self.config.limits.memory() >> 20;
        tracing::info!(address = %self.listeners, node = self.config.node, most_memory_mib, "listening");
        let mut housekeeping = self.start_housekeeping();
        let mut connections = JoinSet::new();
        let mut pause = Pause::default();
        let result = loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break Ok(()),
                Some(stopped) = housekeeping.join_next() => break Err(lost_housekeeper(stopped)),
                Some(finished) = connections.join_next() => go_on(&mut connections, finished),
                (tcp, peer) = self.listeners.accept(&mut pause) => {
                    let span = tracing::debug_span!("connection", %peer);
                    connections.spawn(self.reception.clone().receive(tcp, peer).instrument(span));
                }
            }
        };
        drop(self.listeners);
        let cut = drain(&self.reception, connections, self.config.limits.drain).await;
        housekeeping.shutdown().await;
        self.reception.switchboard.record_traffic();
        self.store.close().await;
        tracing::info!(cut, "stopped");
        result.map(|()| cut)
    }

    fn start_housekeeping(&mut self) -> JoinSet<&'static str> {
        let mut tasks = JoinSet::new();
        let switchboard = self.reception.switchboard.clone();
        tasks.spawn(async move {
            switchboard.enforce_deadlines().await;
            "time limits"
        });
        let switchboard = self.reception.switchboard.clone();
        let mut roster = self.store.roster();
        tasks.spawn(async move {
            while roster.changed().await.is_ok() {
                switchboard.enforce_roster();
            }
            "revocations"
        });
        let (state_directory, store) = (self.config.state_directory.clone(), self.store.clone());
        tasks.spawn(async move {
            revocation::serve(&state_directory, store).await;
            "revocations without a disk"
        });
        let (switchboard, signer) =
            (self.reception.switchboard.clone(), Signer::new(self.config.state_directory.clone()));
        tasks.spawn(async move {
            switchboard.give_anchors(signer).await;
            "anchors"
        });
        if let Some(authority) = self.authority.take() {
            let switchboard = self.reception.switchboard.clone();
            tasks.spawn(async move {
                switchboard.give_time_stamps(authority).await;
                "time stamps"
            });
        }
        let retention = self.config.records.retention();
        tasks.spawn(forget_anchors(self.reception.switchboard.clone(), retention));
        tasks.spawn(every_minute(self.reception.switchboard.clone()));
        let policy = TicketSigner::key_policy(self.config.session_limit());
        tasks.spawn(renew_keys(self.reception.switchboard.clone(), policy));
        tasks
    }
}

async fn every_minute(switchboard: Arc<Switchboard>) -> &'static str {
    loop {
        tokio::time::sleep(ROUTINE).await;
        switchboard.record_traffic();
        switchboard.reveal_taken_ids();
        if !switchboard.tickets().boot().is_written
            && let Ok(number) = switchboard.store().begin_boot().await
        {
            switchboard.tickets().boot_was_written(number);
        }
    }
}

/// By the earlier of the two clocks: one that was set ahead must not cost what is to be kept.
async fn forget_anchors(switchboard: Arc<Switchboard>, retention: Duration) -> &'static str {
    loop {
        let before = unix_now().min(switchboard.unix()).saturating_sub(retention.as_secs());
        while let Ok(true) = switchboard.store().forget_anchors(before).await {}
        tokio::time::sleep(FORGETTING).await;
    }
}

/// Counts this boot. If that cannot be written, it goes without leases of its own: those of earlier boots are
/// still worth what they say, and what the next boot must know of is written down first.
async fn begin_boot(store: &dyn Store) -> Boot {
    match store.begin_boot().await {
        Ok(number) => Boot { number, is_written: true },
        Err(error) => {
            tracing::error!(%error, "could not write down that the relay was started: it issues no leases until it can");
            let last = store.last_boot().await.ok();
            Boot { number: last.map_or(0, |last| last + 1), is_written: false }
        }
    }
}

async fn renew_keys(switchboard: Arc<Switchboard>, policy: crate::store::KeyPolicy) -> &'static str {
    loop {
        tokio::time::sleep(KEY_CHECK).await;
        match switchboard.store().ticket_keys(switchboard.unix(), policy).await {
            Ok(keys) => switchboard.tickets().renew(keys),
            Err(error) => tracing::error!(%error, "could not look after the ticket keys"),
        }
    }
}

/// A handshake ends in a life, which gets a task of its own: the handshake's memory is given back.
fn go_on(connections: &mut JoinSet<Option<Lifecycle>>, finished: Result<Option<Lifecycle>, JoinError>) {
    match finished {
        Ok(Some(life)) => {
            connections.spawn(async move {
                life.await;
                None
            });
        }
        Ok(None) => {}
        Err(error) if error.is_panic() => tracing::error!(%error, "a connection's task panicked"),
        Err(_) => {}
    }
}

fn lost_housekeeper(stopped: Result<&'static str, JoinError>) -> RelayError {
    let what = stopped.unwrap_or_else(|error| {
        tracing::error!(%error, "a housekeeping task panicked");
        "time limits, revocations, anchors, time stamps, what is done every minute, or keys"
    });
    RelayError::Housekeeping(what)
}

async fn drain(
    reception: &HandshakeContext,
    mut connections: JoinSet<Option<Lifecycle>>,
    patience: Duration,
) -> usize {
    reception.stopping.cancel();
    reception.switchboard.stop();
    let _ = timeout(patience, async {
        while let Some(finished) = connections.join_next().await {
            go_on(&mut connections, finished);
        }
    })
    .await;
    let cut = connections.len();
    connections.shutdown().await;
    cut
}
