//! `/v1/pipe`: one side of a pipe attaches, waits for the other, and is spliced with it.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::PipeTicket;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::config::Limits;
use crate::control::close_code;
use crate::directory::{AttachRefusal, PipeEnd};
use crate::socket::{PipeSocket, WebSocket, say_goodbye};
use crate::splice::{Splice, SpliceEnd};
use crate::switchboard::{Seat, Seated, Switchboard};

/// How the wait for a partner ended.
enum Wait {
    Joined(Box<PipeSocket>),
    Cut(Reason),
    Replaced,
    NobodyCame,
    NotData,
    Gone,
}

/// Serves one connection of one side.
pub async fn serve(socket: PipeSocket, ticket: PipeTicket, switchboard: Arc<Switchboard>, limits: Limits) {
    match switchboard.attach(&ticket) {
        Ok(Seated::First(seat, partner)) => {
            wait_and_splice(socket, ticket.side, seat, partner, &limits).await
        }
        Ok(Seated::Second(handover)) => {
            if let Err(socket) = handover.hand_over(Box::new(socket)) {
                close(socket.web_socket, reason_frame(Reason::PartnerMissing)).await;
            }
        }
        // The session ended, or another connection was quicker, since the ticket was checked.
        Err(AttachRefusal::SessionOver) => close(socket.web_socket, policy_frame("session-over")).await,
        Err(AttachRefusal::TicketUsed) => close(socket.web_socket, policy_frame("ticket-used")).await,
    }
}

async fn wait_and_splice(
    mut socket: PipeSocket,
    side: Role,
    seat: Seat,
    partner: oneshot::Receiver<Box<PipeSocket>>,
    limits: &Limits,
) {
    let mut early = None;
    let until = Instant::now() + limits.handshake;
    let frame = match wait(&mut socket.web_socket, &mut early, &seat, partner, until).await {
        Wait::Joined(partner) => {
            return splice(socket, *partner, side, early, seat, limits.write).await;
        }
        Wait::Gone => return,
        Wait::NobodyCame => {
            seat.finish(PipeEnd::default());
            reason_frame(Reason::PartnerMissing)
        }
        Wait::Cut(reason) => reason_frame(reason),
        Wait::Replaced => policy_frame("replaced"),
        Wait::NotData => policy_frame("not-data"),
    };
    drop(seat);
    close(socket.web_socket, frame).await;
}

/// Reads one message at most: it is kept for the partner, and the rest stays with the sender.
async fn wait(
    socket: &mut WebSocket,
    early: &mut Option<Message>,
    seat: &Seat,
    mut partner: oneshot::Receiver<Box<PipeSocket>>,
    until: Instant,
) -> Wait {
    loop {
        tokio::select! {
            biased;
            reason = seat.cut.fired() => return Wait::Cut(reason),
            joined = &mut partner => {
                return joined.map_or(Wait::Replaced, Wait::Joined);
            }
            () = sleep_until(until) => return Wait::NobodyCame,
            received = socket.next(), if early.is_none() => match received {
                Some(Ok(message @ Message::Binary(_))) => *early = Some(message),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => return Wait::NotData,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Wait::Gone,
            },
        }
    }
}

async fn splice(
    first: PipeSocket,
    second: PipeSocket,
    first_side: Role,
    early: Option<Message>,
    seat: Seat,
    write: Duration,
) {
    let PipeSocket { web_socket: first, permit: _first_permit } = first;
    let PipeSocket { web_socket: second, permit: _second_permit } = second;
    let mut splice = Splice::new(first, second, first_side, early, seat.traffic.clone());
    let (frames, orderly) = tokio::select! {
        biased;
        reason = seat.cut.fired() => ([reason_frame(reason), reason_frame(reason)], false),
        end = splice.run(write) => {
            seat.finish(pipe_end(&end));
            (end.frames(), end.is_orderly())
        }
    };
    drop(seat);
    let patience = if orderly { write } else { limits::CLOSE };
    let ([first, second], [first_frame, second_frame]) = (splice.into_sockets(), frames);
    tokio::join!(say_goodbye(first, first_frame, patience), say_goodbye(second, second_frame, patience));
}

/// What the directory is told.
fn pipe_end(end: &SpliceEnd) -> PipeEnd {
    let text = end.close_text().unwrap_or_default();
    PipeEnd { by: Some(end.by), reason: Reason::ALL.iter().copied().find(|reason| reason.code() == text) }
}

fn reason_frame(reason: Reason) -> CloseFrame {
    CloseFrame { code: close_code(reason), reason: reason.code().into() }
}

fn policy_frame(text: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::Policy, reason: text.into() }
}

async fn close(socket: WebSocket, frame: CloseFrame) {
    say_goodbye(socket, frame, limits::CLOSE).await;
}
