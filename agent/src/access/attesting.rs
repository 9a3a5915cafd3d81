//! What others attest of a session's account: the relay is asked to sign how far it is, and at the end for a time stamp, and
//! what is kept of the answers.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use fieldlink_daemon::AUDIT;
use fieldlink_evidence::{Anchor, Digest, Head, KeptAnchor};
use fieldlink_protocol::ids::{AccountHead, SessionId, SumsDigest};
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::{feature, limits};
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::closing_record::{ClosingRecord, LastHealth};
use super::record_disk::RecordDisk;
use crate::record::{Editions, RecordStore, Recording};

/// Heads that the relay may still answer for.
const SENT: usize = 64;
/// How long a disk may take to close a record before nobody waits for its report any more.
const CLOSING: Duration = Duration::from_secs(60);
/// How long the relay may take to sign the end of a record.
const ANCHOR: Duration = Duration::from_secs(5);
/// How long an authority may take for a time stamp: the relay asks for one after the other.
const TIME_STAMP: Duration = Duration::from_secs(30);

/// What the relay was asked to sign lately: nothing else is kept.
#[derive(Default)]
pub(super) struct SentHeads(VecDeque<(SessionId, Head)>);

impl SentHeads {
    fn take(&mut self, session: SessionId, head: Head) -> bool {
        let place = self.0.iter().position(|sent| *sent == (session, head));
        place.and_then(|place| self.0.remove(place)).is_some()
    }

    pub(super) fn note(&mut self, session: SessionId, head: Head) {
        if self.0.len() == SENT {
            self.0.pop_front();
        }
        self.0.push_back((session, head));
    }

    /// What the relay has signed, if it is what it should be: of this session, and by a key of the relay's if those are
    /// known here.
    /// Each is kept once, however often it comes.
    pub(super) fn judge(
        &mut self,
        store: &RecordStore,
        session: SessionId,
        anchor: KeptAnchor,
    ) -> Option<KeptAnchor> {
        let keys = store.anchor_keys();
        let checked = if keys.is_empty() { anchor.line.parse() } else { anchor.check(keys) };
        match checked {
            Ok(Anchor { session: of, head, .. }) if of == session && self.take(session, head) => Some(anchor),
            Ok(_) => {
                tracing::warn!(target: AUDIT, %session, "the relay has signed what it was not asked to");
                None
            }
            Err(error) => {
                tracing::warn!(target: AUDIT, %session, %error, "what the relay signs of the record does not count here");
                None
            }
        }
    }
}

/// Asks the relay to sign this.
pub(super) fn anchor(session: SessionId, Head { seq, digest }: Head) -> FromAgent {
    FromAgent::Anchor { session, seq, head: AccountHead::from_bytes(*digest.as_bytes()) }
}

/// What others say of how a record ends, once it is closed: the relay signs its last line, and an authority gives a time
/// stamp. What has to be done on the disk for that is a [`Chore`]: nothing here waits for it.
pub(super) struct Attestation {
    session: SessionId,
    closing: ClosingRecord,
    /// How the record ends now, once it is closed.
    end: Option<Head>,
    sent: SentHeads,
    disk: RecordDisk,
    relay: Features,
    is_relay_here: bool,
    /// Told of each edition of the report.
    editions: watch::Sender<Editions>,
    /// How the record ends once the client's verdict is in it; gone: there will be none.
    verdict: Option<oneshot::Receiver<Head>>,
    stage: Stage,
    /// How often an authority was asked.
    stamps: usize,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The record is being closed, and may take until then.
    Closing(Instant),
    /// The relay is to be asked to sign this.
    Anchor(Head),
    /// It was asked, and may answer until then.
    AnchorAsked(Head, Instant),
    /// What it has signed is written down: the report tells of it.
    AnchorKept,
    /// There is an edition of the report.
    Made,
    /// It is to be found out what an authority is to be asked for.
    SumsDue,
    /// It is being found out.
    Sums,
    /// An authority is to be asked, through the relay, for a time stamp.
    TimeStamp(SumsDigest),
    /// It was asked, and may answer until then.
    TimeStampAsked(SumsDigest, Instant),
    /// What it has answered is written down.
    TimeStampKept,
    Done,
}

