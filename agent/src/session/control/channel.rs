//! Moves the conversation over the control pipe.

use std::sync::OnceLock;
use std::time::Duration;

use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_transport::{PipeEnd, PipeLimits, PipeLink, PipeReader, PipeWriter};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::ControlEvent;
use super::conversation::Conversation;
use crate::clock;
use crate::rules::Teller;
use crate::session::pairing::Verified;

/// The control channel of one session, before it runs.
pub(super) struct Channel {
    pub(super) conversation: Conversation,
    /// What is to be said.
    pub(super) outgoing: mpsc::Receiver<FromAgent>,
    /// When the session is over, in time since boot, once it has begun.
    pub(super) remaining: watch::Receiver<Option<Duration>>,
    pub(super) events: mpsc::Sender<ControlEvent>,
    pub(super) cancel: CancellationToken,
}

impl Channel {
    /// Proves the pipe, then talks until the channel is over, which is the last event.
    pub(super) async fn run(mut self, verified: Verified, hello: FromAgent, bounds: PipeLimits) {
        let (kind, pipe) = (PipeKind::Control, verified.pipe);
        let side = Side { role: Role::Agent, pipe, kind, key: verified.keys.pipe_key(pipe, kind) };
        let established = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return,
            established = verified.attached.establish(side, bounds) => established,
        };
        let (reason, teller) = match established {
            Ok((reader, writer, driver)) => {
                let begun = CancellationToken::new();
                let driver = driver.with_reserve(begun.clone());
                let stop = CancellationToken::new();
                let guard = stop.clone().drop_guard();
                let link = driver.link();
                // The relay reads the reason off the pipe's close, should that be the first it hears. The pipe may be
                // closed as soon as our last message is out.
                let why = OnceLock::new();
                let driving =
                    driver.run(stop, || why.get().unwrap_or(&Reason::AgentStopped).code().to_owned());
                let talking = async {
                    let reason = self.talk((reader, writer), (link, begun), &hello, &why).await;
                    let _ = why.set(reason);
                    let is_known = !is_explained_by_the_pipe(reason);
                    if is_known {
                        // Before the pipe is closed: the relay, which reads that, must not be heard first.
                        self.over(reason, Teller::Party).await;
                    }
                    drop(guard);
                    (reason, is_known)
                };
                let ((reason, is_known), end) = tokio::join!(talking, driving);
                tracing::info!(?end, "control pipe ended");
                if is_known {
                    return;
                }
                explained(reason, &end)
            }
            Err(error) => {
                tracing::info!(%error, "control pipe not established");
                (Reason::PairingAborted, Teller::Party)
            }
        };
        self.over(reason, teller).await;
    }

    async fn over(&self, reason: Reason, teller: Teller) {
        let _ = self.events.send(ControlEvent::Over(reason, teller)).await;
    }

    async fn talk(
        &mut self,
        (mut reader, mut writer): (PipeReader, PipeWriter),
        (mut link, begun): (watch::Receiver<PipeLink>, CancellationToken),
        hello: &FromAgent,
        why: &OnceLock<Reason>,
    ) -> Reason {
        if let Err(reason) = self.conversation.handle_message(hello) {
            return reason;
        }
        let cancel = self.cancel.clone();
        loop {
            if let Some(reason) = self.conversation.said_end() {
                let _ = why.set(reason);
            }
            if let Err(reason) = self.pass_on(&mut writer).await {
                return reason;
            }
            let handled = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Reason::AgentStopped),
                message = self.outgoing.recv() => match message {
                    Some(message) => self.conversation.handle_message(&message),
                    None => {
                        // A peer that never ends its stream must not keep us.
                        let last_words = finish(reader, writer);
                        return cancel.run_until_cancelled(last_words).await.unwrap_or(Reason::AgentStopped);
                    }
                },
                () = until(self.conversation.poll_timeout()) => self.conversation.handle_timeout(clock::now()),
                Ok(()) = self.remaining.changed() => {
                    let deadline = *self.remaining.borrow_and_update();
                    if deadline.is_some() {
                        begun.cancel();
                    }
                    self.conversation.handle_deadline(deadline, clock::now());
                    Ok(())
                }
                Ok(()) = link.changed() => {
                    let link = link.borrow_and_update().clone();
                    self.conversation.handle_link(link, clock::now());
                    Ok(())
                }
                bytes = reader.next() => match bytes {
                    Some(bytes) => self.conversation.handle_bytes(&bytes),
                    None => Err(Reason::EngineerLost),
                },
            };
            if let Err(reason) = handled {
                // What was understood before it counts.
                let _ = self.pass_on_events().await;
                return reason;
            }
        }
    }

    async fn pass_on(&mut self, writer: &mut PipeWriter) -> Result<(), Reason> {
        while let Some(sealed) = self.conversation.poll_transmit() {
            // Without a connection the pipe takes little, and then nothing, until there is one again.
            match self.cancel.run_until_cancelled(writer.write_all(&sealed)).await {
                Some(written) => written.map_err(|_| Reason::ConnectionLost)?,
                None => return Err(Reason::AgentStopped),
            }
        }
        self.pass_on_events().await
    }

    async fn pass_on_events(&mut self) -> Result<(), Reason> {
        while let Some(event) = self.conversation.poll_event() {
            self.events.send(event).await.map_err(|_| Reason::AgentStopped)?;
        }
        Ok(())
    }
}

async fn until(due: Option<Duration>) {
    match due {
        Some(due) => tokio::time::sleep(due.saturating_sub(clock::now())).await,
        None => std::future::pending().await,
    }
}

/// Whether the stream only broke off, without a message that says why.
fn is_explained_by_the_pipe(reason: Reason) -> bool {
    matches!(reason, Reason::EngineerLost | Reason::ConnectionLost)
}

/// Without an end message of the engineer's side, what the relay says: it may know of the end before the agent does.
fn explained(reason: Reason, end: &PipeEnd) -> (Reason, Teller) {
    match end {
        _ if !is_explained_by_the_pipe(reason) => (reason, Teller::Party),
        PipeEnd::Lost(_) => (Reason::Silence, Teller::Party),
        PipeEnd::Closed(code) => {
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
    use super::*;

    #[test]
    fn what_the_pipes_close_says_is_the_relays_word() {
        let closed = |code: &str| explained(Reason::EngineerLost, &PipeEnd::Closed(code.into()));
        assert_eq!(closed("client-ended"), (Reason::ClientEnded, Teller::Relay));
        assert_eq!(closed("code 1006"), (Reason::EngineerLost, Teller::Party));
        let said = explained(Reason::EngineerEnded, &PipeEnd::Closed("client-ended".into()));
        assert_eq!(said, (Reason::EngineerEnded, Teller::Party), "what was sealed counts");
    }
}
