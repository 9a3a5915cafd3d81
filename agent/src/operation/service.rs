//! The SSH subsystem in which an engineer starts an operation and follows it: one line of JSON a message.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::messages::operation::{
    FromOperations, OUTPUT_LINE, OperationEnd, OperationRefusal, REQUEST_LINE, ToOperations,
};
use fieldlink_protocol::{messages, text};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

use super::{Operations, file};
use crate::config::Operation;
use crate::rules::UseId;
use crate::session::policy::next_use;

/// Requests that are on their way to the rules.
pub(crate) const QUEUE: usize = 16;
/// How long the engineer's side may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);
/// The exit code for what is not started: what a shell says of a command that it cannot run.
const NOT_STARTED: u8 = 126;

/// Why an operation is not started, and what exactly.
pub(crate) type Refused = (OperationRefusal, String);

/// What the owner of remote access is asked.
#[derive(Debug)]
pub(crate) enum OperationRequest {
    /// Whether the client agrees.
    Wanted {
        /// Names the wish.
        id: UseId,
        /// The operation's name.
        name: String,
        /// The answer. Dropped, the session is over.
        reply: oneshot::Sender<Result<(), OperationRefusal>>,
    },
    /// Nobody wants it any more.
    Dropped(UseId),
    /// To start what was agreed to.
    Start {
        /// Names the wish.
        id: UseId,
        /// What goes with it, sealed.
        file: Option<OwnedFd>,
        /// Whether it runs. Dropped, the session is over.
        reply: oneshot::Sender<Result<(), Refused>>,
    },
    /// To hear how the latest stands.
    Follow {
        /// That, and whether it was started in this session; what follows comes as news. None: there is none.
        reply: oneshot::Sender<Option<(FromOperations, bool)>>,
    },
}

/// Serves the channels of one session.
#[derive(Clone)]
pub(crate) struct OperationService {
    /// The operations that there are.
    pub(crate) operations: Arc<Operations>,
    /// The owner of remote access.
    pub(crate) rules: mpsc::Sender<OperationRequest>,
    /// What becomes of the operation that runs.
    pub(crate) news: broadcast::Sender<FromOperations>,
}

impl OperationService {
    /// Serves a channel.
    pub(crate) fn serve(&self, input: pipe::Receiver, output: pipe::Sender) -> BoxFuture<'static, u8> {
        let service = self.clone();
        Box::pin(async move {
            let mut channel = Channel { input: BufReader::new(input), output, shows_output: true };
            // Only if the engineer's side is gone, which then hears nothing anyway.
            service.converse(&mut channel).await.unwrap_or(NOT_STARTED)
        })
    }

    async fn converse(&self, channel: &mut Channel) -> std::io::Result<u8> {
        let refused = match channel.request().await {
            Some(ToOperations::List {}) => return self.list(channel).await,
            Some(ToOperations::Follow {}) => match self.follow(channel).await {
                Ok(code) => return code,
                Err(refused) => refused,
            },
            Some(ToOperations::Start { operation, file }) => {
                match self.start(channel, &operation, file).await {
                    Ok(news) => return channel.pass_on(news).await,
                    Err(refused) => refused,
                }
            }
            None => (OperationRefusal::Malformed, String::new()),
        };
        let (why, detail) = refused;
        channel.say(&FromOperations::Refused { why, detail: text::clean(&detail, OUTPUT_LINE) }).await?;
        Ok(NOT_STARTED)
    }

    async fn list(&self, channel: &mut Channel) -> std::io::Result<u8> {
        for operation in self.operations.list() {
            let title = operation.title.values().next().cloned().unwrap_or_default();
            let (operation, file_megabytes) = (operation.name.clone(), operation.file_megabytes);
            channel.say(&FromOperations::Listed { operation, title, file_megabytes }).await?;
        }
        Ok(0)
    }

    async fn follow(&self, channel: &mut Channel) -> Result<std::io::Result<u8>, Refused> {
        let news = self.news.subscribe();
        let (reply, answer) = oneshot::channel();
        self.ask(OperationRequest::Follow { reply }).await?;
        let answered = answer.await.map_err(|_| over())?;
        let (now, is_own) = answered.ok_or((OperationRefusal::None, String::new()))?;
        channel.shows_output = is_own;
        Ok(match channel.say(&now).await {
            Ok(()) => match code_of(&now) {
                Some(code) => Ok(code),
                None => channel.pass_on(news).await,
            },
            Err(error) => Err(error),
        })
    }

    /// Starts one: what becomes of it, from its start on.
    async fn start(
        &self,
        channel: &mut Channel,
        name: &str,
        bytes: Option<u64>,
    ) -> Result<broadcast::Receiver<FromOperations>, Refused> {
        let operation = self.operations.named(name).ok_or_else(|| {
            let names: Vec<_> =
                self.operations.list().iter().map(|operation| operation.name.as_str()).collect();
            (OperationRefusal::Unknown, names.join(", "))
        })?;
        check_file(operation, bytes)?;
        let gone = |_| (OperationRefusal::Incomplete, String::new());
        channel.say(&FromOperations::Asking {}).await.map_err(gone)?;
        let wish = self.ask_leave(operation).await?;
        channel.say(&FromOperations::Send {}).await.map_err(gone)?;
        let file = match bytes {
            Some(bytes) => {
                Some(file::receive(&mut channel.input, bytes).await.map_err(|error| match error {
                    file::NotReceived::Incomplete { .. } => (OperationRefusal::Incomplete, error.to_string()),
                    file::NotReceived::NoRoom(_) => (OperationRefusal::TooLarge, error.to_string()),
                })?)
            }
            None => None,
        };
        let news = self.news.subscribe();
        let (reply, answer) = oneshot::channel();
        let id = wish.id;
        self.ask(OperationRequest::Start { id, file, reply }).await?;
        wish.spend();
        answer.await.map_err(|_| over())??;
        Ok(news)
    }

    async fn ask_leave(&self, operation: &Operation) -> Result<Wish, Refused> {
        let (id, name) = (next_use(), operation.name.clone());
        let (reply, answer) = oneshot::channel();
        self.ask(OperationRequest::Wanted { id, name, reply }).await?;
        let wish = Wish { id, rules: self.rules.clone(), is_spent: false };
        let verdict = answer.await.map_err(|_| over())?;
        verdict.map_err(|why| (why, String::new()))?;
        Ok(wish)
    }

    async fn ask(&self, request: OperationRequest) -> Result<(), Refused> {
        self.rules.send(request).await.map_err(|_| over())
    }
}

