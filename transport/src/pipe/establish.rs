//! From an attached connection to a pipe: HELLO and proof.
//!
//! Each side takes the pipe for established when it has the other's proof. A connection that is lost just then has
//! reached one side and not the other. The engineer's side that lacks the scanner's proof opens another pipe, and
//! has the scanner told that this one is over. The scanner's side cannot know whether its own proof arrived, and the
//! engineer's would wait for it: once it has sent that, it attaches again, as it would for an established pipe.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{ResumablePipe, Role, Side, TrialStep, closing};
use fieldlink_protocol::secret::random_bytes;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::PollSender;

use super::connection::Connection;
use super::halves::Shared;
use super::trial::{TrialEnd, undialled};
use super::ways::Ways;
use super::{Attached, AttachedError, Line, PipeDriver, PipeLimits, PipeLink, PipeReader, PipeWriter, QUEUE};
use crate::purpose::Purpose;
use crate::{Backoff, Dialer};

/// A pipe's two halves, and what moves the bytes between them and the network.
pub type OpenPipe = (PipeReader, PipeWriter, PipeDriver);

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
    /// HELLO and proof on a connection that has served something else before, within [`limits::HANDSHAKE`]. From then
    /// on the pipe outlives its connections.
    pub async fn establish(mut self, side: Side, bounds: PipeLimits) -> Result<OpenPipe, AttachedError> {
        let begin = Instant::now();
        let mut pipe = ResumablePipe::new(side, bounds.window, bounds.patience, Duration::ZERO);
        let hello = pipe.attaching(random_bytes());
        self.send(hello).await?;
        self.converse(pipe, begin, bounds).await
    }

    /// Attaches to a pipe, with HELLO and proof at once. As [`Self::attach`] and [`Self::establish`].
    pub async fn open(
        dialer: &Dialer,
        ticket: &Signed<PipeTicket>,
        side: Side,
        bounds: PipeLimits,
    ) -> Result<OpenPipe, AttachedError> {
        let begin = Instant::now();
        let mut pipe = ResumablePipe::new(side, bounds.window, bounds.patience, Duration::ZERO);
        let hello = pipe.attaching(random_bytes());
        let line = Line { dialer: dialer.clone(), ticket: ticket.as_str().into() };
        Self::attach_with(line, &hello, Purpose::Pipe).await?.converse(pipe, begin, bounds).await
    }

    /// From our HELLO, which is said, to a pipe.
    async fn converse(
        mut self,
        mut pipe: ResumablePipe,
        begin: Instant,
        bounds: PipeLimits,
    ) -> Result<OpenPipe, AttachedError> {
        let mut has_proven = false;
        let first = loop {
            let greeted = timeout(limits::HANDSHAKE, self.greet(&mut pipe, begin, &mut has_proven)).await;
            let error = match greeted.unwrap_or(Err(AttachedError::Timeout)) {
                Ok(first) => break first,
                Err(error) => error,
            };
            let is_believed = pipe.role() == Role::Agent && has_proven && error.may_pass();
            self = match is_believed {
                true => self.attach_again(&mut pipe, begin + bounds.patience).await.ok_or(error)?,
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
            PipeDriver { line: self.line, first, shared, outgoing, link, ways: Ways::default() },
        ))
    }

    async fn greet(
        &mut self,
        pipe: &mut ResumablePipe,
        begin: Instant,
        has_proven: &mut bool,
    ) -> Result<Vec<Bytes>, AttachedError> {
        loop {
            let frame = self.receive().await?;
            match pipe.receive_on_trial(frame, begin.elapsed())? {
                TrialStep::Send { proof, early } => {
                    *has_proven = true;
                    for frame in std::iter::once(proof).chain(early) {
                        self.send(frame).await?;
                    }
                }
                TrialStep::Proven(proven) => {
                    let switched = pipe.switch(proven, begin.elapsed());
                    return switched.map_err(|error| AttachedError::Lost(error.to_string()));
                }
            }
        }
    }

    /// Another connection for the same pipe, unless the relay says that it is over, or it is `until` then.
    async fn attach_again(self, pipe: &mut ResumablePipe, until: Instant) -> Option<Self> {
        let Self { socket, line } = self;
        drop(socket);
        let mut backoff = Backoff::new(limits::PIPE_RETRY_MAX);
        while Instant::now() < until {
            sleep(backoff.next_delay()).await;
            let hello = pipe.attaching(random_bytes());
            match Self::attach_with(line.clone(), &hello, Purpose::PipeAgain).await {
                Ok(attached) => return Some(attached),
                Err(error) => match undialled(error) {
                    TrialEnd::Failed(_) | TrialEnd::Answered(_) => {}
                    TrialEnd::Refused(_) | TrialEnd::Proven(..) => return None,
                },
            }
        }
        None
    }
}
