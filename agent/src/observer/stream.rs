//! One connection of an observer.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fieldlink_protocol::ids::{ObserverId, PipeId, RunId, SessionId};
use fieldlink_protocol::live::LiveEvent;
use fieldlink_protocol::messages::observer::{FromAgent, FromObserver, Seen};
use fieldlink_protocol::messages::report::{ReportPiece, ReportWanted};
use fieldlink_protocol::messages::{decode, encode_fit};
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::ticket::{ObserverTicket, PipeTicket, Signed};
use fieldlink_protocol::{feature, limits};
use fieldlink_transport::{Attached, Dialer, PipeLimits, PipeReader, PipeWriter};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Device;
use super::exchange::exchange;
use crate::live::{Had, Watched};
use crate::record::{Fetch, Reports};

/// What a connection tells of its observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObserverNews {
    /// They watch.
    Here(ObserverId),
    /// This connection is over, and no newer one of the same device took its place.
    Gone(ObserverId),
}

/// The end for a link.
#[derive(Clone)]
pub(crate) struct Over {
    pub reason: Reason,
    /// If they may fetch the report.
    pub fetch: Option<Fetch>,
}

/// What a connection needs.
pub(crate) struct Stream {
    pub dialer: Dialer,
    pub bounds: PipeLimits,
    /// The session as the relay calls it, the run that it stands on, and the link.
    pub who: (SessionId, RunId, ObserverId),
    pub pipe: PipeId,
    pub pipe_ticket: Signed<PipeTicket>,
    /// The link's key, registered.
    pub registration: Arc<Registration>,
    pub device: Arc<Device>,
    /// What terminals show.
    pub watched: Arc<Watched>,
    /// What else happens.
    pub seen: broadcast::Receiver<Seen>,
    /// Another ticket, if the session has got another owner.
    pub tickets: watch::Receiver<Option<Signed<ObserverTicket>>>,
    /// What they are told first.
    pub welcome: Vec<FromAgent>,
    /// That it is over for this link, once it is.
    pub over: watch::Receiver<Option<Over>>,
    pub news: mpsc::Sender<ObserverNews>,
}

impl Over {
    fn at_once(reason: Reason) -> Self {
        Self { reason, fetch: None }
    }
}

impl Stream {
    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        let observer = self.who.2;
        match self.begin().await {
            Ok(()) => tracing::info!(%observer, "an observer's connection is over"),
            Err(reason) => tracing::info!(%observer, %reason, "an observer is not let in"),
        }
    }

    async fn begin(&mut self) -> Result<(), Reason> {
        let attached = timeout(limits::HANDSHAKE, Attached::attach(&self.dialer, &self.pipe_ticket)).await;
        let Ok(Ok(mut attached)) = attached else { return Err(Reason::PartnerMissing) };
        let keys = match exchange(&mut attached, &self.registration, self.who).await {
            Ok(keys) => keys,
            Err(reason) => {
                attached.close(reason.code()).await;
                return Err(reason);
            }
        };
        let (kind, (session, run, _)) = (PipeKind::Observer, self.who);
        let side = Side { role: Role::Agent, pipe: self.pipe, kind, key: keys.pipe_key(self.pipe, kind) };
        let established = attached.establish(side, self.bounds).await;
        let (reader, writer, driver) = established.map_err(|_| Reason::PairingAborted)?;
        let opener = Opener::new(&keys.engineer_to_agent, session, run, Role::Engineer);
        let sealer = Sealer::new(&keys.agent_to_engineer, session, run, Role::Agent);
        let (stop, why) = (CancellationToken::new(), OnceLock::new());
        let driving =
            driver.run(stop.clone(), || why.get().unwrap_or(&Reason::AgentStopped).code().to_owned());
        let showing = async {
            let mut show = Show { sealer, writer, pending: Bytes::new() };
            let mut heard = (opener, reader);
            let Over { reason, fetch } = self.show(&mut show, &mut heard).await;
            let _ = why.set(reason);
            if let Some(fetch) = fetch {
                let serving = serve(&mut show, heard, (reason, &fetch.reports));
                fetch.reports.over.run_until_cancelled(serving).await;
            }
            // They read it here, or off the pipe's close.
            let said = async {
                let _ = show.say(&FromAgent::End { reason }).await;
                let _ = show.writer.shutdown().await;
            };
            let _ = timeout(limits::CLOSE, said).await;
            drop(show);
            tokio::time::sleep(limits::CLOSE).await;
            stop.cancel();
        };
        let (end, ()) = tokio::join!(driving, showing);
        tracing::debug!(?end, "an observer's pipe ended");
        Ok(())
    }

    /// Shows everything, until one side is done.
    async fn show(&mut self, show: &mut Show, heard: &mut (Opener, PipeReader)) -> Over {
        let hello = timeout(limits::HANDSHAKE, hear(heard)).await;
        let Ok(Some(FromObserver::Hello { device, places, features, .. })) = hello else {
            return Over::at_once(Reason::Incompatible);
        };
        let Some(replaced) = self.device.claim(&device) else {
            return Over::at_once(Reason::OtherDevice);
        };
        let observer = self.who.2;
        let _ = self.news.send(ObserverNews::Here(observer)).await;
        let mut over = self.over.clone();
        let over = tokio::select! {
            biased;
            () = replaced.cancelled() => return Over::at_once(Reason::EngineerLost),
            over = over.wait_for(Option::is_some) => {
                let over = over.ok().and_then(|over| over.clone());
                over.unwrap_or(Over::at_once(Reason::AgentStopped))
            }
            // Whatever they say after the first message is one too many. They may leave.
            said = heard.1.next() => match said {
                Some(_) => {
                    tracing::warn!(%observer, "an observer said something: cut off");
                    Over::at_once(Reason::Incompatible)
                }
                None => Over::at_once(Reason::EngineerEnded),
            },
            () = self.follow(show, &places) => Over::at_once(Reason::ConnectionLost),
        };
        let _ = self.news.send(ObserverNews::Gone(observer)).await;
        Over { fetch: over.fetch.filter(|_| features.has(feature::REPORT)), ..over }
    }

    /// Returns when the observer takes nothing any more, or there is nothing to see.
    async fn follow(&mut self, show: &mut Show, places: &[(u64, u64)]) {
        for message in std::mem::take(&mut self.welcome) {
            if show.say(&message).await.is_none() {
                return;
            }
        }
        let (mut had, mut news) = (self.watched.attach_at(places), self.watched.news());
        loop {
            news.borrow_and_update();
            let Some(shown) = show.live(&self.watched, &mut had).await else { return };
            let message = tokio::select! {
                biased;
                event = self.seen.recv() => match event {
                    Ok(event) => FromAgent::Seen { event },
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                Ok(()) = self.tickets.changed() => match self.tickets.borrow_and_update().clone() {
                    Some(observer_ticket) => FromAgent::Ticket { observer_ticket },
                    None => continue,
                },
                () = std::future::ready(()), if shown > 0 => continue,
                changed = news.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return std::future::pending().await,
                },
            };
            if show.say(&message).await.is_none() {
                return;
            }
        }
    }
}

