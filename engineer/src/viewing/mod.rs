//! What the terminals of a session show, and what else happens in it, for those who only watch.

mod labels;
mod seen;

use std::io::{self, IsTerminal};
use std::path::Path;

use fieldlink_protocol::text;
use fieldlink_viewing::{Shown, ViewEnd, show_lines};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use self::labels::English;
pub(crate) use self::seen::seen;
use crate::local_socket::{Request, VIEWED_LINE, Viewed, client};
use crate::platform::{self, LocalStream};

/// Events that wait to be shown.
const QUEUE: usize = 16;

/// Shows what arrives: as a picture where there is a terminal, as lines elsewhere. Returns when whoever watches has seen
/// enough, or nothing comes any more.
pub(crate) async fn show(arriving: mpsc::Receiver<Shown>) -> io::Result<ViewEnd> {
    #[cfg(unix)]
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        // Signals are those of whoever called.
        return fieldlink_viewing::show_picture(&English, arriving, std::future::pending()).await;
    }
    show_lines(&English, arriving).await
}

/// Shows what comes on the socket of a session that is held here.
pub(crate) async fn session(socket: &Path) -> io::Result<ViewEnd> {
    let stream = platform::into_async(client::begin(socket, Request::View)?)?;
    let (sender, arriving) = mpsc::channel(QUEUE);
    let (showing, reading) = (show(arriving), read(stream, sender));
    tokio::pin!(showing);
    tokio::select! {
        biased;
        end = &mut showing => return end,
        () = reading => {}
    }
    // What is there already is shown.
    showing.await
}

/// Reads what there is to show.
async fn read(stream: LocalStream, sender: mpsc::Sender<Shown>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut stream).take(VIEWED_LINE as u64);
        if bounded.read_until(b'\n', &mut line).await.is_err() {
            return;
        }
        let Ok(viewed) = crate::local_socket::decode::<Viewed>(&line) else { return };
        if let Some(shown) = shown(viewed)
            && sender.send(shown).await.is_err()
        {
            return;
        }
    }
}

fn shown(viewed: Viewed) -> Option<Shown> {
    match viewed {
        Viewed::Live { event } => Some(Shown::Live(event)),
        Viewed::Seen { event } => seen(&event).map(Shown::Note),
        Viewed::Note { text } => Some(Shown::Note(text::sentence(&text))),
    }
}
