//! What is done about the record of a session: it is begun with the client's yes, told what happens, and closed at the end.

use std::sync::Arc;
use std::time::SystemTime;

use fieldlink_device::words::Language;
use fieldlink_evidence::{Event, Head, HealthMoment, KeptAnchor, Resumption, Stop, Terms};
use fieldlink_protocol::feature;
use fieldlink_protocol::health::concerns;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::health::Health;
use fieldlink_protocol::reason::Reason;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Interval, MissedTickBehavior, interval, timeout};

use super::Access;
use super::attesting::{self, Attestation, SentHeads, anchor};
use super::closing_record::LastHealth;
use super::record_disk::RecordDisk;
use crate::record::{
    Editions, Moment, RecordStore, Recording, RecordingNews, Reports, Told, let_in_by_pin, told,
};
use crate::rules::{Continuity, GuestEvent, Request, RuleEvent, SeatId};

/// How often records that were kept for long enough are looked for.
const TIDIED: Duration = Duration::from_secs(3600);

/// How long the disk may take at the end of the agent.
const LAST_CHORES: Duration = Duration::from_secs(1);

/// The records, and the one that is being written.
pub(super) struct RecordDesk {
    disk: Option<RecordDisk>,
    now: Option<Recording>,
    /// The report of now, once the session is over, and who tells it of its editions.
    reports: Option<(Arc<Reports>, watch::Sender<Editions>)>,
    /// The session whose verdict the client has not given, and who is told how its record ends then.
    verdict: Option<(SessionId, oneshot::Sender<Head>)>,
    /// The device's, if one is set.
    language: Option<Language>,
    /// The question that was put before there was a record, and when.
    asked: Option<(SessionId, Moment, Told)>,
    /// What is done on the disk beside it all.
    chores: JoinSet<()>,
    tidied: Interval,
    /// What both sides are to be told once the session has begun.
    untold: Option<Stop>,
    /// What the relay was asked to sign lately: nothing else is kept.
    sent: SentHeads,
    /// Whether the record still lacks how the device was when the session began.
    lacks_health: bool,
}

impl RecordDesk {
    pub(super) fn new(store: Option<Arc<RecordStore>>, language: Option<Language>) -> Self {
        let mut tidied = interval(TIDIED);
        tidied.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let disk = store.map(RecordDisk::new);
        Self {
            disk,
            now: None,
            reports: None,
            verdict: None,
            language,
            asked: None,
            chores: JoinSet::new(),
            tidied,
            untold: None,
            sent: SentHeads::default(),
            lacks_health: false,
        }
    }