/// What is to be done next.
pub(super) enum Step {
    Say(FromAgent),
    Do(Chore),
}

/// Something on the disk.
pub(super) type Chore = BoxFuture<'static, Done>;

/// What came of it.
pub(super) enum Done {
    /// The hash of the list of the record's files, if it could be read.
    Sums(Option<SumsDigest>),
    /// What the relay has signed is kept, or was not to be.
    Anchor,
    /// The same, of how the record ends.
    LastAnchor,
    /// The time stamp is kept, if it is of the record as it is now.
    TimeStamp,
}

impl Attestation {
    /// Closes the record, and then sees to the rest.
    pub(super) fn new(
        (recording, health): (Recording, Option<LastHealth>),
        (sent, disk): (SentHeads, RecordDisk),
        relay: Features,
        (editions, verdict): (watch::Sender<Editions>, Option<oneshot::Receiver<Head>>),
    ) -> Self {
        let session = recording.session();
        let stage = Stage::Closing(Instant::now() + CLOSING);
        let (closing, end) = (ClosingRecord::new(recording, health), None);
        let (is_relay_here, stamps) = (true, 0);
        Self { session, closing, end, sent, disk, relay, is_relay_here, editions, verdict, stage, stamps }
    }

    /// The record is closed without what is still to be found out.
    pub(super) fn hurry(&self) {
        self.closing.hurry();
    }

    /// Waits until the record is closed. Safe to cancel.
    pub(super) async fn closed(&mut self) {
        self.hurry();
        self.closing.head().await;
    }

    /// Whose record it is.
    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Whether nothing is to be done, but for what the client may still say.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Waits for something to be done. Safe to cancel.
    pub(super) async fn next(&mut self) -> Step {
        let session = self.session;
        loop {
            self.stage = match self.stage {
                Stage::Closing(until) => match timeout_at(until, self.closing.head()).await {
                    Ok(Some(head)) => self.of_closed(head),
                    Ok(None) | Err(_) => {
                        tracing::error!(%session, "the record is not closed");
                        self.verdict = None;
                        self.editions.send_modify(|editions| editions.are_all = true);
                        Stage::Done
                    }
                },
                Stage::Anchor(_) | Stage::TimeStamp(_) if !self.is_relay_here => return pending().await,
                Stage::Anchor(head) => {
                    self.sent.note(session, head);
                    self.stage = Stage::AnchorAsked(head, Instant::now() + ANCHOR);
                    return Step::Say(anchor(session, head));
                }
                Stage::AnchorAsked(_, until) => {
                    sleep_until(until).await;
                    tracing::warn!(%session, "the relay has not signed the end of the record");
                    Stage::Made
                }
                Stage::Made => {
                    self.tell_edition();
                    Stage::SumsDue
                }
                Stage::SumsDue => return Step::Do(self.find_out_sums()),
                Stage::TimeStamp(digest) => {
                    self.stamps += 1;
                    self.stage = Stage::TimeStampAsked(digest, Instant::now() + TIME_STAMP);
                    return Step::Say(FromAgent::TimeStamp { session, digest });
                }
                Stage::TimeStampAsked(_, until) => {
                    sleep_until(until).await;
                    tracing::warn!(%session, "no authority has given a time stamp for the record");
                    Stage::Done
                }
                Stage::Done => match &mut self.verdict {
                    Some(verdict) => {
                        let head = verdict.await.ok();
                        self.on_verdict(head)
                    }
                    None => return pending().await,
                },
                Stage::AnchorKept | Stage::Sums | Stage::TimeStampKept => return pending().await,
            };
        }
    }

    /// What comes next when the record is closed and ends like this.
    fn of_closed(&mut self, head: Head) -> Stage {
        self.end = Some(head);
        if self.relay.has(feature::ANCHORS) { Stage::Anchor(head) } else { Stage::Made }
    }

    /// The client has said what they think of the session, or will not.
    fn on_verdict(&mut self, head: Option<Head>) -> Stage {
        self.verdict = None;
        if let Some(head) = head {
            return self.of_closed(head);
        }
        self.editions.send_modify(|editions| editions.are_all = true);
        Stage::Done
    }

    /// The report of now can be fetched.
    fn tell_edition(&self) {
        let are_all = self.verdict.is_none();
        self.editions.send_modify(|editions| {
            editions.ends.extend(self.end);
            editions.are_all = are_all;
        });
    }

