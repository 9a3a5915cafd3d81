//! Links with which somebody watches: made after the client's yes, and served for as long as the session lasts.

use std::collections::HashMap;
use std::sync::Arc;

use fieldlink_protocol::ids::{ObserverId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::link::LinkKey;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::observer::{FromAgent as ToObserver, Seen};
use fieldlink_protocol::messages::people::{Attendance, Participant};
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::text;
use fieldlink_protocol::ticket::{ObserverTicket, Signed};
use fieldlink_transport::Attached;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use super::Access;
use crate::clock;
use crate::observer::{Device, ObserverNews, Over, Stream};
use crate::record::{Fetch, Reports};
use crate::rules::{ObserverEvent, Person, RequestId, State, Watching, Whose};
use crate::session::own_hostname;

/// Events that wait for an observer; one who is slower misses some.
const SEEN: usize = 64;
/// News of connections that wait.
const NEWS: usize = 16;

/// A link.
struct Link {
    key: LinkKey,
    registration: Arc<Registration>,
    device: Arc<Device>,
    /// The session as the relay called it when it was asked for a ticket.
    shared: Option<SessionId>,
    /// Whoever asked for the link and has not got it yet.
    asked: Option<RequestId>,
    tickets: watch::Sender<Option<Signed<ObserverTicket>>>,
    /// Whether whoever uses it gets the report, too.
    report: bool,
    over: watch::Sender<Option<Over>>,
}

/// The links of a session, and their connections.
pub(super) struct ObserverDesk {
    links: HashMap<ObserverId, Link>,
    streams: JoinSet<()>,
    seen: broadcast::Sender<Seen>,
    sender: mpsc::Sender<ObserverNews>,
    news: mpsc::Receiver<ObserverNews>,
}

impl Default for ObserverDesk {
    fn default() -> Self {
        let ((seen, _), (sender, news)) = (broadcast::channel(SEEN), mpsc::channel(NEWS));
        Self { links: HashMap::new(), streams: JoinSet::new(), seen, sender, news }
    }
}

impl ObserverDesk {
    /// What happens from now on besides terminals.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// Tells everybody who watches.
    pub(super) fn tell(&self, event: Seen) {
        // It fails only if nobody watches.
        let _ = self.seen.send(event);
    }

    /// The next news of a connection. Safe to cancel.
    pub(super) async fn next(&mut self) -> ObserverNews {
        loop {
            tokio::select! {
                Some(news) = self.news.recv() => return news,
                Some(ended) = self.streams.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "an observer's connection failed by itself");
                    }
                }
            }
        }
    }

    /// Tells an observer that it is over. Whether they may still fetch the report; they are forgotten then.
    fn end(&mut self, observer: ObserverId, (reason, reports): (Reason, Option<Arc<Reports>>)) -> bool {
        let Some(link) = self.links.get(&observer) else { return false };
        let fetch = reports.filter(|_| link.report && link.over.receiver_count() > 0);
        let fetch = fetch.map(Fetch::of);
        let stays = fetch.is_some();
        link.over.send_replace(Some(Over { reason, fetch }));
        if stays {
            self.links.remove(&observer);
        }
        stays
    }
}

impl Access {
    pub(super) fn on_observer_wanted(&mut self, request: RequestId, wanted: Watching) {
        let permission = self.around.policy.of(Function::Guests);
        let able = self.able_to_have_guests();
        self.rules.handle_observer_wanted(request, wanted, (permission, able), clock::now());
    }

    /// Carries out what happens with somebody who watches.
    pub(super) fn carry_out_of_observer(&mut self, observer: ObserverId, event: &ObserverEvent) {
        match event {
            ObserverEvent::Allowed { request, report } => self.make_link(observer, (*request, *report)),
            ObserverEvent::Is(_) => {}
            ObserverEvent::Over(reason) => {
                let reports = self.reports_at_the_end();
                if self.observers.end(observer, (*reason, reports)) {
                    // They fetch the report over the pipe that they have.
                    return;
                }
                // When the session is over the relay opens nothing any more, and must not say that they were removed.
                let goes_on = matches!(self.rules.state(), State::Active(_) | State::Restarting(_));
                let session = self.observers.links.get(&observer).and_then(|link| link.shared);
                let session = session.filter(|_| goes_on);
                session.into_iter().for_each(|session| {
                    self.say_to_relay(FromAgent::Unshare { session, observer });
                });
                self.observers.links.remove(&observer);
            }
        }
    }

