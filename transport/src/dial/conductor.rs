//! Carries out what a [`Race`] wants, on sockets.

mod reports;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::limits;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::handshake::client;

use self::reports::{setback, tls_version};
use super::ahead::Ahead;
use super::destination::Destination;
use super::learnt::{Plan, Way};
use super::line::Line;
use super::race::{AttemptId, Due, Passed, Race, Setback};
use super::route::Family;
use super::steps::{Trace, best_of};
use super::{DialError, DialStep, StepReport, WebSocket, upgrade};
use crate::proxy;
use crate::purpose::Purpose;
use crate::tls::CertificateOwner;

/// What a dialling came to.
pub(super) struct Outcome {
    pub(super) reports: Vec<StepReport>,
    pub(super) reached: Result<WebSocket, DialError>,
    /// The request may have gone ahead.
    pub(super) went_ahead: bool,
}

/// Path and further headers of the request.
pub(super) type Request<'a> = (&'a str, &'a [(&'a str, &'a str)]);

enum Event {
    Found(Family, Arc<[SocketAddr]>),
    Done(AttemptId, Result<Done, DialError>),
}

/// A step that is done.
enum Done {
    Connected(TcpStream),
    Tunnelled(TcpStream),
    Secured(Box<Ahead<TlsStream<TcpStream>>>),
    Answered(Box<WebSocket>),
}

type Work<'a> = Abortable<BoxFuture<'a, Event>>;

/// One dialling. Dropping it drops everything that runs.
pub(super) struct Conductor<'a> {
    line: &'a Line,
    request: Request<'a>,
    purpose: Purpose,
    race: Race,
    begun: Instant,
    looked_up: Option<Duration>,
    working: FuturesUnordered<Work<'a>>,
    traces: Vec<Trace>,
    /// Connections whose TLS stands, until they are asked.
    ready: Vec<(AttemptId, Box<Ahead<TlsStream<TcpStream>>>)>,
    asked: Option<AbortHandle>,
    /// The attempt whose request may have gone ahead, with TLS's first flight, and that request.
    ahead: Option<(AttemptId, client::Request)>,
    may_go_ahead: bool,
    /// The attempt whose error settles everything.
    decisive: Option<AttemptId>,
}

impl<'a> Conductor<'a> {
    pub(super) fn new(line: &'a Line, plan: Plan, request: Request<'a>, purpose: Purpose) -> Self {
        Self {
            line,
            request,
            purpose,
            race: Race::new(plan, line.proxy.is_some(), Duration::ZERO, limits::HANDSHAKE),
            begun: Instant::now(),
            looked_up: None,
            working: FuturesUnordered::new(),
            traces: Vec::new(),
            ready: Vec::new(),
            asked: None,
            ahead: None,
            may_go_ahead: purpose == Purpose::PipeAgain && plan.ahead,
            decisive: None,
        }
    }

    /// Dials until the relay has answered, or nothing more can come of it. The way is the one that leads to the
    /// owner of the relay's name, also if the answer is a refusal.
    pub(super) async fn run(mut self) -> (Option<Way>, Outcome) {
        let (host, port) = self.line.host();
        for family in [Family::V6, Family::V4] {
            let lookup = self.line.lookups.look_up(host, port, family);
            self.work(async move { Event::Found(family, lookup.await) });
        }
        match self.race_on().await {
            Some((id, socket)) => {
                let outcome = Outcome {
                    reports: self.reports(id),
                    reached: Ok(*socket),
                    went_ahead: self.ahead.is_some(),
                };
                (Some(self.way(id)), outcome)
            }
            None => self.give_up().await,
        }
    }

    async fn race_on(&mut self) -> Option<(AttemptId, Box<WebSocket>)> {
        loop {
            while let Some(due) = self.race.due(self.begun.elapsed()) {
                self.act(due);
            }
            if self.race.is_over(self.begun.elapsed()) {
                return None;
            }
            let deadline = self.begun + self.race.deadline();
            let event = tokio::select! {
                biased;
                Some(event) = self.working.next() => event,
                () = sleep_until(deadline) => continue,
            };
            match event {
                Ok(Event::Found(family, addresses)) => {
                    let now = self.begun.elapsed();
                    self.race.found(family, &addresses, now);
                    if !addresses.is_empty() {
                        self.looked_up.get_or_insert(now);
                    }
                }
                Ok(Event::Done(id, Ok(Done::Answered(socket)))) => {
                    self.traces[id.0].finish(DialStep::Upgrade, fieldlink_protocol::SUBPROTOCOL.to_owned());
                    return Some((id, socket));
                }
                Ok(Event::Done(id, Ok(done))) => self.go_on(id, done),
                Ok(Event::Done(id, Err(error))) => {
                    let setback = setback(self.traces[id.0].running(), &error);
                    self.race.failed(id, setback);
                    self.decisive = self.decisive.or((setback == Setback::Everything).then_some(id));
                    self.traces[id.0].fail(error);
                }
                // It was abandoned.
                Err(_) => {}
            }
        }
    }

    fn act(&mut self, due: Due) {
        match due {
            Due::Begin(id, route) => {
                tracing::debug!(address = %route.address, hello = ?route.hello, "dialling");
                self.traces.push(Trace::begin(route));
                let line = self.line;
                self.work(async move { Event::Done(id, line.connect(route).await.map(Done::Connected)) });
            }
            Due::Ask(id) => {
                let Some(at) = self.ready.iter().position(|(ready, _)| *ready == id) else { return };
                let (_, tls) = self.ready.swap_remove(at);
                self.ask(id, tls, upgrade::request(&self.line.relay, self.request));
            }
            Due::Abandon(_) => {
                if let Some(asked) = self.asked.take() {
                    asked.abort();
                }
            }
        }
    }

