//! What the agent has asked of the session process, and what it may therefore say.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Instant;

use fieldlink_session::packet;
use fieldlink_session::wire::{ConnectTarget, ExitStatus, FailReason, MAX_LIVE, RequestId};
use tokio::sync::oneshot;

use super::descriptors::{self, DescriptorError};
use super::reply::{CheckedIo, ConnectReply, ProgramExit, SessionError, StartReply, Started};

// Longest explanation that is passed on, in characters.
const MAX_EXPLANATION: usize = 300;

/// Something that the session process may not say; the session is lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misbehaviour(pub(super) String);

/// What to do after an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing.
    Done,
    /// The caller no longer waits for this program: kill it.
    Unwanted(RequestId),
}

/// Every program and connect that is under way.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    entries: BTreeMap<RequestId, Entry>,
}

#[derive(Debug)]
enum Entry {
    Starting { terminal: bool, reply: StartReply, deadline: Instant },
    Connecting { target: ConnectTarget, reply: ConnectReply, deadline: Instant },
    // Unanswered in time. The answer may still come, and is then thrown away.
    LateStart,
    LateConnect,
    Running { exit: oneshot::Sender<ExitStatus> },
}

impl Requests {
    /// Whether nothing more may be asked.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= MAX_LIVE
    }

    /// A program will be asked for.
    pub(super) fn starting(&mut self, terminal: bool, reply: StartReply, deadline: Instant) -> RequestId {
        self.insert(Entry::Starting { terminal, reply, deadline })
    }

    /// A connect will be asked for.
    pub(super) fn connecting(
        &mut self,
        target: ConnectTarget,
        reply: ConnectReply,
        deadline: Instant,
    ) -> RequestId {
        self.insert(Entry::Connecting { target, reply, deadline })
    }

    /// Whether this program has not ended yet.
    pub(super) fn is_running(&self, id: RequestId) -> bool {
        matches!(self.entries.get(&id), Some(Entry::Running { .. }))
    }

    /// Gives up on what should have been answered by now.
    pub(super) fn expire(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            let late = match entry {
                Entry::Starting { deadline, .. } if *deadline <= now => Entry::LateStart,
                Entry::Connecting { deadline, .. } if *deadline <= now => Entry::LateConnect,
                _ => continue,
            };
            std::mem::replace(entry, late).fail(SessionError::TimedOut);
        }
    }

    /// `started` arrived. An error if it answers no start, or with wrong descriptors.
    pub(super) fn started(
        &mut self,
        id: RequestId,
        pid: u32,
        fds: Vec<OwnedFd>,
    ) -> Result<Outcome, Misbehaviour> {
        let (terminal, reply) = match self.entries.remove(&id) {
            Some(Entry::Starting { terminal, reply, .. }) => (terminal, reply),
            Some(Entry::LateStart) => {
                packet::discard(fds);
                let (exit, _) = oneshot::channel();
                self.entries.insert(id, Entry::Running { exit });
                return Ok(Outcome::Unwanted(id));
            }
            _ => {
                packet::discard(fds);
                return Err(unasked("started", id));
            }
        };
        let io = checked_io(terminal, fds).map_err(|error| unusable(id, &error))?;
        let (sender, receiver) = oneshot::channel();
        self.entries.insert(id, Entry::Running { exit: sender });
        let exit = ProgramExit::new(receiver);
        match reply.send(Ok(Started { id, pid, io, exit })) {
            Ok(()) => Ok(Outcome::Done),
            Err(untaken) => {
                packet::discard(untaken);
                Ok(Outcome::Unwanted(id))
            }
        }
    }

    /// `connected` arrived. An error if it answers no connect, or with a wrong socket.
    pub(super) fn connected(&mut self, id: RequestId, fds: Vec<OwnedFd>) -> Result<Outcome, Misbehaviour> {
        match self.entries.remove(&id) {
            Some(Entry::Connecting { target, reply, .. }) => {
                let socket = descriptors::forward(fds, &target).map_err(|error| unusable(id, &error))?;
                if let Err(untaken) = reply.send(Ok(socket)) {
                    packet::discard(untaken);
                }
            }
            Some(Entry::LateConnect) => packet::discard(fds),
            _ => {
                packet::discard(fds);
                return Err(unasked("connected", id));
            }
        }
        Ok(Outcome::Done)
    }

    /// `failed` arrived. An error if it answers neither a start nor a connect.
    pub(super) fn failed(
        &mut self,
        id: RequestId,
        reason: FailReason,
        message: &str,
    ) -> Result<Outcome, Misbehaviour> {
        match self.entries.remove(&id) {
            None | Some(Entry::Running { .. }) => Err(unasked("failed", id)),
            Some(entry) => {
                let message = printable(message);
                entry.fail(SessionError::Refused { reason, message });
                Ok(Outcome::Done)
            }
        }
    }

    /// `exited` arrived. An error if that program does not run, or the signal's name is unusable.
    pub(super) fn exited(&mut self, id: RequestId, status: ExitStatus) -> Result<Outcome, Misbehaviour> {
        match self.entries.remove(&id) {
            Some(Entry::Running { exit }) => {
                let status = checked(status)?;
                // The caller may not care how it ended.
                let _ = exit.send(status);
                Ok(Outcome::Done)
            }
            _ => Err(unasked("exited", id)),
        }
    }

    fn insert(&mut self, entry: Entry) -> RequestId {
        self.last += 1;
        let id = RequestId(self.last);
        self.entries.insert(id, entry);
        id
    }

    /// A request could not even be sent.
    pub(super) fn unsent(&mut self, id: RequestId, error: SessionError) {
        if let Some(entry) = self.entries.remove(&id) {
            entry.fail(error);
        }
    }
}