    fn make_link(&mut self, observer: ObserverId, (request, report): (RequestId, bool)) {
        let key = LinkKey(Secret::random());
        let Ok(registration) = Registration::new(&key.0) else {
            return self.rules.handle_link_failed(request, observer);
        };
        let link = Link {
            key,
            registration: Arc::new(registration),
            device: Arc::default(),
            shared: None,
            asked: Some(request),
            tickets: watch::Sender::new(None),
            report,
            over: watch::Sender::new(None),
        };
        self.observers.links.insert(observer, link);
        self.share_again();
    }

    /// Asks the relay for the tickets that are missing: of new links, and of all when the session has another owner.
    pub(super) fn share_again(&mut self) {
        let Some(session) = self.rules.state().active().map(|active| active.request.session) else { return };
        let missing = |link: &&mut Link| link.shared != Some(session) || link.asked.is_some();
        let mut wanted = Vec::new();
        for (observer, link) in self.observers.links.iter_mut() {
            if missing(&link) {
                link.shared = Some(session);
                wanted.push(*observer);
            }
        }
        for observer in wanted {
            self.say_to_relay(FromAgent::Share { session, observer });
        }
    }

    /// What the relay says of those who watch.
    pub(super) fn on_relay_of_observers(&mut self, message: ToAgent) {
        match message {
            ToAgent::Shared { session, observer, observer_ticket } => {
                // One for the session as it was called before it had another owner is late.
                let link = self.observers.links.get_mut(&observer);
                let Some(link) = link.filter(|link| link.shared == Some(session)) else { return };
                match link.asked.take() {
                    Some(request) => {
                        let key = link.key.clone();
                        self.answer(request, Answer::Link { key, observer_ticket });
                    }
                    None => drop(link.tickets.send_replace(Some(observer_ticket))),
                }
            }
            ToAgent::Watch { session, observer, run, pipe, pipe_ticket } => {
                let Some(stream) = self.stream((session, run, observer), (pipe, pipe_ticket.clone())) else {
                    self.reap_farewells();
                    if self.goodbyes.len() >= limits::PAIRINGS_AT_ONCE {
                        return;
                    }
                    let dialer = self.dialer.clone();
                    return self.farewell(async move {
                        Attached::refuse(&dialer, &pipe_ticket, Reason::Removed).await;
                    });
                };
                self.observers.streams.spawn(stream.run());
            }
            _ => {}
        }
    }

    fn stream(
        &self,
        who: (SessionId, fieldlink_protocol::ids::RunId, ObserverId),
        (pipe, pipe_ticket): (
            fieldlink_protocol::ids::PipeId,
            Signed<fieldlink_protocol::ticket::PipeTicket>,
        ),
    ) -> Option<Stream> {
        let active = self.rules.state().active().filter(|active| active.request.session == who.0)?;
        let link = self.observers.links.get(&who.2)?;
        if self.observers.streams.len() >= 2 * limits::OBSERVERS {
            return None;
        }
        let left = active.deadline.saturating_sub(clock::now()).as_secs();
        let welcome = ToObserver::Welcome {
            hostname: text::fit(&own_hostname(), limits::HOST_NAME).to_owned(),
            ticket: active.case.clone(),
            seconds: u32::try_from(left).unwrap_or(u32::MAX),
        };
        let mut tickets = link.tickets.subscribe();
        // Whoever comes with an older one is told the newer one at once.
        tickets.mark_changed();
        // Whoever reads it is there.
        let shown = |person: Person| match person.whose == Whose::Observer(who.2) {
            true => Participant { attendance: Attendance::Here, ..person.shown },
            false => person.shown,
        };
        let people = active.people().into_iter().map(shown).collect();
        let welcome = vec![welcome, ToObserver::Seen { event: Seen::People { people } }];
        Some(Stream {
            dialer: self.dialer.clone(),
            bounds: self.around.bounds,
            who,
            pipe,
            pipe_ticket,
            registration: link.registration.clone(),
            device: link.device.clone(),
            watched: self.around.live.current()?,
            seen: self.observers.subscribe(),
            tickets,
            welcome,
            over: link.over.subscribe(),
            news: self.observers.sender.clone(),
        })
    }

    pub(super) fn on_observer_news(&mut self, news: ObserverNews) {
        match news {
            ObserverNews::Here(observer) => self.rules.handle_observer_is(observer, Attendance::Here),
            ObserverNews::Gone(observer) => self.rules.handle_observer_is(observer, Attendance::Away),
        }
    }
}