fn over() -> Refused {
    (OperationRefusal::Over, String::new())
}

fn check_file(operation: &Operation, bytes: Option<u64>) -> Result<(), Refused> {
    match bytes {
        Some(_) if operation.file_megabytes == 0 => Err((OperationRefusal::NoFile, String::new())),
        Some(bytes) if bytes > operation.most_bytes() => {
            Err((OperationRefusal::TooLarge, format!("{} MB at most", operation.file_megabytes)))
        }
        _ => Ok(()),
    }
}

/// An operation that is wanted. Dropped before it is started, the wish is taken back.
struct Wish {
    id: UseId,
    rules: mpsc::Sender<OperationRequest>,
    is_spent: bool,
}

impl Wish {
    fn spend(mut self) {
        self.is_spent = true;
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        if !self.is_spent {
            // With a full queue the question stays until its time is up.
            let _ = self.rules.try_send(OperationRequest::Dropped(self.id));
        }
    }
}

/// The channel's two ways.
struct Channel {
    input: BufReader<pipe::Receiver>,
    output: pipe::Sender,
    /// Whether the engineer sees what the operation prints: of another's session they see how it stands.
    shows_output: bool,
}

impl Channel {
    /// None: it said nothing, or what cannot be understood.
    async fn request(&mut self) -> Option<ToOperations> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.input).take(REQUEST_LINE as u64);
        timeout(REQUEST_PATIENCE, bounded.read_until(b'\n', &mut line)).await.ok()?.ok()?;
        messages::decode(&line).ok()
    }

    async fn say(&mut self, message: &FromOperations) -> std::io::Result<()> {
        let mut line = messages::encode(message);
        line.push('\n');
        self.output.write_all(line.as_bytes()).await
    }

    /// Passes on what becomes of the operation until it is over. The exit code says how.
    async fn pass_on(&mut self, mut news: broadcast::Receiver<FromOperations>) -> std::io::Result<u8> {
        loop {
            let message = match news.recv().await {
                Ok(message) => message,
                Err(broadcast::error::RecvError::Lagged(_)) => FromOperations::Skipped {},
                Err(broadcast::error::RecvError::Closed) => return Ok(NOT_STARTED),
            };
            let is_output = matches!(message, FromOperations::Output { .. } | FromOperations::Skipped {});
            if self.shows_output || !is_output {
                self.say(&message).await?;
            }
            if let Some(code) = code_of(&message) {
                return Ok(code);
            }
        }
    }
}

/// The exit code, once it is over, or waits for a restart.
fn code_of(message: &FromOperations) -> Option<u8> {
    match message {
        FromOperations::Over { end: OperationEnd::Succeeded {}, .. } | FromOperations::AfterRestart {} => {
            Some(0)
        }
        FromOperations::Over { end: OperationEnd::Failed { code }, .. } => Some(*code),
        FromOperations::Over { end: OperationEnd::Killed { .. } | OperationEnd::Lost {}, .. } => Some(1),
        _ => None,
    }
}