impl Entry {
    // A receiver that is gone no longer waits for the answer.
    fn fail(self, error: SessionError) {
        match self {
            Self::Starting { reply, .. } => drop(reply.send(Err(error))),
            Self::Connecting { reply, .. } => drop(reply.send(Err(error))),
            Self::LateStart | Self::LateConnect | Self::Running { .. } => {}
        }
    }
}

fn checked_io(terminal: bool, fds: Vec<OwnedFd>) -> Result<CheckedIo, DescriptorError> {
    if terminal {
        descriptors::terminal(fds).map(CheckedIo::Terminal)
    } else {
        descriptors::pipes(fds).map(CheckedIo::Pipes)
    }
}

fn unasked(what: &str, id: RequestId) -> Misbehaviour {
    Misbehaviour(format!("unasked-for {what} for request {}", id.0))
}

fn unusable(id: RequestId, error: &DescriptorError) -> Misbehaviour {
    Misbehaviour(format!("unusable reply to request {}: {error}", id.0))
}

// The name goes into an SSH message, the explanation onto people's terminals.
fn checked(status: ExitStatus) -> Result<ExitStatus, Misbehaviour> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+');
    match &status {
        ExitStatus::Signal { name, .. } if name.is_empty() || name.len() > 32 || !name.chars().all(plain) => {
            Err(Misbehaviour("exit signal without a usable name".to_owned()))
        }
        _ => Ok(status),
    }
}

fn printable(message: &str) -> String {
    let harmless = |c: &char| c.is_ascii_graphic() || *c == ' ';
    message.chars().filter(harmless).take(MAX_EXPLANATION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> Instant {
        Instant::now() + std::time::Duration::from_secs(60)
    }

    #[test]
    fn nothing_may_be_said_unasked() {
        let mut requests = Requests::default();
        let id = RequestId(1);
        assert!(requests.started(id, 1, Vec::new()).is_err());
        assert!(requests.connected(id, Vec::new()).is_err());
        assert!(requests.failed(id, FailReason::Other, "x").is_err());
        assert!(requests.exited(id, ExitStatus::Code { code: 0 }).is_err());
    }

    #[test]
    fn a_late_start_is_killed_and_its_exit_accepted() {
        let mut requests = Requests::default();
        let (reply, mut answer) = oneshot::channel();
        let id = requests.starting(true, reply, Instant::now());
        requests.expire(Instant::now());
        assert!(matches!(answer.try_recv(), Ok(Err(SessionError::TimedOut))));
        let outcome = requests.started(id, 1, Vec::new());
        assert_eq!(outcome, Ok(Outcome::Unwanted(id)));
        let exit = ExitStatus::Code { code: 0 };
        assert_eq!(requests.exited(id, exit.clone()), Ok(Outcome::Done));
        assert!(requests.exited(id, exit).is_err());
    }

    #[test]
    fn an_answer_must_be_of_the_kind_that_was_asked() {
        let mut requests = Requests::default();
        let (reply, _answer) = oneshot::channel();
        let id = requests.starting(false, reply, later());
        assert!(requests.connected(id, Vec::new()).is_err());
    }

    #[test]
    fn explanations_come_without_escapes() {
        assert_eq!(printable("no\x1b[2J such\u{202e} file\n"), "no[2J such file");
        assert_eq!(printable(&"x".repeat(1000)).len(), MAX_EXPLANATION);
    }
}
