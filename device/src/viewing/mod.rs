//! `fieldlink watch`: what the engineer's terminals show, as it happens.

mod emulator;
mod picture;
mod plain;
mod terminal;

use std::collections::VecDeque;
use std::future::ready;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use self::picture::Picture;
use self::plain::PlainLines;
use self::terminal::Screen;
use crate::live::{LONGEST_LINE, LiveEvent};
use crate::words::Words;

/// Characters of output that are played at once.
const SLICE: usize = 128;
/// Keys that stop a program: here they only leave.
const INTERRUPT: u8 = 3;
const SUSPEND: u8 = 26;
const QUIT: u8 = 28;

/// The least time between two pictures.
const PICTURE: Duration = Duration::from_millis(40);

/// How the view came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewEnd {
    /// The session is over.
    SessionOver,
    /// Whoever watched has seen enough.
    Left,
    /// The agent is gone, or what it says cannot be read.
    Cut,
}

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
        Manner::Picture => show_picture(words, events).await,
        Manner::Lines => show_lines(words, events).await,
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

async fn show_lines(words: &Words, mut events: Events) -> io::Result<ViewEnd> {
    let mut plain = PlainLines::default();
    while let Some(event) = events.next().await {
        if event == (LiveEvent::End {}) {
            return Ok(ViewEnd::SessionOver);
        }
        let mut out = io::stdout().lock();
        plain.handle(words, event).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        out.flush()?;
    }
    Ok(ViewEnd::Cut)
}

async fn show_picture(words: &Words, events: Events) -> io::Result<ViewEnd> {
    let mut screen = Screen::take()?;
    let mut picture = Picture::default();
    let (mut arriving, mut keys) = (arriving(events), keys());
    let mut resized = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?;
    let mut stops = fieldlink_daemon::StopSignals::listen()?;
    let mut due = Some(Instant::now());
    let mut waiting = VecDeque::new();
    loop {
        // Whoever watches comes first: what is shown may keep this busy.
        tokio::select! {
            biased;
            _ = stops.next() => return Ok(ViewEnd::Left),
            key = keys.recv() => match key {
                Some(b'q' | b'Q' | INTERRUPT | SUSPEND | QUIT) | None => return Ok(ViewEnd::Left),
                Some(b'n' | b'\t') => picture.choose_next(),
                Some(_) => continue,
            },
            Some(()) = resized.recv() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let size = Screen::size();
                let (lines, cursor) = picture.draw(words, size.0, size.1);
                screen.draw(size, lines, cursor)?;
                due = None;
                continue;
            }
            () = ready(()), if !waiting.is_empty() => {
                waiting.pop_front().into_iter().for_each(|event| picture.handle(words, event));
                // Signals and keys are looked at in between.
                yield_now().await;
            }
            event = arriving.recv() => match event {
                None => return Ok(ViewEnd::Cut),
                Some(LiveEvent::End {}) => return Ok(ViewEnd::SessionOver),
                Some(event) => waiting.extend(sliced(event)),
            },
        }
        due = due.or(Some(Instant::now() + PICTURE));
    }
}

/// Output in pieces that are soon drawn: a few bytes can tell a terminal to repeat something many thousand times.
fn sliced(event: LiveEvent) -> Vec<LiveEvent> {
    let LiveEvent::Output { channel, text } = event else { return vec![event] };
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(SLICE).map(|piece| piece.iter().collect());
    pieces.map(|text| LiveEvent::Output { channel, text }).collect()
}

/// Reads events in a task of its own, since a line must be read whole. It ends with the stream, or with its reader.
fn arriving(mut events: Events) -> mpsc::Receiver<LiveEvent> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Keys as they are typed. The thread that reads them ends with the process.
fn keys() -> mpsc::Receiver<u8> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut key = [0];
        while io::stdin().lock().read_exact(&mut key).is_ok() && sender.blocking_send(key[0]).is_ok() {}
    });
    receiver
}
