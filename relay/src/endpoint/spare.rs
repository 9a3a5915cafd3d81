//! A connection in reserve, at a pipe that has another: it waits until its side says HELLO on it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::pipe::Hello;
use fieldlink_protocol::ticket::PipeTicket;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use super::pipe::{self, MESSAGES, STRETCH, again_frame, close, close_frame_of};
use crate::config::Limits;
use crate::directory::CloseCause;
use crate::pace::Pace;
use crate::socket::{PipeSocket, WebSocket};
use crate::switchboard::{SpareSeat, Switchboard};

/// How the reserve ended.
enum Reserve {
    /// The side's first message, its HELLO. Whether it is the pipe's own is for the partner to judge.
    Used(Bytes),
    Parted(CloseCause),
    /// It is silent, gone, closed by its side, or said something else. It means nothing for the pipe.
    Over,
}

/// Serves a spare connection, and the attachment that it becomes.
pub(crate) async fn serve(
    mut socket: PipeSocket,
    ticket: PipeTicket,
    switchboard: Arc<Switchboard>,
    limits: Arc<Limits>,
) {
    let (Ok(seat), Some(side)) = (switchboard.keep_spare(&ticket), ticket.side.known()) else {
        return close(socket.web_socket, again_frame()).await;
    };
    let reserve = wait(&mut socket.web_socket, &seat, limits.session_silence).await;
    drop(seat);
    match reserve {
        Reserve::Used(hello) => {
            let socket = PipeSocket { hello: Some(Message::Binary(hello)), ..socket };
            pipe::serve(socket, ticket, switchboard, limits).await;
        }
        Reserve::Parted(cause) => close(socket.web_socket, close_frame_of(cause, side)).await,
        Reserve::Over => close(socket.web_socket, again_frame()).await,
    }
}

/// Answers pings until there is something to say. A connection that is silent for `silence` counts as gone.
async fn wait(socket: &mut WebSocket, seat: &SpareSeat, silence: Duration) -> Reserve {
    let mut silent = Instant::now() + silence;
    let mut pace = Pace::new(MESSAGES, STRETCH, Instant::now().into_std());
    loop {
        tokio::select! {
            biased;
            parting = seat.parted() => return Reserve::Parted(parting),
            () = sleep_until(silent) => return Reserve::Over,
            received = socket.next() => {
                silent = Instant::now() + silence;
                if let Some(until) = pace.count(|| Instant::now().into_std()) {
                    sleep_until(until.into()).await;
                }
                match received {
                    Some(Ok(Message::Binary(hello))) if Hello::is_one(&hello) => return Reserve::Used(hello),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(_) | Err(_)) | None => return Reserve::Over,
                }
            },
        }
    }
}