    /// Waits for what the recording has to tell. Safe to cancel.
    pub(super) async fn next(&mut self) -> RecordingNews {
        loop {
            let recording = async {
                match &mut self.now {
                    Some(recording) => recording.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = recording => return news,
                _ = self.tidied.tick() => self.tidy(),
                Some(done) = self.chores.join_next() => {
                    if let Err(error) = done {
                        tracing::error!(%error, "work on the records failed by itself");
                    }
                }
            }
        }
    }

    /// Whether records are kept.
    pub(super) fn are_kept(&self) -> bool {
        self.disk.is_some()
    }

    /// What the recording of now sees channels with.
    pub(super) fn recording(&self) -> Option<&Recording> {
        self.now.as_ref()
    }

    /// The report of the session that is being recorded, for after its end.
    pub(super) fn reports(&self) -> Option<Arc<Reports>> {
        self.reports.as_ref().map(|(reports, _)| reports.clone())
    }

    pub(super) fn tidy(&mut self) {
        let running = self.now.as_ref().map(Recording::session);
        self.on_disk(move |store| {
            if let Err(error) = store.tidy(SystemTime::now(), running) {
                tracing::error!(%error, "could not tidy the records");
            }
        });
    }

    /// Does something with the records, beside everything else and after what was to be done before.
    pub(super) fn on_disk(&mut self, work: impl FnOnce(&RecordStore) + Send + 'static) {
        let Some(disk) = self.disk.clone() else { return };
        self.chores.spawn(async move { disk.run(work).await });
    }

    /// Closes what an earlier run has left, except the record of a session that is to go on.
    pub(super) fn close_left(&mut self, goes_on: Option<SessionId>) {
        self.on_disk(move |store| store.close_left(goes_on));
    }

    fn begin(&mut self, request: &Request, terms: Terms, seat: SeatId) {
        if self.now.is_some() {
            // It has come back from a restart, and its record with it.
            return;
        }
        let asked = self.asked.take().filter(|(session, ..)| *session == request.session);
        let Some(RecordDisk { store, .. }) = &self.disk else { return };
        match store.begin(request.session, terms) {
            Ok(recording) => {
                recording.seat(request.engineer.id, seat.0);
                self.lacks_health = true;
                match asked {
                    Some((_, at, asked)) => {
                        put(&recording, at, asked);
                        put(&recording, Moment::now(), Event::ConsentGiven { seat: seat.0 }.into());
                    }
                    None => put(&recording, Moment::now(), let_in_by_pin(request, seat)),
                }
                self.write(recording);
            }
            Err(error) => tracing::error!(%error, "this session is not recorded"),
        }
    }

    fn resume(&mut self, request: &Request, Continuity { session, seat, .. }: Continuity) {
        let is_there = |disk: &&RecordDisk| disk.store.path_of(session).exists();
        let Some(RecordDisk { store, .. }) = self.disk.as_ref().filter(is_there) else { return };
        match store.resume(session, Resumption::Restarted) {
            Ok(recording) => {
                recording.seat(request.engineer.id, seat.0);
                self.write(recording);
            }
            Err(error) => tracing::error!(%error, "the record of this session does not go on"),
        }
    }

    fn write(&mut self, recording: Recording) {
        let session = recording.session();
        self.reports =
            self.disk.as_ref().map(|disk| Reports::new(disk.store.clone(), session, self.language));
        self.now = Some(recording);
    }

    /// Ends the recording for this run of the agent: another one goes on with it.
    pub(super) async fn leave(&mut self) {
        self.reports = None;
        if let Some(recording) = self.now.take() {
            recording.leave().await;
        }
    }

    /// Closes the record once it has the device's last `health`, and has `relay` say what it can of how it ends: also when
    /// the client's verdict is in it, if that `is_wanted` of this session.
    pub(super) fn close(
        &mut self,
        relay: Features,
        is_wanted: Option<SessionId>,
        health: Option<LastHealth>,
    ) -> Option<Attestation> {
        let (recording, (_, editions)) = (self.now.take()?, self.reports.take()?);
        let (sent, disk) = (std::mem::take(&mut self.sent), self.disk.clone()?);
        let verdict = is_wanted.filter(|session| *session == recording.session()).map(|session| {
            let (tell, told) = oneshot::channel();
            self.verdict = Some((session, tell));
            told
        });
        Some(Attestation::new((recording, health), (sent, disk), relay, (editions, verdict)))
    }

    /// Of this session at most a verdict may still come.
    pub(super) fn verdict_is_wanted(&mut self, of: Option<SessionId>) {
        self.verdict.take_if(|(session, _)| of != Some(*session));
    }

    /// Keeps what the relay has signed of a record that is closed already.
    fn keep_anchor(&mut self, session: SessionId, anchor: KeptAnchor) {
        self.on_disk(move |store| attesting::keep(store, session, &anchor));
    }

    /// A session is over that was to go on after a restart, and does not.
    pub(super) fn close_unfinished(&mut self, session: SessionId, reason: Reason) {
        if self.now.as_ref().is_none_or(|now| now.session() != session) {
            self.on_disk(move |store| store.close_unfinished(session, reason));
        }
    }

    /// Waits, for a moment, for what is still to be done on the disk.
    pub(super) async fn settle(&mut self) {
        let done = async { while self.chores.join_next().await.is_some() {} };
        if timeout(LAST_CHORES, done).await.is_err() {
            tracing::warn!("some work on the records is left undone");
        }
    }

    /// Adds the client's verdict.
    fn add(&mut self, session: SessionId, event: Event) {
        let told = self.verdict.take().filter(|(of, _)| *of == session);
        self.on_disk(move |store| match store.add(session, event) {
            Ok(head) => {
                // Whoever does not wait for it any more has what there was.
                let _ = told.map(|(_, told)| told.send(head));
            }
            Err(error) => tracing::error!(%session, %error, "could not add to the record"),
        });
    }
}

fn put(recording: &Recording, at: Moment, Told { event, files }: Told) {
    files.into_iter().for_each(|(name, content)| recording.add_file(name, content));
    recording.tell_at(at, event);
}

impl Access {
    /// Records what happens, if it is of a session.
    pub(super) fn record(&mut self, event: &RuleEvent) {
        let owner = self.rules.state().active().map_or(SeatId::FIRST, |active| active.seat);
        match event {
            RuleEvent::Allowed { request } => {
                let terms = self.terms_of_record();
                self.records.begin(request, terms, owner);
            }
            RuleEvent::CarryOnOffered { request, continuity, .. } => {
                self.records.resume(request, *continuity)
            }
            RuleEvent::Admitted { .. } => {
                if let Some(why) = self.records.untold.take() {
                    self.rules.handle_recording_stopped(why);
                }
            }
            RuleEvent::Guest { seat, event: GuestEvent::Allowed { request, .. } } => {
                self.records.now.iter().for_each(|recording| recording.seat(request.engineer.id, seat.0));
            }
            _ => {}
        }
        let Some(told) = told(event, owner) else { return };
        match (event, &self.records.now) {
            (RuleEvent::ConsentAsked { request, .. }, None) => {
                self.records.asked = Some((request.session, Moment::now(), told));
            }
            (RuleEvent::VerdictGiven { session, .. }, now)
                if now.as_ref().is_none_or(|now| now.session() != *session) =>
            {
                self.records.add(*session, told.event);
            }
            (_, Some(recording)) => put(recording, Moment::now(), told),
            (_, None) => {}
        }
    }

