//! A session that is watched with a link, from the first contact to its end: over as many connections as it takes.

mod contact;
mod memory;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fieldlink_protocol::limits;
use fieldlink_protocol::link::LinkKey;
use fieldlink_protocol::live::LiveEvent;
use fieldlink_protocol::messages::decode;
use fieldlink_protocol::messages::observer::FromAgent;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;
use fieldlink_protocol::ticket::{ObserverTicket, Signed};
use fieldlink_transport::{Backoff, Dialer, PipeLimits};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::memory::Memory;

use self::contact::{Contact, NoContact, Opened};
use crate::anchors::AnchorBook;
use crate::context::ReportSettings;
use crate::exit::Failure;
use crate::reports::{About, Fetching, PATIENCE, Shelved};
use crate::words::say;

/// Longest pause between two connections.
const PAUSE: Duration = Duration::from_secs(5);

/// What whoever watches gets to see.
#[derive(Debug)]
pub(crate) enum Watched {
    /// A message of the scanner's. **Not cleaned**.
    Heard(FromAgent),
    /// What the relay signed of the session is not kept, and why.
    NotAnchored(String),
    /// Where the report is, without what the client may still say of the session.
    ReportSoFar(PathBuf),
    /// The report could not be kept, and why.
    ReportNotKept(String),
    /// The connection was lost, and is tried again.
    Lost,
}

/// How it came to its end.
#[derive(Debug)]
pub(crate) enum WatchEnd {
    /// By the scanner's word, or the relay's; where the report is, if there is one for this observer.
    Over(Reason, Option<PathBuf>),
    /// There was no way to it.
    Failed(Failure),
    /// Nobody takes anything any more.
    Left,
}

/// Somebody who watches.
pub(crate) struct Watcher {
    pub dialer: Dialer,
    pub bounds: PipeLimits,
    pub key: LinkKey,
    /// The device's own secret, and the latest ticket.
    pub memory: Memory,
    pub sender: mpsc::Sender<Watched>,
    /// Where what the relay signs of the session is kept.
    pub anchors: AnchorBook,
    /// Where the report goes, if the client lets this observer have it.
    pub reports: Option<ReportSettings>,
    /// Bytes of output that were had, by channel.
    pub places: BTreeMap<u64, u64>,
    /// The scanner's name and the support case, as the scanner says.
    pub about: (String, String),
}

impl Watcher {
    /// Watches to the end, or until nobody takes anything any more.
    pub(crate) async fn run(self) -> WatchEnd {
        let sender = self.sender.clone();
        tokio::select! {
            biased;
            () = sender.closed() => WatchEnd::Left,
            end = self.watch() => end,
        }
    }

    async fn watch(mut self) -> WatchEnd {
        let (mut backoff, mut lost) = (Backoff::new(PAUSE), Instant::now());
        let mut was_there = false;
        loop {
            let Self { dialer, bounds, key, anchors, sender, .. } = &self;
            let contact = Contact { dialer, bounds: *bounds, key, anchors, sender };
            match contact
                .open(self.memory.ticket(), self.memory.hello(&self.places, self.reports.is_some()))
                .await
            {
                Ok(opened) => {
                    was_there = true;
                    backoff.reset();
                    if let Some(end) = self.follow(opened).await {
                        return end;
                    }
                    lost = Instant::now();
                    if self.sender.send(Watched::Lost).await.is_err() {
                        return WatchEnd::Left;
                    }
                }
                Err(NoContact::Over(reason)) => return WatchEnd::Over(reason, None),
                // What will not be better in a minute is told at once.
                Err(NoContact::Failed(failure, false)) if !was_there => return WatchEnd::Failed(failure),
                Err(NoContact::Failed(failure, _)) if lost.elapsed() >= limits::INTERRUPTION => {
                    return WatchEnd::Failed(failure);
                }
                Err(NoContact::Failed(..)) => {}
            }
            sleep(backoff.next_delay()).await;
        }
    }

