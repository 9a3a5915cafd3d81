//! The picture on a terminal, for as long as somebody watches.

use std::collections::VecDeque;
use std::future::ready;
use std::io::{self, Read};
use std::time::Duration;

use fieldlink_protocol::live::LiveEvent;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::picture::Picture;
use crate::terminal::Screen;
use crate::{Labels, Shown, ViewEnd};

/// Characters of output that are played at once.
const SLICE: usize = 128;
/// Keys that stop a program: here they only leave.
const INTERRUPT: u8 = 3;
const SUSPEND: u8 = 26;
const QUIT: u8 = 28;

/// The least time between two pictures.
const PICTURE: Duration = Duration::from_millis(40);

/// Shows a picture until the session is over, whoever watches has seen enough, or `stop` comes.
pub async fn show_picture(
    labels: &impl Labels,
    mut arriving: mpsc::Receiver<Shown>,
    stop: impl Future<Output = ()>,
) -> io::Result<ViewEnd> {
    let mut screen = Screen::take()?;
    let (mut picture, mut keys, mut stop) = (Picture::default(), keys(), std::pin::pin!(stop));
    let mut resized = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?;
    let mut due = Some(Instant::now());
    let mut waiting = VecDeque::new();
    loop {
        // Whoever watches comes first: what is shown may keep this busy.
        tokio::select! {
            biased;
            () = &mut stop => return Ok(ViewEnd::Left),
            key = keys.recv() => match key {
                Some(b'q' | b'Q' | INTERRUPT | SUSPEND | QUIT) | None => return Ok(ViewEnd::Left),
                Some(b'n' | b'\t') => picture.choose_next(),
                Some(_) => continue,
            },
            Some(()) = resized.recv() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let size = Screen::size();
                let (lines, cursor) = picture.draw(labels, size.0, size.1);
                screen.draw(size, lines, cursor)?;
                due = None;
                continue;
            }
            () = ready(()), if !waiting.is_empty() => {
                waiting.pop_front().into_iter().for_each(|event| picture.handle(labels, event));
                // Signals and keys are looked at in between.
                yield_now().await;
            }
            event = arriving.recv() => match event {
                None => return Ok(ViewEnd::Cut),
                Some(Shown::Live(LiveEvent::End {})) => return Ok(ViewEnd::SessionOver),
                Some(event) => waiting.extend(sliced(event)),
            },
        }
        due = due.or(Some(Instant::now() + PICTURE));
    }
}

/// Output in pieces that are soon drawn: a few bytes can tell a terminal to repeat something many thousand times.
fn sliced(event: Shown) -> Vec<Shown> {
    let Shown::Live(LiveEvent::Output { channel, text }) = event else { return vec![event] };
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(SLICE).map(|piece| piece.iter().collect());
    pieces.map(|text| Shown::Live(LiveEvent::Output { channel, text })).collect()
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
