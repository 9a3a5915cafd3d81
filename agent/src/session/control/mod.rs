//! The sealed control channel of one session, as the agent's side of it: what it tells, and the handle to it.
//! `conversation.rs` is what is said on it, `channel.rs` moves that over the pipe.

mod channel;
mod conversation;

use std::time::Duration;

use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::messages::report::ReportWanted;
use fieldlink_protocol::messages::runbook::RunbookWord;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::text;
use fieldlink_transport::{PipeLimits, PipeLink};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::channel::Channel;
use self::conversation::Conversation;
use crate::rules::Teller;
use crate::session::pairing::Verified;

/// Events and messages that may wait.
pub(crate) const QUEUE: usize = 16;

/// What the engineer's side says, or what becomes of the channel.
#[derive(Debug)]
pub(crate) enum ControlEvent {
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
        /// More time, or a question in words.
        question: Question,
    },
    /// The client is to be told something.
    Announced {
        /// The engineer's own number for it.
        request: u32,
        /// What.
        announcement: Announcement,
    },
    /// A runbook is gone through.
    Runbook {
        /// The engineer's own number for it.
        request: u32,
        /// Which, and how far it is; not judged.
        word: RunbookWord,
    },
    /// A question is taken back.
    Withdrawn {
        /// The engineer's own number for it.
        request: u32,
    },
    /// A line for the client; not cleaned.
    Chat(String),
    /// A piece of the report is wanted. After the end only.
    Fetch(ReportWanted),
    /// The pipe under the channel has lost its connection, or has one again.
    Link(PipeLink),
    /// The channel is over.
    Over(Reason, Teller),
}

impl ControlEvent {
    /// Whether something sealed came: the engineer's side is there.
    pub(crate) fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Heard
            | Self::PipeClosed(_)
            | Self::Asked { .. }
            | Self::Announced { .. }
            | Self::Runbook { .. }
            | Self::Withdrawn { .. }
            | Self::Chat(_)
            | Self::Fetch(_) => true,
            Self::Greeted(_) | Self::Link(_) | Self::Over(..) => false,
        }
    }
}

/// How the engineer's side introduced itself.
#[derive(Debug)]
pub(crate) struct EngineerHello {
    /// Its SSH key, in OpenSSH's format.
    pub ssh_key: String,
    /// The optional features that it understands.
    pub features: Features,
    /// Of one who joins: whether they only watch.
    pub observes: bool,
}

/// A running control channel.
pub(crate) struct Control {
    outgoing: mpsc::Sender<FromAgent>,
    remaining: watch::Sender<Option<Duration>>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// What our hello says.
pub(crate) struct Greeting {
    /// The SSH host key, in OpenSSH's format.
    pub host_key: String,
    /// The account the engineer works as.
    pub user: String,
    /// The scanner's host name.
    pub hostname: String,
}

impl Greeting {
    /// The first message. The host's name may be any text; what is too long is cut.
    fn message(self) -> FromAgent {
        let Self { host_key, user, hostname } = self;
        let hostname = text::fit(&hostname, limits::HOST_NAME).to_owned();
        let software = concat!("fieldlink-agent ", env!("CARGO_PKG_VERSION")).to_owned();
        FromAgent::Hello { host_key, user, hostname, software, features: Features::ours() }
    }
}

impl Control {
    /// Proves the pipe, greets, and passes on what comes.
    pub(crate) fn open(
        verified: Verified,
        (session, run): (SessionId, RunId),
        greeting: Greeting,
        bounds: PipeLimits,
    ) -> (Self, mpsc::Receiver<ControlEvent>) {
        let (event_sender, events) = mpsc::channel(QUEUE);
        let (outgoing, outgoing_receiver) = mpsc::channel(QUEUE);
        let (remaining, remaining_receiver) = watch::channel(None);
        let cancel = CancellationToken::new();
        let conversation = Conversation::new(
            Sealer::new(&verified.keys.agent_to_engineer, session, run, Role::Agent),
            Opener::new(&verified.keys.engineer_to_agent, session, run, Role::Engineer),
        );
        let channel = Channel {
            conversation,
            outgoing: outgoing_receiver,
            remaining: remaining_receiver,
            events: event_sender,
            cancel: cancel.clone(),
        };
        let task = tokio::spawn(channel.run(verified, greeting.message(), bounds));
        (Self { outgoing, remaining, cancel, task }, events)
    }

    /// Sends `message` under the seal. False if it is dropped: a full queue means a stalled peer, and the
    /// heartbeats find out.
    pub(crate) fn send(&self, message: FromAgent) -> bool {
        let sent = self.outgoing.try_send(message);
        if let Err(TrySendError::Full(_)) = sent {
            tracing::warn!("a control message was dropped: the engineer's side takes nothing");
        }
        sent.is_ok()
    }

    /// The way of messages to this engineer's side.
    pub(crate) fn outgoing(&self) -> mpsc::Sender<FromAgent> {
        self.outgoing.clone()
    }

    /// Whether [`Self::send`] would take a message now.
    pub(crate) fn has_room(&self) -> bool {
        self.outgoing.capacity() > 0
    }

    /// Whether the session's time has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.remaining.borrow().is_some()
    }

    /// From now on heartbeats go out, the first one at once, with the seconds left until `deadline` (time
    /// since boot).
    pub(crate) fn set_deadline(&self, deadline: Duration) {
        self.remaining.send_replace(Some(deadline));
    }

    /// Stops without an end message: the program at the other end is gone.
    pub(crate) async fn abandon(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Sends what is queued, ends the stream and waits, briefly, for the peer to have it.
    pub(crate) async fn close(self) {
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

#[cfg(test)]
mod tests {
    use fieldlink_protocol::messages;
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
}
