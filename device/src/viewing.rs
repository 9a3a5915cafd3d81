//! `fieldlink watch`: what the engineer's terminals show, as it happens.

use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use fieldlink_viewing::{Shown, show_lines, show_picture};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

pub use fieldlink_viewing::ViewEnd;

use crate::live::{LONGEST_LINE, LiveEvent};
use crate::words::Words;

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A picture on a terminal.
    Picture,
    /// Lines of text.
    Lines,
    /// The events as they come, one JSON object a line.
    Json,
}

impl Manner {
    /// A picture where there is a terminal.
    pub fn of(json: bool) -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        match (json, is_terminal) {
            (true, _) => Self::Json,
            (false, true) => Self::Picture,
            (false, false) => Self::Lines,
        }
    }
}

/// Shows the stream that the agent gave, until one side is done.
pub async fn run(words: &Words, stream: OwnedFd, manner: Manner) -> io::Result<ViewEnd> {
    let stream = StdUnixStream::from(stream);
    stream.set_nonblocking(true)?;
    let events = Events(BufReader::new(UnixStream::from_std(stream)?));
    match manner {
        Manner::Picture => {
            let mut stops = fieldlink_daemon::StopSignals::listen()?;
            let stop = async {
                stops.next().await;
            };
            show_picture(words, arriving(events), stop).await
        }
        Manner::Lines => show_lines(words, arriving(events)).await,
        Manner::Json => pass_on(events).await,
    }
}

struct Events(BufReader<UnixStream>);

impl Events {
    /// The next event's line; none at the end. Not safe to cancel.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let read = (&mut self.0).take(LONGEST_LINE as u64).read_until(b'\n', &mut line).await;
        (read.is_ok() && line.last() == Some(&b'\n')).then_some(line)
    }

    async fn next(&mut self) -> Option<LiveEvent> {
        serde_json::from_slice(&self.line().await?).ok()
    }
}

async fn pass_on(mut events: Events) -> io::Result<ViewEnd> {
    while let Some(line) = events.line().await {
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()?;
        if matches!(serde_json::from_slice(&line), Ok(LiveEvent::End {})) {
            return Ok(ViewEnd::SessionOver);
        }
    }
    Ok(ViewEnd::Cut)
}

/// Reads events in a task of its own, since a line must be read whole. It ends with the stream, or with its reader.
fn arriving(mut events: Events) -> mpsc::Receiver<Shown> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if sender.send(Shown::Live(event)).await.is_err() {
                return;
            }
        }
    });
    receiver
}