    /// Reads what a time stamp is for.
    fn find_out_sums(&mut self) -> Chore {
        self.stage = Stage::Sums;
        let (session, disk, (tell, told)) = (self.session, self.disk.clone(), oneshot::channel());
        Box::pin(async move {
            disk.run(move |store| drop(tell.send(store.sums(session)))).await;
            Done::Sums(match told.await {
                Ok(Ok(digest)) => Some(SumsDigest::from_bytes(*digest.as_bytes())),
                failed => {
                    tracing::warn!(%session, ?failed, "could not read what a time stamp is for");
                    None
                }
            })
        })
    }

    /// Something on the disk is done.
    pub(super) fn on_done(&mut self, done: Done) {
        let may_stamp = self.relay.has(feature::TIME_STAMPS) && self.stamps < limits::TIME_STAMPS;
        self.stage = match (self.stage, done) {
            (Stage::AnchorKept, Done::LastAnchor) => Stage::Made,
            (Stage::Sums, Done::Sums(Some(digest))) if may_stamp => Stage::TimeStamp(digest),
            (Stage::Sums | Stage::TimeStampKept, Done::Sums(_) | Done::TimeStamp) => Stage::Done,
            (stage, _) => stage,
        };
    }

    /// The relay is here again: what it was asked may have been lost.
    pub(super) fn relay_is_here(&mut self) {
        self.is_relay_here = true;
    }

    /// It is away: what it was asked is asked again.
    pub(super) fn relay_is_away(&mut self) {
        self.is_relay_here = false;
        self.stage = match self.stage {
            Stage::AnchorAsked(head, _) => Stage::Anchor(head),
            Stage::TimeStampAsked(digest, _) => Stage::TimeStamp(digest),
            stage => stage,
        };
    }

    /// Keeps what the relay has signed.
    pub(super) fn on_anchored(&mut self, session: SessionId, line: String, signature: String) -> Chore {
        let Some(anchor) = self.sent.judge(self.disk.store(), session, KeptAnchor { line, signature }) else {
            return Box::pin(ready(Done::Anchor));
        };
        let head = anchor.line.parse().ok().map(|anchor: Anchor| anchor.head);
        let disk = self.disk.clone();
        let keeping = async move {
            disk.run(move |store| keep(store, session, &anchor)).await;
            Done::Anchor
        };
        if !matches!(self.stage, Stage::AnchorAsked(last, _) if head == Some(last)) {
            return Box::pin(keeping);
        }
        self.stage = Stage::AnchorKept;
        Box::pin(async move {
            keeping.await;
            Done::LastAnchor
        })
    }

    /// Keeps what an authority has answered, if it is about this record. Who checks the record checks the rest of it.
    pub(super) fn on_time_stamped(&mut self, session: SessionId, response: &str) -> Chore {
        let (Stage::TimeStampAsked(digest, _), true) = (self.stage, session == self.session) else {
            return Box::pin(ready(Done::Anchor));
        };
        let response = BASE64.decode(response).unwrap_or_default();
        let is_ours = response.windows(digest.as_bytes().len()).any(|bytes| bytes == digest.as_bytes());
        if !is_ours {
            tracing::warn!(target: AUDIT, %session, "a time stamp is of another record");
            return Box::pin(ready(Done::Anchor));
        }
        self.stage = Stage::TimeStampKept;
        let disk = self.disk.clone();
        Box::pin(async move {
            let digest = Digest::from_bytes(*digest.as_bytes());
            disk.run(move |store| match store.add_time_stamp(session, digest, &response) {
                Ok(true) => {}
                // What the client said meanwhile gets one of its own.
                Ok(false) => tracing::info!(%session, "a time stamp is of the record as it was before"),
                Err(error) => tracing::warn!(%session, %error, "could not keep the time stamp of the record"),
            })
            .await;
            Done::TimeStamp
        })
    }
}

/// Of a record that is closed, or is being closed.
pub(super) fn keep(store: &RecordStore, session: SessionId, anchor: &KeptAnchor) {
    if let Err(error) = store.add_anchor(session, anchor) {
        tracing::warn!(%error, "could not keep what the relay has signed of the record");
    }
}
