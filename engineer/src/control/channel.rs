//! Moves the sealed conversation over the control pipe.

use std::convert::Infallible;
use std::sync::OnceLock;

use bytes::BytesMut;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::encode_fit;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::Sealer;
use fieldlink_transport::{PipeDriver, PipeEnd, PipeLink, PipeReader, PipeWriter};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::requests::MessageSender;
use super::talk::{ChannelEvent, Talk, heartbeat};
use super::{Broken, ControlRequests, Conversation, Heard, ReportWish};
use crate::end::{End, Told};
use crate::words::say;

/// An established pipe.
pub(crate) type Pipe = (PipeReader, PipeWriter, PipeDriver);

/// Messages that may wait; when the pipe is stuck, heartbeats are left out.
const QUEUE: usize = 8;

/// The session is over, or is ended from here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goodbye {
    /// What to tell the agent.
    pub reason: Reason,
    /// Whether the agent is known to stay for its report.
    pub stays: bool,
}

impl Goodbye {
    const STOPPED: Self = Self { reason: Reason::EngineerStopped, stays: false };
}

/// The control channel of one session, before it runs.
pub(crate) struct Channel {
    /// The engineer's half of the conversation.
    pub conversation: Conversation,
    /// Seals what we say.
    pub sealer: Sealer,
    /// Hears what happens.
    pub events: mpsc::Sender<ChannelEvent>,
    /// What others want said.
    pub requests: ControlRequests,
    /// Fires when the session is over or ended from here.
    pub goodbye: oneshot::Receiver<Goodbye>,
    /// How the report is fetched at the end, if it is wanted.
    pub wish: Option<ReportWish>,
}

/// Why neither side talks any more.
enum Silence {
    /// We said goodbye.
    Said,
    /// It is over for that reason, and the scanner stays for its report.
    Closing(Reason),
    /// The session ended, and this is why.
    Ended(End),
    /// The pipe is over without a word.
    PipeOver,
}

impl Channel {
    /// Introduces us, then talks until the session is over. Returns when the last word is out, or has
    /// had [`limits::CLOSE`] to get there.
    pub(crate) async fn run(self, (reader, writer, driver): Pipe, hello: FromEngineer) {
        let Self { conversation, sealer, events, requests, goodbye, wish } = self;
        let (stop, done) = (CancellationToken::new(), CancellationToken::new());
        let (outgoing, queued) = mpsc::channel(QUEUE);
        // The queue is new and empty.
        let _ = outgoing.try_send(hello);
        let last = OnceLock::new();
        let closing = || last.get().map_or(Reason::EngineerStopped, |reason: &Reason| *reason);
        let link = driver.link();
        let driver = driver.run(stop.clone(), || closing().code().to_owned());
        let talking = async {
            let requests = MessageSender::new(outgoing, requests);
            let mut talk = Talk { conversation, reader, link, requests, events: events.clone() };
            let silence = talk.until_silence(goodbye, (&last, wish.as_ref())).await;
            if let (Silence::Closing(reason), Some(wish)) = (&silence, &wish) {
                // Whoever waits for it sees what is missing.
                let _ = talk.fetch(wish).await;
                let _ = last.set(*reason);
                talk.requests.try_say(FromEngineer::Fetched {});
            }
            drop(wish);
            done.cancel();
            talk.listen_to_the_end().await;
            silence
        };
        let patience = async {
            done.cancelled().await;
            sleep(limits::CLOSE).await;
            stop.cancel();
            std::future::pending::<Infallible>().await
        };
        let (silence, pipe_end) = tokio::select! {
            (silence, (), end) = async { tokio::join!(talking, write(sealer, writer, queued), driver) } => {
                (silence, end)
            }
            never = patience => match never {},
        };
        if matches!(silence, Silence::PipeOver) {
            let _ = events.send(ChannelEvent::Over(end_of(pipe_end))).await;
        }
    }
}