    /// Until the pipe is over; the end, if it was one for good.
    async fn follow(&mut self, mut opened: Opened) -> Option<WatchEnd> {
        while let Some(message) = opened.next().await {
            let Ok(message) = decode::<FromAgent>(&message) else {
                return Some(WatchEnd::Over(Reason::Incompatible, None));
            };
            match message {
                FromAgent::End { reason } if is_passing(reason) => break,
                FromAgent::End { reason } => {
                    opened.last_anchor().await;
                    return Some(WatchEnd::Over(reason, None));
                }
                FromAgent::Closing { reason } => {
                    if self.sender.send(Watched::Heard(FromAgent::Closing { reason })).await.is_err() {
                        return Some(WatchEnd::Left);
                    }
                    let report = self.fetch(&mut opened).await;
                    opened.last_anchor().await;
                    return Some(WatchEnd::Over(reason, report));
                }
                FromAgent::Ticket { observer_ticket } => self.keep(observer_ticket),
                message => {
                    self.note_place(&message);
                    if self.sender.send(Watched::Heard(message)).await.is_err() {
                        return Some(WatchEnd::Left);
                    }
                }
            }
        }
        // Why the pipe is over is known when there is another one, or the relay has said why not: the session may go on
        // with another engineer.
        opened.close().await;
        None
    }

    /// Fetches the report: where it is, if it came. What the client says about the session later comes into it, for as long
    /// as somebody waits here for that.
    async fn fetch(&self, opened: &mut Opened) -> Option<PathBuf> {
        let ReportSettings { shelf, language } = self.reports.clone()?;
        let mut fetching = Fetching::new(language);
        let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (scanner, ticket) = self.about.clone();
        let about = About { session: opened.session, id: String::new(), ticket, scanner, ended };
        let fetched = async {
            let writing = opened.fetch(&mut fetching, (shelf.begin(about)?, PATIENCE)).await?;
            anyhow::Ok(writing.map(|writing| (writing.is_complete(), writing.finish())))
        };
        let failed = match timeout(limits::CLOSING, fetched).await {
            Ok(Ok(Some((is_complete, Ok(Some(shelved)))))) if shelved.page.is_some() => {
                let page = shelved.page.clone()?;
                if is_complete && !fetching.is_done() {
                    self.fetch_next(opened, fetching, &shelved).await;
                }
                return Some(page);
            }
            Ok(Ok(Some((_, Ok(_))))) => say!("report-incomplete"),
            Ok(Err(error) | Ok(Some((_, Err(error))))) => format!("{error:#}"),
            Ok(Ok(None)) | Err(_) => return None,
        };
        let _ = self.sender.send(Watched::ReportNotKept(failed)).await;
        None
    }

    /// The next edition, into the place of the one that is there. What cannot be had or kept leaves that one as it is.
    async fn fetch_next(&self, opened: &mut Opened, mut fetching: Fetching, shelved: &Shelved) {
        let page = shelved.page.clone().unwrap_or_default();
        if self.sender.send(Watched::ReportSoFar(page)).await.is_err() {
            return;
        }
        let replaced = async {
            let writing = (shelved.begin_next()?, limits::CLOSING);
            match opened.fetch(&mut fetching, writing).await? {
                Some(writing) => writing.replace(shelved),
                None => Ok(()),
            }
        };
        if let Ok(Err(error)) = timeout(limits::CLOSING, replaced).await {
            let _ = self.sender.send(Watched::ReportNotKept(format!("{error:#}"))).await;
        }
    }

    /// The link goes on under another ticket. What cannot be written is only missed by a later start.
    fn keep(&mut self, ticket: Signed<ObserverTicket>) {
        self.memory.set_ticket(ticket);
    }

    fn note_place(&mut self, message: &FromAgent) {
        match message {
            FromAgent::Welcome { hostname, ticket, .. } => {
                self.about = (text::name(hostname), text::name(ticket));
            }
            FromAgent::Live { event: LiveEvent::Output { channel, .. }, place: Some(place) } => {
                self.places.insert(*channel, *place);
            }
            FromAgent::Live { event: LiveEvent::Closed { channel, .. }, .. } => {
                self.places.remove(channel);
            }
            _ => {}
        }
        while self.places.len() > limits::PLACES {
            self.places.pop_first();
        }
    }
}

/// Whether the scanner is worth another connection: only that one is over.
fn is_passing(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ConnectionLost
            | Reason::AgentStopped
            | Reason::AgentRestarted
            | Reason::RelayStopping
            | Reason::RelayRestarted
            | Reason::PartnerMissing
            | Reason::PairingTimeout
            | Reason::PairingAborted
    )
}