    /// What the device knows of itself, now that an engineer works.
    pub(super) fn on_health(&mut self, health: Health) {
        self.rules.handle_health(concerns(&health));
        if let (Some(recording), true) = (&self.records.now, std::mem::take(&mut self.records.lacks_health)) {
            let event = Event::HealthRead { moment: HealthMoment::Start, health: Box::new(health) };
            put(recording, Moment::now(), event.into());
        }
    }

    /// How the device is once a session is over, for its record; not if there is no time to read that.
    pub(super) fn last_health(&self, why_over: Reason) -> Option<LastHealth> {
        let has_begun = self.records.now.is_some() && !self.records.lacks_health;
        if !has_begun || matches!(why_over, Reason::AgentStopped | Reason::ScannerFailed) {
            return None;
        }
        let (reader, network) = (self.around.health.clone(), self.network.clone());
        Some(Box::pin(async move { reader.read_anew(network.verdict().notice.code()).await }))
    }

    fn terms_of_record(&self) -> Terms {
        let terms = self.terms.clone();
        Terms {
            language: self.language.map(|language| language.code().to_owned()),
            minutes: terms.minutes,
            never: terms.never,
            asks: terms.asks,
            reaches: terms.reaches,
            retention_days: terms.retention_days,
        }
    }

    pub(super) fn on_recording(&mut self, news: RecordingNews) {
        match news {
            RecordingNews::Stopped(why) => {
                let is_told = self.rules.handle_recording_stopped(why);
                self.records.untold = (!is_told).then_some(why);
            }
            RecordingNews::Head(head) => {
                if let Some(session) = self.records.now.as_ref().map(Recording::session) {
                    self.anchor(session, head);
                }
            }
        }
    }

    /// Has the relay sign the end of the account, if it can.
    fn anchor(&mut self, session: SessionId, head: Head) {
        if self.relay.has(feature::ANCHORS) {
            self.records.sent.note(session, head);
            self.say_to_relay(anchor(session, head));
        }
    }

    /// The relay has signed how far an account is.
    pub(super) fn on_anchored(&mut self, session: SessionId, line: String, signature: String) {
        let RecordDesk { disk: Some(disk), sent, .. } = &mut self.records else { return };
        let anchor = sent.judge(&disk.store, session, KeptAnchor { line, signature });
        let Some(anchor) = anchor else { return };
        match self.records.now.as_ref().filter(|recording| recording.session() == session) {
            Some(recording) => recording.anchored(anchor),
            None => self.records.keep_anchor(session, anchor),
        }
    }
}
