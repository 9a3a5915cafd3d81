//! The front's end: starts a holder, hears what it wants, passes signals on.

use std::process::Stdio;

use anyhow::Context;
use tokio::process::Child;

use super::wire::{Order, Receiver, Sender, ToFront, ToHolder};
use crate::own_program;
use crate::platform::{self, LocalStream, Signal};
use crate::words::say;

/// What became of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended with this code, and has said why.
    Code(u8),
    /// It was killed.
    Killed,
}

/// What a front hears.
#[derive(Debug)]
pub(crate) enum Event {
    /// The holder wants something.
    Wants(ToFront),
    /// The holder is gone.
    Ended(Ended),
}

/// A running holder. It outlives this end, and knows that as a session that may be come back to.
pub(crate) struct Holder {
    child: Child,
    sender: Sender,
    receiver: Option<Receiver>,
}

impl Holder {
    /// Starts a holder for `order`.
    pub(crate) async fn start(order: &Order) -> anyhow::Result<Self> {
        let program = own_program::path()?;
        let (ours, theirs) = platform::socket_pair().with_context(|| say!("no-socket"))?;
        let mut command = std::process::Command::new(program);
        command.arg("hold").stdin(Stdio::from(theirs));
        platform::in_own_group(&mut command);
        let child = tokio::process::Command::from(command).spawn();
        let child = child.with_context(|| say!("holder-not-started"))?;
        let (reader, writer) = LocalStream::into_split(ours);
        let mut sender = Sender::new(writer);
        sender.send(order).await;
        Ok(Self { child, sender, receiver: Some(Receiver::new(reader)) })
    }

    /// What happens next. Safe to cancel.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        if let Some(receiver) = &mut self.receiver {
            if let Some(want) = receiver.next().await {
                return Ok(Event::Wants(want));
            }
            self.receiver = None;
        }
        let status = self.child.wait().await.with_context(|| say!("holder-not-waited-for"))?;
        Ok(Event::Ended(
            status.code().map_or(Ended::Killed, |code| Ended::Code(u8::try_from(code).unwrap_or(u8::MAX))),
        ))
    }

    /// Answers.
    pub(crate) async fn send(&mut self, answer: &ToHolder) {
        self.sender.send(answer).await;
    }

    /// Passes a signal on.
    pub(crate) fn signal(&self, signal: Signal) {
        self.child.id().into_iter().for_each(|pid| platform::send_signal(pid, signal));
    }
}
