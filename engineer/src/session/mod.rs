//! One session, from the dial to the end: `open` makes it, [`Session`] holds it.

mod client;
mod contact;
mod countdown;
mod events;
mod keeping;
mod opening;
mod opening_error;
mod resources;
mod runbook;
mod server;
mod ssh_files;
mod state;
mod stops;
mod unused;
mod view_log;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

pub(crate) use keeping::Keeping;
pub(crate) use opening::{NotOpened, OpenMode, open};
pub(crate) use state::{Live, State};
pub(crate) use stops::{Stop, Stops};
use tokio::time::timeout;
pub(crate) use unused::REASON;

use crate::control::Heard;
use crate::dialogue::Speaker;
use crate::end::{End, Told};
use crate::health;
use crate::local_socket::{Operation, Viewed};
use crate::progress::{Console, Progress};
use crate::ssh_config;
use crate::ssh_config::aliases::{self, Record};
use crate::ssh_config::check::{self, Standing};
use crate::words::say;
use countdown::Countdown;
use events::{Event, SessionEvents};
use resources::{PlainSsh, Resources};
use unused::until_unused;

/// How long answers to other programs of this computer may take to leave.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// A session that the client allowed.
pub(crate) struct Session {
    id: SupportId,
    resources: Resources,
    events: SessionEvents,
    countdown: Countdown,
}

impl Session {
    /// The scanner.
    pub(crate) fn id(&self) -> SupportId {
        self.id
    }

    /// The name under which ssh knows the scanner.
    pub(crate) fn alias(&self) -> String {
        ssh_config::alias(self.id)
    }

    /// All names that stand for it in plain ssh.
    pub(crate) fn names(&self) -> Vec<String> {
        self.resources
            .directory
            .path()
            .parent()
            .map_or_else(Vec::new, |runtime| aliases::names(runtime, self.id))
    }

