//! The sealed control channel of one session, as the agent's side of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::{FromAgent, FromEngineer};
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::messages::{self, Features};
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::text;
use fieldlink_transport::{PipeEnd, PipeLimits, PipeLink, PipeReader, PipeWriter};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::session::pairing::Verified;

const QUEUE: usize = 16;

/// What the engineer's side says, or what becomes of the channel.
#[derive(Debug)]
pub enum ControlEvent {
    /// The peer proved the pipe and introduced itself.
    Greeted(EngineerHello),
    /// A sealed message came.
    Heard,
    /// An SSH connection is over at the engineer's side.
    PipeClosed(PipeId),
    /// The client is to be asked something.
    Asked {
        /// The engineer's own number for it.
        request: u32,
        /// What.
        question: Question,
    },
    /// A question is taken back.
    Withdrawn {
        /// Which.
        request: u32,
    },
    /// A line for the client; not cleaned.
    Chat(String),
    /// The pipe under the channel has lost its connection, or has one again.
    Link(PipeLink),
    /// The channel is over.
    Over(Reason, Teller),
}

/// Whose word it is that a session is over, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// Our own, or the engineer's under the seal.
    Party,
    /// The relay's, which may say anything.
    Relay,
}

/// How the engineer's side introduced itself.
#[derive(Debug)]
pub struct EngineerHello {
    /// Its SSH key, in OpenSSH's format.
    pub ssh_key: String,
    /// What it understands.
    pub features: Features,
}

/// A running control channel.
pub struct Control {
    outgoing: mpsc::Sender<FromAgent>,
    remaining: watch::Sender<Option<Duration>>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// What our hello says.
pub struct Greeting {
    /// The SSH host key, in OpenSSH's format.
    pub host_key: String,
    /// The account the engineer works as.
    pub user: String,
    /// The scanner's host name.
    pub hostname: String,
}

impl Greeting {
    /// The first message. The host's name is whatever its owner made it; what is too long is cut.
    fn message(self) -> FromAgent {
        let Self { host_key, user, hostname } = self;
        let hostname = text::fit(&hostname, limits::HOST_NAME).to_owned();
        let software = concat!("fieldlink-agent ", env!("CARGO_PKG_VERSION")).to_owned();
        FromAgent::Hello { host_key, user, hostname, software, features: Features::ours() }
    }
}

impl Control {
    /// Proves the pipe, greets, and passes on what comes.
    pub fn open(
        verified: Verified,
        (session, run): (SessionId, RunId),
        greeting: Greeting,
        bounds: PipeLimits,
    ) -> (Self, mpsc::Receiver<ControlEvent>) {
        let (event_sender, events) = mpsc::channel(QUEUE);
        let (outgoing, outgoing_receiver) = mpsc::channel(QUEUE);
        let (remaining, remaining_receiver) = watch::channel(None);
        let cancel = CancellationToken::new();
        let channel = Channel {
            sealer: Sealer::new(&verified.keys.agent_to_engineer, session, run, Role::Agent),
            opener: Opener::new(&verified.keys.engineer_to_agent, session, run, Role::Engineer),
            outgoing: outgoing_receiver,
            remaining: remaining_receiver,
            events: event_sender,
            cancel: cancel.clone(),
            ended: Arc::default(),
        };
        let task = tokio::spawn(channel.run(verified, greeting, bounds));
        (Self { outgoing, remaining, cancel, task }, events)
    }

    /// Sends `message` under the seal. False if it is dropped: a full queue means a stalled peer, and the
    /// heartbeats find out.
    pub fn send(&self, message: FromAgent) -> bool {
        let sent = self.outgoing.try_send(message);
        if let Err(TrySendError::Full(_)) = sent {
            tracing::warn!("a control message was dropped: the engineer's side takes nothing");
        }
        sent.is_ok()
    }

    /// From now on heartbeats go out, the first one at once, with the seconds left until `deadline` (time
    /// since boot).
    pub fn set_deadline(&self, deadline: Duration) {
        self.remaining.send_replace(Some(deadline));
    }

