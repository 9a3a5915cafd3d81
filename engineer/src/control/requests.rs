//! What this side says on the control channel, and who wanted it said.

use std::future::{pending, poll_fn};
use std::task::Poll;

use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::messages::runbook::RunbookWord;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::Broken;
use super::pace::Pace;
use super::questions::{OPEN, OpenQuestions};

/// Lines for the client that may wait.
const LINES: usize = 20;

/// Has things said to the scanner. What is said during an interruption arrives after it.
#[derive(Debug, Clone)]
pub(crate) struct ControlHandle {
    closed: mpsc::Sender<PipeId>,
    questions: mpsc::Sender<Asked>,
    lines: mpsc::Sender<String>,
}

/// What the session's tasks want said, before the channel says it.
#[derive(Debug)]
pub(crate) struct ControlRequests {
    closed: mpsc::Receiver<PipeId>,
    questions: mpsc::Receiver<Asked>,
    lines: mpsc::Receiver<String>,
}

/// What is put to the client.
#[derive(Debug)]
enum Put {
    Question(Question),
    Announcement(Announcement),
    Runbook(RunbookWord),
}

impl Put {
    fn into_message(self, request: u32) -> FromEngineer {
        match self {
            Self::Question(question) => FromEngineer::Ask { request, question },
            Self::Announcement(announcement) => FromEngineer::Announce { request, announcement },
            Self::Runbook(word) => FromEngineer::Runbook { request, word },
        }
    }
}

/// What is put to the client, and where the answer goes.
#[derive(Debug)]
struct Asked {
    put: Put,
    asker: oneshot::Sender<Answer>,
}

/// Why a line is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// Too many lines wait.
    TooMany,
    /// The channel is over.
    Over,
}

/// The two ends of what connects a channel to those who have something to say.
pub(crate) fn voice() -> (ControlHandle, ControlRequests) {
    let (closed, closed_pipes) = mpsc::channel(limits::PIPES_PER_SESSION);
    let (questions, asked) = mpsc::channel(OPEN);
    let (lines, said) = mpsc::channel(LINES);
    let requests = ControlRequests { closed: closed_pipes, questions: asked, lines: said };
    (ControlHandle { closed, questions, lines }, requests)
}

impl ControlHandle {
    /// Tells the scanner of an SSH connection that ended without a word. If too many were to be told,
    /// the scanner is out of reach, and learns of it when the pipe is given up.
    pub(crate) fn pipe_closed(&self, pipe: PipeId) {
        let _ = self.closed.try_send(pipe);
    }

    /// Asks the client. `None`: the channel is over. A caller that stops waiting takes the question back.
    pub(crate) async fn ask(&self, question: Question) -> Option<Answer> {
        self.put(Put::Question(question)).await
    }

    /// Tells the client something, and waits until the scanner has it. `None`: the channel is over.
    pub(crate) async fn announce(&self, announcement: Announcement) -> Option<Answer> {
        self.put(Put::Announcement(announcement)).await
    }

    /// Tells the scanner of a runbook, and waits for its answer. `None`: the channel is over.
    pub(crate) async fn tell_of_runbook(&self, word: RunbookWord) -> Option<Answer> {
        self.put(Put::Runbook(word)).await
    }

    async fn put(&self, put: Put) -> Option<Answer> {
        let (asker, answer) = oneshot::channel();
        self.questions.send(Asked { put, asker }).await.ok()?;
        answer.await.ok()
    }

    /// Sends the client a line.
    pub(crate) fn say(&self, line: String) -> Result<(), Undelivered> {
        self.lines.try_send(line).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Undelivered::TooMany,
            mpsc::error::TrySendError::Closed(_) => Undelivered::Over,
        })
    }
}

/// Says one thing after another.
pub(crate) struct MessageSender {
    outgoing: mpsc::Sender<FromEngineer>,
    requests: ControlRequests,
    questions: OpenQuestions<oneshot::Sender<Answer>>,
    pace: Pace,
}

impl MessageSender {
    /// Says into `outgoing` what is wished for.
    pub(crate) fn new(outgoing: mpsc::Sender<FromEngineer>, requests: ControlRequests) -> Self {
        Self { outgoing, requests, questions: OpenQuestions::new(), pace: Pace::default() }
    }

    /// Waits for room to say something. Safe to cancel.
    pub(super) async fn room(&self) -> Option<mpsc::Permit<'_, FromEngineer>> {
        self.outgoing.reserve().await.ok()
    }

    /// Says `message` if there is room. If there is none, the pipe is stuck, and nothing would get
    /// through anyway.
    pub(crate) fn try_say(&self, message: FromEngineer) {
        let _ = self.outgoing.try_send(message);
    }

    /// Says the next thing that is wished for, once there is room. Lines for the client wait for a
    /// connection, so that they do not arrive faster than they may. Safe to cancel.
    pub(crate) async fn say_next(&mut self, connected: bool) {
        let Self { outgoing, requests, questions, pace } = self;
        let Ok(room) = outgoing.reserve().await else { return pending().await };
        let message = tokio::select! {
            biased;
            Some(pipe) = requests.closed.recv() => FromEngineer::PipeClosed { pipe },
            request = deserted(questions) => FromEngineer::Withdraw { request },
            Some(asked) = requests.questions.recv() => match ask(questions, asked) {
                Some(message) => message,
                None => return,
            },
            Some(text) = next_line(&mut requests.lines, pace, connected) => {
                pace.count(Instant::now().into_std());
                FromEngineer::Chat { text }
            }
        };
        room.send(message);
    }

    /// Gives an answer to who asked, if they still wait.
    pub(crate) fn answered(&mut self, request: u32, answer: Answer) -> Result<(), Broken> {
        if let Some(asker) = self.questions.answered(request)? {
            let _ = asker.send(answer);
        }
        Ok(())
    }
}

/// Puts a question, unless its asker is gone already or too many are open.
fn ask(questions: &mut OpenQuestions<oneshot::Sender<Answer>>, asked: Asked) -> Option<FromEngineer> {
    let Asked { put, asker } = asked;
    if asker.is_closed() {
        return None;
    }
    match questions.add(asker) {
        Ok(request) => Some(put.into_message(request)),
        Err(asker) => {
            let _ = asker.send(Answer::Busy {});
            None
        }
    }
}

/// Waits until an asker no longer waits for its answer, and takes the question back.
async fn deserted(questions: &mut OpenQuestions<oneshot::Sender<Answer>>) -> u32 {
    poll_fn(|context| {
        let gone = questions.withdraw(|asker| asker.poll_closed(context).is_ready());
        gone.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

async fn next_line(lines: &mut mpsc::Receiver<String>, pace: &Pace, connected: bool) -> Option<String> {
    if !connected {
        return pending().await;
    }
    if let Some(until) = pace.waits_until() {
        sleep_until(Instant::from_std(until)).await;
    }
    lines.recv().await
}

#[cfg(test)]
mod tests;