    /// The file for `ssh -F`.
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.resources.directory.ssh_config()
    }

    /// The change that says how to use the session.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let state = self.resources.state.borrow();
        let agent = state.agent()?;
        Some(Progress::Active {
            seconds: state.remaining(Instant::now())?,
            id: self.id.to_string(),
            hostname: agent.hostname.clone(),
            user: agent.user.clone(),
            host: self.alias(),
            ssh_config: self.ssh_config().display().to_string(),
        })
    }

    /// How plain ssh stands, and what is wrong with it as engineers start it by hand, if something is. To be asked once.
    pub(crate) fn plain_ssh(
        &mut self,
    ) -> impl Future<Output = (anyhow::Result<Standing>, Option<String>)> + use<> {
        let tried = self.resources.plain_ssh.take();
        let record = Record::load(self.resources.directory.path());
        let (config, alias) = (self.ssh_config(), self.alias());
        async move {
            let tried = match tried {
                Some(tried) => tried.await.ok(),
                None => None,
            };
            match (tried, record) {
                (Some(PlainSsh { wanted: Ok(wanted), trouble }), Some(record)) => {
                    (check::check_against(&wanted, &record.host).await, trouble)
                }
                (tried, _) => (check::check(&config, &alias).await, tried.and_then(|tried| tried.trouble)),
            }
        }
    }

    /// Nothing more is to be said: the session's own shell may have the terminal.
    pub(crate) fn raise_curtain(&self) {
        self.resources.curtain.cancel();
    }

    /// SSH connections that are open, apart from the session's own shell.
    pub(crate) fn other_connections(&self) -> usize {
        self.resources.open.borrow().others
    }

    /// Follows the session to its end. Safe to cancel.
    pub(crate) async fn ended(&mut self, console: &Console) -> End {
        loop {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = self.resources.failed() => {
                    let end = End::new(Reason::EngineerStopped, Told::Here);
                    return End { detail: Some(say!("own-part-failed")), ..end };
                }
            };
            match event {
                Event::Over(end) => return end,
                Event::Heard(heard) => self.hear(&heard, console),
                Event::NotAnchored(message) => console.tell(&Progress::NotAnchored { message }),
            }
        }
    }

    /// Follows the session until no other SSH connection is open (`None`), or to its end.
    pub(crate) async fn unused(&mut self, console: &Console) -> Option<End> {
        let open = self.resources.open.clone();
        until_unused(open, async || self.ended(console).await).await
    }

    /// The session's end, if that is why a connection is gone.
    pub(crate) async fn end_behind_a_lost_connection(&mut self, console: &Console) -> Option<End> {
        timeout(REASON, self.ended(console)).await.ok()
    }

    fn hear(&mut self, heard: &Heard, console: &Console) {
        self.resources.state.send_if_modified(|state| {
            let Some(next) = next_state(state, heard) else { return false };
            *state = next;
            true
        });
        if let Heard::Remaining(left) | Heard::Extended(left) = heard {
            let told = self.countdown.handle_left(*left);
            told.inspect(|minutes| console.tell(&Progress::TimeLeft { minutes: *minutes }));
            console.count_down(*left);
        }
        let progress = match heard {
            Heard::Interrupted(trouble) => {
                self.note(say!("interrupted", trouble = trouble.to_string()));
                Some(Progress::Interrupted(trouble.clone()))
            }
            Heard::Resumed => {
                self.note(say!("connected-again"));
                self.progress()
            }
            Heard::Presence(state) => {
                self.resources.client.send_modify(|client| client.presence = *state);
                Some(Progress::Presence { presence: *state })
            }
            Heard::Data(bytes, transfers) => self.hear_of_data(*bytes, *transfers),
            Heard::Quiet(left) => {
                self.resources.client.send_modify(|client| client.set_quiet(*left, Instant::now()));
                None
            }
            Heard::RecordingStopped => {
                self.note(say!("recording-stopped"));
                Some(Progress::RecordingStopped)
            }
            Heard::Battery(percent) => {
                let mut warning = None;
                self.resources.client.send_modify(|client| warning = client.set_battery(*percent));
                warning.map(|percent| Progress::Battery { percent })
            }
            Heard::HealthWarned(concern) => {
                let message = health::warning(concern);
                self.note(message.clone());
                Some(Progress::Health { concern: concern.clone(), message })
            }
            Heard::Operation(name, state) => {
                let operation = Operation { name: name.clone(), state: *state };
                let mut is_told = false;
                self.resources.client.send_modify(|client| is_told = client.set_operation(operation));
                is_told.then(|| Progress::Operation { operation: name.clone(), how: *state })
            }
            Heard::People(people) => {
                let mut is_told = false;
                self.resources.client.send_modify(|client| is_told = client.set_people(people.clone()));
                is_told.then(|| Progress::People { people: people.clone() })
            }
            Heard::Live(event) => self.show(Viewed::Live { event: event.clone() }, console),
            Heard::Seen(event) => self.show(Viewed::Seen { event: event.clone() }, console),
            Heard::Runbook(run) => {
                runbook::take_in(self.resources.directory.path(), run, console);
                None
            }
            Heard::Extended(left) => Some(Progress::Extended { seconds: left.as_secs() }),
            Heard::Chat(text) => {
                self.resources.transcript.send_modify(|transcript| transcript.add(Speaker::Client, text));
                Some(Progress::Chat { text: text.clone() })
            }
            _ => None,
        };
        progress.inspect(|progress| console.tell(progress));
    }

    /// How much was moved is for `status`; what becomes of transfers is told when it changes.
    /// For whoever only watches.
    fn show(&self, viewed: Viewed, console: &Console) -> Option<Progress> {
        console.show(&viewed);
        self.resources.views.add(&viewed);
        None
    }

    /// For whoever only watches, and has no other place to read it.
    fn note(&self, text: String) {
        self.resources.views.add(&Viewed::Note { text });
    }

    /// What the session's terminals show is read here.
    pub(crate) fn socket(&self) -> PathBuf {
        self.resources.directory.socket()
    }

    fn hear_of_data(&self, bytes: u64, transfers: Transfers) -> Option<Progress> {
        let mut before = transfers;
        self.resources.client.send_modify(|client| {
            client.data_used = bytes;
            before = std::mem::replace(&mut client.transfers, transfers);
        });
        (before != transfers).then_some(Progress::Transfers { transfers, bytes })
    }

    /// Whether the session's own ssh has ever got a connection.
    pub(crate) fn was_connected(&self) -> bool {
        self.resources.open.borrow().shell_before
    }

    /// Lets go of the session while the scanner restarts: for a quarter of an hour it can be come back to.
    pub(crate) async fn await_restart(self) -> anyhow::Result<()> {
        // Whoever asked for the restart hears the answer first.
        tokio::time::sleep(LAST_ANSWERS).await;
        self.resources.release_for_restart().await
    }

    /// Lets go of the session as if this program were killed: for five minutes it can be come back to.
    pub(crate) async fn release(self) -> anyhow::Result<()> {
        self.resources.release().await
    }

    /// Ends the session for `reason`, from here.
    pub(crate) async fn end(self, reason: Reason, keeping: Keeping<'_>) -> anyhow::Result<()> {
        self.clear_up(&End::new(reason, Told::Here), keeping).await
    }

    /// Leaves nothing behind of a session that is over, but its report.
    pub(crate) async fn clear_up(self, end: &End, keeping: Keeping<'_>) -> anyhow::Result<()> {
        self.resources.clear_up(end, Some(keeping)).await
    }
}

fn next_state(state: &State, heard: &Heard) -> Option<State> {
    match (state, heard) {
        (
            State::Active { live, until } | State::Interrupted { live, until, .. },
            Heard::Interrupted(trouble),
        ) => Some(State::Interrupted { live: live.clone(), until: *until, trouble: trouble.clone() }),
        (State::Interrupted { live, until, .. }, Heard::Resumed) => {
            Some(State::Active { live: live.clone(), until: *until })
        }
        (State::Active { live, .. }, Heard::Remaining(left) | Heard::Extended(left)) => {
            Some(State::Active { live: live.clone(), until: Instant::now() + *left })
        }
        _ => None,
    }
}