/// The way to the observer.
struct Show {
    sealer: Sealer,
    writer: PipeWriter,
    /// What is sealed and not written.
    pending: Bytes,
}

impl Show {
    /// `None`: it is over. Safe to cancel: what is left goes before what is said next, as it was sealed before.
    async fn say(&mut self, message: &FromAgent) -> Option<()> {
        self.flush().await?;
        let text = match encode_fit(message) {
            Ok(text) => text,
            Err(unfit) => {
                tracing::error!(%unfit, "something is not shown to an observer");
                return Some(());
            }
        };
        self.pending = self.sealer.seal(text.as_bytes()).ok()?;
        self.flush().await
    }

    async fn flush(&mut self) -> Option<()> {
        while !self.pending.is_empty() {
            self.writer.write_buf(&mut self.pending).await.ok().filter(|written| *written > 0)?;
        }
        Some(())
    }

    /// Shows what they have not had; how many events that was.
    async fn live(&mut self, watched: &Watched, had: &mut Had) -> Option<usize> {
        let events = watched.next(had);
        let count = events.len();
        for event in events {
            let place = match &event {
                LiveEvent::Output { channel, .. } => had.place(*channel),
                _ => None,
            };
            self.say(&FromAgent::Live { event, place }).await?;
        }
        Some(count)
    }
}

/// Gives the pieces of the report that are asked for, until the observer leaves.
async fn serve(show: &mut Show, mut heard: (Opener, PipeReader), (reason, reports): (Reason, &Reports)) {
    let mut said = show.say(&FromAgent::Closing { reason }).await;
    let mut asked = VecDeque::<ReportWanted>::new();
    // One at a time; what is heard meanwhile does not begin it anew.
    let mut making: Option<BoxFuture<'_, ReportPiece>> = None;
    while said.is_some() {
        if making.is_none() {
            making = asked.pop_front().map(|wanted| async move { reports.piece(&wanted).await }.boxed());
        }
        // It may take until the client has spoken: whoever leaves meanwhile is noticed.
        let made = async {
            match &mut making {
                Some(making) => making.await,
                None => std::future::pending().await,
            }
        };
        let piece = tokio::select! {
            piece = made => piece,
            said = hear(&mut heard) => match said {
                Some(FromObserver::Fetch { wanted }) if asked.len() < limits::REPORT_PIECES => {
                    asked.push_back(wanted);
                    continue;
                }
                _ => return,
            },
        };
        making = None;
        said = show.say(&FromAgent::Report { piece }).await;
    }
}

/// The next message. Safe to cancel.
async fn hear((opener, reader): &mut (Opener, PipeReader)) -> Option<FromObserver> {
    loop {
        if let Some(message) = opener.open_next().ok()? {
            return decode(&message).ok();
        }
        opener.receive(&reader.next().await?);
    }
}