    /// Lets go without a word: the program at the other end is no more.
    pub async fn abandon(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Sends what is queued, ends the stream and waits, briefly, for the peer to have it.
    pub async fn close(self) {
        let Self { outgoing, remaining, cancel, mut task } = self;
        drop(outgoing);
        if tokio::time::timeout(limits::CLOSE, &mut task).await.is_err() {
            cancel.cancel();
            if tokio::time::timeout(limits::CLOSE, &mut task).await.is_err() {
                task.abort();
                let _ = task.await;
            }
        }
        drop(remaining);
    }
}

struct Channel {
    sealer: Sealer,
    opener: Opener,
    outgoing: mpsc::Receiver<FromAgent>,
    remaining: watch::Receiver<Option<Duration>>,
    events: mpsc::Sender<ControlEvent>,
    cancel: CancellationToken,
    /// Why it is over: the reason we gave, or the one we learnt.
    ended: Arc<OnceLock<Reason>>,
}

impl Channel {
    async fn run(mut self, verified: Verified, greeting: Greeting, bounds: PipeLimits) {
        let key = verified.keys.pipe_key(verified.pipe, PipeKind::Control);
        let pipe = (verified.pipe, PipeKind::Control);
        let established = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return,
            established = verified.attached.establish(Role::Agent, pipe, key, bounds) => established,
        };
        let over = match established {
            Ok((reader, writer, driver)) => {
                let stop = CancellationToken::new();
                let guard = stop.clone().drop_guard();
                let link = driver.link();
                // The relay reads the reason off the pipe's close, should that be the first it hears.
                let why = self.ended.clone();
                let driving =
                    driver.run(stop, || why.get().unwrap_or(&Reason::AgentStopped).code().to_owned());
                let talking = async {
                    let reason = self.talk(reader, writer, link, greeting).await;
                    let _ = self.ended.set(reason);
                    drop(guard);
                    reason
                };
                let (reason, end) = tokio::join!(talking, driving);
                tracing::info!(?end, "control pipe ended");
                explained(reason, &end)
            }
            Err(error) => {
                tracing::info!(%error, "control pipe not established");
                (Reason::PairingAborted, Teller::Party)
            }
        };
        let (reason, teller) = over;
        let _ = self.events.send(ControlEvent::Over(reason, teller)).await;
    }

    async fn talk(
        &mut self,
        mut reader: PipeReader,
        mut writer: PipeWriter,
        mut link: watch::Receiver<PipeLink>,
        greeting: Greeting,
    ) -> Reason {
        if let Err(reason) = self.send(&mut writer, &greeting.message()).await {
            return reason;
        }
        let mut heartbeat = tokio::time::interval(limits::HEARTBEAT_INTERVAL);
        let mut is_up = true;
        let cancel = self.cancel.clone();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Reason::AgentStopped,
                message = self.outgoing.recv() => match message {
                    Some(message) => if let Err(reason) = self.send(&mut writer, &message).await {
                        return reason;
                    },
                    None => {
                        // A peer that never ends its stream must not keep us.
                        let last_words = finish(reader, writer);
                        return cancel.run_until_cancelled(last_words).await.unwrap_or(Reason::AgentStopped);
                    }
                },
                _ = heartbeat.tick(), if is_up && self.remaining.borrow().is_some() => {
                    let seconds = self.seconds_left();
                    if let Err(reason) = self.send(&mut writer, &FromAgent::Heartbeat { seconds }).await {
                        return reason;
                    }
                }
                Ok(()) = self.remaining.changed() => heartbeat.reset_immediately(),
                Ok(()) = link.changed() => {
                    let link = link.borrow_and_update().clone();
                    is_up = link == PipeLink::Up;
                    // Only what is sealed counts as a sign of life: say something at once.
                    heartbeat.reset_immediately();
                    let event = ControlEvent::Link(link);
                    if self.events.send(event).await.is_err() {
                        return Reason::AgentStopped;
                    }
                }
                bytes = reader.next() => match bytes {
                    Some(bytes) => if let Err(reason) = self.receive(&bytes).await {
                        return reason;
                    },
                    None => return Reason::EngineerLost,
                },
            }
        }
    }

    async fn send(&mut self, writer: &mut PipeWriter, message: &FromAgent) -> Result<(), Reason> {
        if let FromAgent::End { reason } = message {
            let _ = self.ended.set(*reason);
        }
        let text = messages::encode_fit(message).map_err(|unfit| {
            tracing::error!(%unfit, "the session cannot go on");
            Reason::ScannerFailed
        })?;
        let sealed = self.sealer.seal(text.as_bytes()).map_err(|_| Reason::ScannerFailed)?;
        // Without a connection the pipe takes little, and then nothing, until there is one again.
        let cancel = self.cancel.clone();
        match cancel.run_until_cancelled(writer.write_all(&sealed)).await {
            Some(written) => written.map_err(|_| Reason::ConnectionLost),
            None => Err(Reason::AgentStopped),
        }
    }

    async fn receive(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.opener.receive(bytes);
        while let Some(message) = self.opener.open_next().map_err(|_| Reason::Tampered)? {
            // It was sealed by the engineer's program: a relay has no part in what is wrong with it.
            let message: FromEngineer = messages::decode(&message).map_err(|error| {
                tracing::warn!(%error, "the engineer's program is not understood");
                Reason::Incompatible
            })?;
            let event = match message {
                FromEngineer::Hello { ssh_key, features, .. } => {
                    ControlEvent::Greeted(EngineerHello { ssh_key, features })
                }
                FromEngineer::Ask { request, question } => ControlEvent::Asked { request, question },
                FromEngineer::Withdraw { request } => ControlEvent::Withdrawn { request },
                FromEngineer::Chat { text } => ControlEvent::Chat(text),
                FromEngineer::Heartbeat {} => ControlEvent::Heard,
                FromEngineer::PipeClosed { pipe } => ControlEvent::PipeClosed(pipe),
                FromEngineer::End {
                    reason:
                        reason @ (Reason::EngineerStopped
                        | Reason::Tampered
                        | Reason::Silence
                        | Reason::Incompatible),
                } => return Err(reason),
                // Whatever else it says: the engineer's side ended it, not we.
                FromEngineer::End { .. } => return Err(Reason::EngineerEnded),
            };
            if self.events.send(event).await.is_err() {
                return Err(Reason::AgentStopped);
            }
        }
        Ok(())
    }

    fn seconds_left(&self) -> u32 {
        let deadline = self.remaining.borrow().unwrap_or_default();
        deadline.saturating_sub(crate::clock::now()).as_secs() as u32
    }
}

