//! `/v1/pipe`: one side of a pipe attaches, waits for the other, and is spliced with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{Role, closing};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::PipeTicket;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::config::Limits;
use crate::control::close_code;
use crate::directory::{Aftermath, AttachRefusal, CloseCause, PipeEnd};
use crate::fault::Fault;
use crate::pace::Pace;
use crate::socket::{PipeSocket, WebSocket, say_goodbye};
use crate::splice::{Splice, SpliceEnd};
use crate::switchboard::{Seat, Seated, Switchboard};

/// Messages that are kept for a partner that is not there yet. Then no more is read.
const EARLY: usize = 2;
/// Messages, pings most of all, that are read in a stretch of time from a connection that waits.
pub(super) const MESSAGES: u32 = 20;
pub(super) const STRETCH: Duration = Duration::from_millis(100);

/// How the wait for a partner ended.
enum Wait {
    Joined(Box<PipeSocket>),
    Parted(CloseCause),
    NobodyCame,
    Silent,
    NotData,
    Closed(Option<CloseFrame>),
    Fault(Fault),
}

/// Serves one connection of one side.
pub(crate) async fn serve(
    socket: PipeSocket,
    ticket: PipeTicket,
    switchboard: Arc<Switchboard>,
    limits: Arc<Limits>,
) {
    let Some(side) = ticket.side.known() else {
        return close(socket.web_socket, policy_frame("side-unknown")).await;
    };
    let frame = match switchboard.attach(&ticket, socket.hello.as_ref(), socket.heard) {
        Ok(Seated::First(seat, partner)) => {
            return wait_and_splice(socket, side, seat, partner, &limits).await;
        }
        Ok(Seated::Second(handover)) => match handover.hand_over(Box::new(socket)) {
            Ok(()) => return,
            Err(back) => return close(back.web_socket, reason_frame(Reason::PartnerMissing)).await,
        },
        // The session ended, or the pipe was closed, since the ticket was checked.
        Err(AttachRefusal::SessionOver) => policy_frame("session-over"),
        Err(AttachRefusal::UnknownSide) => policy_frame("side-unknown"),
        Err(AttachRefusal::TicketUsed) => policy_frame("ticket-used"),
        Err(AttachRefusal::Pending | AttachRefusal::NoSpare) => again_frame(),
    };
    close(socket.web_socket, frame).await;
}

async fn wait_and_splice(
    mut socket: PipeSocket,
    side: Role,
    seat: Seat,
    mut partner: oneshot::Receiver<Box<PipeSocket>>,
    limits: &Limits,
) {
    let mut early: VecDeque<_> = socket.hello.take().into_iter().collect();
    let wait = wait(&mut socket.web_socket, &mut early, &seat, &mut partner, limits.session_silence).await;
    if let Wait::Joined(partner) = wait {
        return splice(socket, *partner, side, early, seat, limits.write).await;
    }
    let (own, others) = give_up(wait, &seat, side);
    drop(seat);
    // A partner that came just now is told to attach again, as after any other loss of a connection.
    partner.close();
    let late = partner.try_recv().ok().map(|partner| partner.web_socket);
    tokio::join!(close_if(Some(socket.web_socket), own), close_if(late, Some(others)));
}

/// The close frames for the connection that waited, and for a partner that came too late.
fn give_up(wait: Wait, seat: &Seat, side: Role) -> (Option<CloseFrame>, CloseFrame) {
    let mut others = again_frame();
    let own = match wait {
        Wait::Joined(_) => None,
        Wait::Fault(fault) => fault.frame(),
        Wait::Parted(parting) => {
            others = close_frame_of(parting, side.peer());
            Some(close_frame_of(parting, side))
        }
        Wait::NobodyCame => {
            seat.end(PipeEnd::NobodyCame);
            Some(reason_frame(Reason::PartnerMissing))
        }
        // If it is there after all, it may come again.
        Wait::Silent => Some(again_frame()),
        Wait::NotData => Some(CloseFrame { code: CloseCode::Unsupported, reason: "not-data".into() }),
        Wait::Closed(frame) => {
            let text = frame.as_ref().map_or("", |frame| frame.reason.as_str());
            let reason = Reason::from_code(text);
            // A goodbye without a reason does not close the pipe here: it has no partner to be meant for.
            if !closing::goes_on(text) && (reason.is_some() || text == closing::DONE) {
                seat.end(PipeEnd::Closed { by: side, reason });
            }
            Some(frame.unwrap_or_else(done_frame))
        }
    };
    (own, others)
}

