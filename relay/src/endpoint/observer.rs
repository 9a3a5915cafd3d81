//! `/v1/observer`: somebody with an observer ticket asks for a pipe to watch on. One answer, and for who listed that they
//! take them, the anchors of the session as long as it lasts.

use std::net::IpAddr;
use std::sync::Arc;

use fieldlink_protocol::ids::{ObserverId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::observer::{Nothing, ToObserver};
use fieldlink_protocol::ticket::ObserverTicket;
use futures_util::SinkExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::config::Limits;
use crate::control::{Control, Haste};
use crate::permits::Permit;
use crate::socket::{WebSocket, say_goodbye};
use crate::switchboard::Switchboard;

/// What an observer has shown.
pub(crate) struct Observer {
    /// Who they are.
    pub ticket: ObserverTicket,
    /// Whether they take anchors.
    pub takes_anchors: bool,
    /// Where they connect from.
    pub address: IpAddr,
}

/// Serves one request. The pipe that it leads to is attached to on a connection of its own.
pub(crate) async fn serve(
    mut socket: WebSocket,
    observer: Observer,
    switchboard: Arc<Switchboard>,
    limits: Arc<Limits>,
    _permit: Permit,
) {
    let ticket = &observer.ticket;
    let answer = switchboard.watch(ticket).await;
    let sent = timeout(limits::CLOSE, socket.send(Message::text(encode(&answer)))).await;
    let is_sent = matches!(sent, Ok(Ok(())));
    tracing::debug!(session = %ticket.session, observer = %ticket.observer, is_sent, "an observer is there");
    match answer {
        ToObserver::Opened { session, observer: link, .. } if observer.takes_anchors && is_sent => {
            stay(socket, &observer, switchboard, limits, (session, link)).await;
        }
        _ => {
            let frame = CloseFrame { code: CloseCode::Normal, reason: "answered".into() };
            say_goodbye(socket, frame, limits::CLOSE).await;
        }
    }
}

/// Tells anchors until the session or the link is over, or they are gone. There is nothing that they could say.
async fn stay(
    socket: WebSocket,
    observer: &Observer,
    switchboard: Arc<Switchboard>,
    limits: Arc<Limits>,
    (session, link): (SessionId, ObserverId),
) {
    let mailbox = switchboard.connect_onlooker(observer.address);
    if !switchboard.look_on(&mailbox, session, link) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "answered".into() };
        return say_goodbye(socket, frame, limits::CLOSE).await;
    }
    let mut control = Control::new(socket, mailbox, limits, true, Haste::Cut);
    let end = match control.next::<Nothing>().await {
        Ok(nothing) => match nothing {},
        Err(end) => end,
    };
    tracing::debug!(%session, observer = %link, %end, "an observer is told nothing more");
    control.close(end).await;
}