/// Without a word of the engineer's, what the relay says: it has heard of the end before us, perhaps.
fn explained(reason: Reason, end: &PipeEnd) -> (Reason, Teller) {
    match (reason, end) {
        (Reason::EngineerLost | Reason::ConnectionLost, PipeEnd::Lost(_)) => (Reason::Silence, Teller::Party),
        (Reason::EngineerLost | Reason::ConnectionLost, PipeEnd::Closed(code)) => {
            Reason::from_code(code).map_or((reason, Teller::Party), |reason| (reason, Teller::Relay))
        }
        _ => (reason, Teller::Party),
    }
}

/// Ends our stream and waits for the end of the peer's, so that the last message arrives.
async fn finish(mut reader: PipeReader, mut writer: PipeWriter) -> Reason {
    let _ = writer.shutdown().await;
    while reader.next().await.is_some() {}
    Reason::AgentStopped
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::messages::control::is_account_name;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the scanner is called, the engineer's side takes its greeting, as long as the account is one that
        /// was let through at the start.
        #[test]
        fn a_greeting_from_any_scanner_can_be_sent(
            hostname in "\\PC{0,300}|.*",
            user in "[a-zA-Z0-9_.@+$\\\\ü山-]{1,90}",
        ) {
            prop_assume!(is_account_name(&user));
            let greeting = Greeting { host_key: "ssh-ed25519 AAAA".into(), user, hostname };
            let sent = messages::encode_fit(&greeting.message());
            prop_assert!(messages::decode::<FromAgent>(sent.expect("it fits").as_bytes()).is_ok());
        }
    }

    #[test]
    fn what_the_pipes_close_says_is_the_relays_word() {
        let closed = |code: &str| explained(Reason::EngineerLost, &PipeEnd::Closed(code.into()));
        assert_eq!(closed("client-ended"), (Reason::ClientEnded, Teller::Relay));
        assert_eq!(closed("code 1006"), (Reason::EngineerLost, Teller::Party));
        let said = explained(Reason::EngineerEnded, &PipeEnd::Closed("client-ended".into()));
        assert_eq!(said, (Reason::EngineerEnded, Teller::Party), "what was sealed counts");
    }
}