impl Talk {
    async fn until_silence(
        &mut self,
        goodbye: oneshot::Receiver<Goodbye>,
        (last, wish): (&OnceLock<Reason>, Option<&ReportWish>),
    ) -> Silence {
        let silence = tokio::select! {
            biased;
            // A session that is dropped without a word was stopped.
            goodbye = goodbye => {
                let Goodbye { reason, stays } = goodbye.unwrap_or(Goodbye::STOPPED);
                let may_have_report = wish.is_some() && (stays || self.conversation.may_have_report());
                self.say_end(reason, last);
                match wish.filter(|_| may_have_report) {
                    Some(wish) if self.await_word(wish, stays).await => Silence::Closing(reason),
                    _ => Silence::Said,
                }
            }
            talked = self.talk() => match talked {
                Ok(silence) => silence,
                Err(Broken(reason)) => {
                    self.say_end(reason, last);
                    Silence::Ended(End::new(reason, Told::Here))
                }
            }
        };
        if let Silence::Ended(end) = &silence {
            // The relay reads it off the pipe's close, should that be the first it hears.
            let _ = last.set(end.reason);
            let _ = self.events.send(ChannelEvent::Over(end.clone())).await;
        }
        silence
    }

    /// Ends our stream behind our last message. While the peer still sends, the pipe needs a reader.
    async fn listen_to_the_end(self) {
        let Self { mut reader, requests, .. } = self;
        drop(requests);
        while reader.next().await.is_some() {}
    }

    fn say_end(&self, reason: Reason, last: &OnceLock<Reason>) {
        let _ = last.set(reason);
        self.requests.try_say(FromEngineer::End { reason });
    }

    async fn talk(&mut self) -> Result<Silence, Broken> {
        let mut heartbeat = heartbeat();
        loop {
            let deadline = Instant::from_std(self.conversation.deadline());
            let connected = !self.conversation.is_interrupted();
            let heard = tokio::select! {
                biased;
                bytes = self.reader.next() => match bytes {
                    Some(bytes) => self.conversation.receive(&bytes, Instant::now().into_std())?,
                    None => return Ok(Silence::PipeOver),
                },
                Ok(()) = self.link.changed() => {
                    let link = self.link.borrow_and_update().clone();
                    if link == PipeLink::Up {
                        // Only what is sealed counts as a sign of life: say something at once.
                        heartbeat.reset_immediately();
                    }
                    self.conversation.link(&link, Instant::now().into_std()).into_iter().collect()
                }
                () = sleep_until(deadline) => {
                    self.conversation.wait(Instant::now().into_std())?.into_iter().collect()
                }
                _ = heartbeat.tick() => {
                    self.requests.try_say(FromEngineer::Heartbeat {});
                    continue;
                }
                () = self.requests.say_next(connected) => continue,
            };
            for event in heard {
                match event {
                    Heard::End(reason) => return Ok(Silence::Ended(End::new(reason, Told::Scanner))),
                    Heard::Closing(reason) => {
                        let end = End::new(reason, Told::Scanner);
                        let _ = self.events.send(ChannelEvent::Over(end)).await;
                        return Ok(Silence::Closing(reason));
                    }
                    Heard::Answered { request, answer } => {
                        if let Answer::Restarting { .. } = answer {
                            let _ = self.events.send(ChannelEvent::Restarts).await;
                        }
                        self.requests.answered(request, answer)?;
                    }
                    event => {
                        let _ = self.events.send(ChannelEvent::Heard(event)).await;
                    }
                }
            }
        }
    }
}

/// Seals only what is really sent, because the counter knows no gaps.
async fn write(mut sealer: Sealer, mut writer: PipeWriter, mut queued: mpsc::Receiver<FromEngineer>) {
    while let Some(message) = queued.recv().await {
        // What the scanner would refuse was refused where it was typed; nothing unfit is ever sealed.
        let Ok(text) = encode_fit(&message) else { continue };
        let Ok(sealed) = sealer.seal(text.as_bytes()) else { return };
        let mut buffer: BytesMut = PipeWriter::buffer(sealed.len());
        buffer.extend_from_slice(&sealed);
        if writer.send(buffer).await.is_err() {
            return;
        }
    }
}

fn end_of(pipe: PipeEnd) -> End {
    match pipe {
        PipeEnd::Complete | PipeEnd::Cancelled | PipeEnd::Unsaid => End::lost(say!("scanner-closed")),
        PipeEnd::Closed(text) => End::closed(&text),
        PipeEnd::Lost(problem) => End { detail: Some(problem), ..End::new(Reason::Silence, Told::Here) },
        PipeEnd::Violated(error) => {
            End { detail: Some(error.to_string()), ..End::new(Reason::Tampered, Told::Here) }
        }
    }
}
