//! From an attached connection to a pipe: HELLO and proof.
//!
//! Each side takes the pipe for established when it has the other's proof. A connection that is lost just then has
//! reached one side and not the other. The engineer's side that lacks the scanner's proof opens another pipe, and
//! has the scanner told that this one is over. The scanner's side cannot know whether its own proof arrived, and the
//! engineer's would wait for it: once it has sent that, it attaches again, as it would for an established pipe.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{PipeKind, ResumablePipe, Role, Side, TrialStep, closing};
use fieldlink_protocol::secret::{Secret, random_bytes};
use fieldlink_protocol::ticket::Signed;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::PollSender;

use super::connection::Connection;
use super::halves::Shared;
use super::trial::{TrialEnd, undialled};
use super::{Attached, AttachedError, PipeDriver, PipeLimits, PipeLink, PipeReader, PipeWriter, QUEUE};
use crate::Backoff;

impl AttachedError {
    /// Whether the pipe may go on with another connection.
    fn may_pass(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Timeout => true,
            Self::Closed(text) => closing::goes_on(text),
            Self::Dial(_) | Self::Handshake(_) => false,
        }
    }
}

impl Attached {
    /// HELLO and proof, within [`limits::HANDSHAKE`]. From then on the pipe outlives its connections.
    pub async fn establish(
        mut self,
        role: Role,
        (pipe, kind): (PipeId, PipeKind),
        key: Secret<32>,
        bounds: PipeLimits,
    ) -> Result<(PipeReader, PipeWriter, PipeDriver), AttachedError> {
        let begin = Instant::now();
        let side = Side { role, pipe, kind, key };
        let mut pipe = ResumablePipe::new(side, bounds.window, bounds.patience, Duration::ZERO);
        let mut has_proven = false;
        let first = loop {
            let greeted = timeout(limits::HANDSHAKE, self.greet(&mut pipe, begin, &mut has_proven)).await;
            let error = match greeted.unwrap_or(Err(AttachedError::Timeout)) {
                Ok(first) => break first,
                Err(error) => error,
            };
            let is_believed = role == Role::Agent && has_proven && error.may_pass();
            self = match is_believed {
                true => self.attach_again(begin + bounds.patience).await.ok_or(error)?,
                false => return Err(error),
            };
        };
        let (shared, first) =
            (Arc::new(Shared::new(pipe, begin)), Connection::new(self.socket).beginning_with(first));
        let (outgoing_sender, outgoing) = mpsc::channel(QUEUE);
        let (link, _) = watch::channel(PipeLink::Up);
        Ok((
            PipeReader { shared: shared.clone(), current: Bytes::new() },
            PipeWriter { outgoing: PollSender::new(outgoing_sender) },
            PipeDriver { line: self.line, first, shared, outgoing, link },
        ))
    }

    async fn greet(
        &mut self,
        pipe: &mut ResumablePipe,
        begin: Instant,
        has_proven: &mut bool,
    ) -> Result<Vec<Bytes>, AttachedError> {
        self.send(pipe.attached(random_bytes())).await?;
        loop {
            let frame = self.receive().await?;
            match pipe.receive_on_trial(frame, begin.elapsed())? {
                TrialStep::Send(proof) => {
                    *has_proven = true;
                    self.send(proof).await?;
                }
                TrialStep::Proven(proven) => {
                    let switched = pipe.switch(proven, begin.elapsed());
                    return switched.map_err(|error| AttachedError::Lost(error.to_string()));
                }
            }
        }
    }

    /// Another connection for the same pipe, unless the relay says that it is over, or it is `until` then.
    async fn attach_again(self, until: Instant) -> Option<Self> {
        let Self { socket, line } = self;
        drop(socket);
        let ticket = Signed::from_text(&*line.ticket);
        let mut backoff = Backoff::new(limits::PIPE_RETRY_MAX);
        while Instant::now() < until {
            sleep(backoff.next_delay()).await;
            match Self::attach(&line.dialer, &ticket).await {
                Ok(attached) => return Some(attached),
                Err(error) => match undialled(error) {
                    TrialEnd::Failed(_) => {}
                    TrialEnd::Refused(_) | TrialEnd::Proven(..) => return None,
                },
            }
        }
        None
    }
}
