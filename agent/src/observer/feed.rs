//! What a further engineer who only watches is shown: over their own control channel, as fast as that takes it.

use std::sync::Arc;

use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::observer::Seen;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;

use crate::live::Watched;

/// Shows everything until the channel, or the session, is over.
pub(crate) async fn feed(
    watched: Arc<Watched>,
    mut seen: broadcast::Receiver<Seen>,
    outgoing: mpsc::Sender<FromAgent>,
) {
    let (mut had, mut news) = (watched.attach_at(&[]), watched.news());
    loop {
        news.borrow_and_update();
        let events = watched.next(&mut had);
        let is_new = !events.is_empty();
        for event in events {
            if outgoing.send(FromAgent::Live { event }).await.is_err() {
                return;
            }
        }
        let event = tokio::select! {
            biased;
            event = seen.recv() => event,
            () = std::future::ready(()), if is_new => continue,
            changed = news.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        match event {
            Ok(event) => drop(outgoing.send(FromAgent::Seen { event }).await),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