/// Reads a little, so that pings are answered; the rest stays with the sender. A side that comes back to a pipe and
/// is silent for `silence` counts as gone.
async fn wait(
    socket: &mut WebSocket,
    early: &mut VecDeque<Message>,
    seat: &Seat,
    partner: &mut oneshot::Receiver<Box<PipeSocket>>,
    silence: Duration,
) -> Wait {
    let mut silent = Instant::now() + silence;
    let mut pace = Pace::new(MESSAGES, STRETCH, Instant::now().into_std());
    loop {
        tokio::select! {
            biased;
            parting = seat.parted() => return Wait::Parted(parting),
            joined = &mut *partner => {
                return joined.map_or(Wait::Fault(Fault::Gone), Wait::Joined);
            }
            () = sleep_until(seat.until.into()) => return Wait::NobodyCame,
            () = sleep_until(silent), if seat.again && early.len() < EARLY => return Wait::Silent,
            received = socket.next(), if early.len() < EARLY => {
                silent = Instant::now() + silence;
                if let Some(until) = pace.count(|| Instant::now().into_std()) {
                    sleep_until(until.into()).await;
                }
                match received {
                    Some(Ok(message @ Message::Binary(_))) => early.push_back(message),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Text(_))) => return Wait::NotData,
                    Some(Ok(Message::Close(frame))) => return Wait::Closed(frame),
                    Some(Err(error)) => return Wait::Fault(Fault::from(&error)),
                    None => return Wait::Fault(Fault::Gone),
                }
            },
        }
    }
}

async fn splice(
    first: PipeSocket,
    second: PipeSocket,
    first_side: Role,
    mut early: VecDeque<Message>,
    seat: Seat,
    write: Duration,
) {
    let PipeSocket { web_socket: first, permit: _first_permit, .. } = first;
    let PipeSocket { web_socket: second, hello, heard, permit: _second_permit } = second;
    if heard.is_some() {
        // Our HELLO, which came with our request.
        early.pop_front();
    }
    let early = [early, hello.into_iter().collect()];
    let mut splice = Splice::new([first, second], first_side, early, seat.traffic.clone(), write);
    let told = |parting| [first_side, first_side.peer()].map(|side| close_frame_of(parting, side));
    let (frames, orderly) = loop {
        tokio::select! {
            biased;
            parting = seat.parted() => {
                if parting == CloseCause::Reason(Reason::RelayStopping) {
                    let _ = timeout(limits::CLOSE, splice.settle()).await;
                }
                break (told(parting), false);
            }
            side = seat.prodded() => splice.prod(side),
            end = splice.run() => break match seat.end(pipe_end(&end)) {
                Some(aftermath) => (end.frames(partner_frame(aftermath)), end.is_orderly()),
                // The relay was about to say something itself.
                None => (told(seat.parted().await), false),
            },
        }
    };
    drop(seat);
    tracing::debug!(rests = splice.rests(), "splice is over");
    let patience = if orderly { write } else { limits::CLOSE };
    let ([first, second], [first_frame, second_frame]) = (splice.into_sockets(), frames);
    tokio::join!(say_goodbye(first, first_frame, patience), say_goodbye(second, second_frame, patience));
}

/// How the directory is told of a splice's end.
fn pipe_end(end: &SpliceEnd) -> PipeEnd {
    match end.close_text() {
        None => PipeEnd::Lost,
        Some(closing::MOVED) => PipeEnd::Moved,
        Some(text) if closing::goes_on(text) => PipeEnd::Lost,
        Some(text) => PipeEnd::Closed { by: end.by, reason: Reason::from_code(text) },
    }
}

/// What the partner of a connection that has ended is told; `None` if it is told the same.
fn partner_frame(aftermath: Aftermath) -> Option<CloseFrame> {
    match aftermath {
        Aftermath::Closed => None,
        Aftermath::Moved => Some(CloseFrame { code: CloseCode::Normal, reason: closing::MOVED.into() }),
        Aftermath::GoesOn => Some(again_frame()),
    }
}

pub(super) fn close_frame_of(parting: CloseCause, side: Role) -> CloseFrame {
    match parting {
        CloseCause::Reason(reason) => reason_frame(reason),
        CloseCause::Done => done_frame(),
        CloseCause::Displaced(displaced) if displaced == side => policy_frame(closing::REPLACED),
        CloseCause::Displaced(_) => again_frame(),
    }
}

fn reason_frame(reason: Reason) -> CloseFrame {
    CloseFrame { code: close_code(reason), reason: reason.code().into() }
}

fn policy_frame(text: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::Policy, reason: text.into() }
}

/// What a side is told that is to come again.
pub(crate) fn again_frame() -> CloseFrame {
    CloseFrame { code: CloseCode::Away, reason: closing::ATTACH_AGAIN.into() }
}

fn done_frame() -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: closing::DONE.into() }
}

async fn close_if(socket: Option<WebSocket>, frame: Option<CloseFrame>) {
    if let (Some(socket), Some(frame)) = (socket, frame) {
        close(socket, frame).await;
    }
}

/// Says goodbye.
pub(crate) async fn close(socket: WebSocket, frame: CloseFrame) {
    say_goodbye(socket, frame, limits::CLOSE).await;
}