    /// The next step of an attempt.
    fn go_on(&mut self, id: AttemptId, done: Done) {
        let (line, now) = (self.line, self.begun.elapsed());
        let trace = &mut self.traces[id.0];
        let route = trace.route;
        match (done, &line.proxy) {
            (Done::Connected(mut tcp), Some(proxy)) => {
                trace.finish(DialStep::Tcp, route.address.to_string());
                trace.next(DialStep::Proxy);
                self.race.passed(id, Passed::Tcp, now);
                self.work(async move {
                    let opened = proxy::open(&mut tcp, proxy, &line.relay).await;
                    Event::Done(id, opened.map(|()| Done::Tunnelled(tcp)).map_err(DialError::from))
                });
            }
            (Done::Connected(tcp) | Done::Tunnelled(tcp), proxy) => {
                let passed = match proxy {
                    None => {
                        trace.finish(DialStep::Tcp, route.address.to_string());
                        Passed::Tcp
                    }
                    Some(proxy) => {
                        trace.finish(DialStep::Proxy, proxy.address().to_string());
                        Passed::Proxy
                    }
                };
                trace.next(DialStep::Tls);
                self.race.passed(id, passed, now);
                let ahead = self.go_ahead(id, now);
                let goes_ahead = !ahead.is_empty();
                let purpose = match self.purpose {
                    // A hello that only offers to say something early may be what does not pass.
                    Purpose::PipeAgain if !goes_ahead => Purpose::Pipe,
                    purpose => purpose,
                };
                let begun = self.work(async move {
                    let secured = line.secure(route, tcp, (purpose, ahead)).await;
                    Event::Done(id, secured.map(|tls| Done::Secured(Box::new(tls))))
                });
                self.asked = if goes_ahead { Some(begun) } else { self.asked.take() };
            }
            (Done::Secured(tls), _) => {
                trace.finish(DialStep::Tls, tls_version(tls.get_ref(), route));
                self.race.passed(id, Passed::Tls, now);
                match &self.ahead {
                    Some((ahead, request)) if *ahead == id => self.ask(id, tls, Ok(request.clone())),
                    _ => self.ready.push((id, tls)),
                }
            }
            (Done::Answered(_), _) => {}
        }
    }

    /// The request of an attempt, if it may go ahead; otherwise nothing.
    fn go_ahead(&mut self, id: AttemptId, now: Duration) -> Vec<u8> {
        if !self.may_go_ahead || !self.race.may_go_ahead(id) {
            return Vec::new();
        }
        let request = upgrade::request(&self.line.relay, self.request).ok();
        let Some((request, head)) =
            request.and_then(|request| upgrade::head(&request).map(|head| (request, head)))
        else {
            return Vec::new();
        };
        self.race.passed(id, Passed::Ahead, now);
        self.ahead = Some((id, request));
        head
    }

    fn ask(
        &mut self,
        id: AttemptId,
        tls: Box<Ahead<TlsStream<TcpStream>>>,
        request: Result<client::Request, DialError>,
    ) {
        let (line, purpose) = (self.line, self.purpose);
        self.traces[id.0].next(DialStep::Upgrade);
        self.asked = Some(self.work(async move {
            let answered = async { upgrade::upgrade(&line.relay, *tls, request?, purpose).await };
            Event::Done(id, answered.await.map(|socket| Done::Answered(Box::new(socket))))
        }));
    }

    fn way(&self, id: AttemptId) -> Way {
        let route = self.traces[id.0].route;
        let is_beside = |ahead: AttemptId| ahead != id && self.traces[ahead.0].route.address == route.address;
        Way { route, ahead_in_vain: self.ahead.as_ref().is_some_and(|(ahead, _)| is_beside(*ahead)) }
    }

    fn work(&mut self, work: impl Future<Output = Event> + Send + 'a) -> AbortHandle {
        let (handle, registration) = AbortHandle::new_pair();
        self.working.push(Abortable::new(Box::pin(work), registration));
        handle
    }

    /// The error that says most, with every address that was tried.
    async fn give_up(mut self) -> (Option<Way>, Outcome) {
        let Some(best) = self.decisive.or_else(|| best_of(&self.traces)) else {
            let error = self.line.unresolved();
            let report = self.looking(Err(&error));
            return (None, Outcome { reports: vec![report], reached: Err(error), went_ahead: false });
        };
        self.working.clear();
        let mut tried = Destination::from(self.line.relay.clone());
        for trace in &self.traces {
            tried.add(trace.route, &trace.problem());
        }
        let failed = self.traces[best.0].take_error();
        let error = match failed {
            Some(DialError::OutdatedTls(relay, _)) => {
                let (line, route) = (self.line, self.traces[best.0].route);
                let remaining = limits::HANDSHAKE.saturating_sub(self.begun.elapsed());
                let owner = timeout(remaining, line.owner_of_outdated(route)).await;
                DialError::OutdatedTls(relay, owner.unwrap_or(CertificateOwner::Unknown))
            }
            Some(error) => error,
            None => self.silence(self.traces[best.0].running()),
        };
        let error = error.naming(&tried);
        let is_there = matches!(
            error,
            DialError::Refused { .. }
                | DialError::Version { .. }
                | DialError::Answered(..)
                | DialError::NotARelay(..)
        );
        let way = is_there.then(|| self.way(best));
        self.traces[best.0].give_up(&error);
        let went_ahead = self.ahead.is_some();
        (way, Outcome { reports: self.reports(best), reached: Err(error), went_ahead })
    }
}

#[cfg(test)]
mod tests;
