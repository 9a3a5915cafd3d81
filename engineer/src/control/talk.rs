//! One side of the conversation over an established pipe: what is heard, and what may be said.

use fieldlink_protocol::limits;
use fieldlink_transport::{PipeLink, PipeReader};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::requests::MessageSender;
use super::{Broken, Conversation, Heard};
use crate::end::End;
use fieldlink_protocol::reason::Reason;

/// What the channel tells the session.
#[derive(Debug)]
pub(crate) enum ChannelEvent {
    /// Something was heard, or was not.
    Heard(Heard),
    /// It is about to restart, and the session goes on afterwards.
    Restarts,
    /// The channel is over. The last event.
    Over(End),
}

/// What hearing takes.
pub(super) type Hearing<'a> = (&'a mut PipeReader, &'a mut watch::Receiver<PipeLink>, &'a mut Conversation);

/// The conversation, the pipe, and what is to be said.
pub(super) struct Talk {
    pub(super) conversation: Conversation,
    pub(super) reader: PipeReader,
    pub(super) link: watch::Receiver<PipeLink>,
    pub(super) requests: MessageSender,
    pub(super) events: mpsc::Sender<ChannelEvent>,
}

/// What is heard next. Safe to cancel.
pub(super) async fn hear((reader, link, conversation): Hearing<'_>) -> Result<Vec<Heard>, Broken> {
    let deadline = Instant::from_std(conversation.deadline());
    tokio::select! {
        biased;
        bytes = reader.next() => match bytes {
            Some(bytes) => conversation.receive(&bytes, Instant::now().into_std()),
            None => Err(Broken(Reason::ConnectionLost)),
        },
        Ok(()) = link.changed() => {
            let link = link.borrow_and_update().clone();
            Ok(conversation.link(&link, Instant::now().into_std()).into_iter().collect())
        }
        () = sleep_until(deadline) => {
            Ok(conversation.wait(Instant::now().into_std())?.into_iter().collect())
        }
    }
}

/// When something is said, so that the other side knows that this one is there.
pub(super) fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + limits::HEARTBEAT_INTERVAL, limits::HEARTBEAT_INTERVAL);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}
