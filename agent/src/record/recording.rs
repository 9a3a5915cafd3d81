//! A session that is being recorded: the threads that do it, and what they have to tell.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fieldlink_evidence::{Event, Head, KeptAnchor, Resumption, Stop};
use fieldlink_identity::SigningKey;
use fieldlink_protocol::ids::{EngineerId, SessionId};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::channels::Channels;
use super::disk::{Before, Disk};
use super::hashing::Hashing;
use super::queue::{Finish, Item, Moment, Queue, Recorder, queue};
use super::syncer;
use super::writer::{Writer, stop_of};

/// How often the relay hears of the account, and how soon after one another.
const ANCHOR: Duration = Duration::from_secs(60);
const ANCHOR_AGAIN: Duration = Duration::from_secs(1);
/// How long a disk may take to take in what was recorded last.
const LEAVING: Duration = Duration::from_secs(1);

/// How a record begins, or goes on.
pub(super) enum Beginning {
    /// A new one, which begins with this event.
    New(Box<Event>),
    /// One that is gone on with.
    Again(Resumption),
}

/// Where and how a record is written.
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) key: SigningKey,
    pub(super) key_line: String,
    /// Bytes of what terminals show that may be recorded.
    pub(super) room: u64,
}

/// The end of the account that is on the disk, and how many turns it had until there.
#[derive(Debug, Clone, Copy, Default)]
struct OnDisk {
    head: Option<Head>,
    turns: u64,
}

/// A session that is being recorded.
pub(crate) struct Recording {
    session: SessionId,
    channels: Arc<Channels>,
    on_disk: watch::Receiver<OnDisk>,
    stopped: watch::Receiver<Option<Stop>>,
    ended: oneshot::Receiver<Option<Head>>,
    /// What the relay was told.
    anchored: OnDisk,
    anchor_after: Instant,
    _left: LeftWhenDropped,
}

/// Ends the threads of a recording that nobody finishes.
struct LeftWhenDropped(Hashing);

impl Drop for LeftWhenDropped {
    fn drop(&mut self) {
        self.0.finish(Finish::Leave);
    }
}

/// What a recording tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordingNews {
    /// What terminals show is not recorded any more.
    Stopped(Stop),
    /// The relay is to sign this.
    Head(Head),
}

impl Recording {
    pub(super) fn start(session: SessionId, place: Place, beginning: Beginning) -> io::Result<Self> {
        let (recorder, queue) = queue();
        let (stopped, hashing) = (recorder.stopped(), Hashing::start(recorder.clone())?);
        let (on_disk, watching) = watch::channel(OnDisk::default());
        let synced = recorder.clone();
        let syncer = syncer::start(move |written| {
            let turns = u64::from(written.is_turn);
            on_disk.send_modify(|now| *now = OnDisk { head: Some(written.head), turns: now.turns + turns });
            if !written.seals.is_empty() {
                synced.on_disk(written.seals);
            }
        })?;
        let (tell_end, ended) = oneshot::channel();
        let write = move || {
            let _ = tell_end.send(write(place, beginning, queue, syncer));
        };
        thread::Builder::new().name("record-write".into()).spawn(write)?;
        let _left = LeftWhenDropped(hashing.clone());
        let channels = Arc::new(Channels::new(recorder, hashing));
        let (anchored, anchor_after) = (OnDisk::default(), Instant::now());
        Ok(Self { session, channels, on_disk: watching, stopped, ended, anchored, anchor_after, _left })
    }

    /// Whose record it is.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// Sees the session's channels.
    pub(crate) fn channels(&self) -> Arc<Channels> {
        self.channels.clone()
    }

    /// An engineer has this place in the session.
    pub(crate) fn seat(&self, engineer: EngineerId, seat: u64) {
        self.channels.seat(engineer, seat);
    }

    /// Something happened then.
    pub(crate) fn tell_at(&self, at: Moment, event: Event) {
        self.recorder().tell_at(at, event, true);
    }

    /// A small file of the record.
    pub(crate) fn add_file(&self, name: String, content: Vec<u8>) {
        self.recorder().add_file(name, content);
    }

    /// The relay has signed a head of the account.
    pub(crate) fn anchored(&self, anchor: KeptAnchor) {
        self.recorder().anchored(anchor);
    }

    fn recorder(&self) -> &Recorder {
        &self.channels.recorder
    }

    /// Waits for what it has to tell. Safe to cancel.
    pub(crate) async fn next(&mut self) -> RecordingNews {
        loop {
            let now = *self.on_disk.borrow_and_update();
            let is_new = now.head.is_some() && now.head != self.anchored.head;
            let due = match is_new {
                true if now.turns > self.anchored.turns => Some(self.anchor_after),
                true => Some(self.anchor_after + ANCHOR),
                false => None,
            };
            let due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Ok(()) = self.stopped.changed() => {
                    if let Some(why) = *self.stopped.borrow_and_update() {
                        return RecordingNews::Stopped(why);
                    }
                }
                Ok(()) = self.on_disk.changed() => {}
                () = due => {
                    self.anchored = now;
                    self.anchor_after = Instant::now() + ANCHOR_AGAIN;
                    if let Some(head) = now.head {
                        return RecordingNews::Head(head);
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Leaves the record as it is, for another run to go on with, and waits for the disk, for a moment.
    pub(crate) async fn leave(self) {
        self.channels.hashing.finish(Finish::Leave);
        if tokio::time::timeout(LEAVING, self.ended).await.is_err() {
            tracing::error!(session = %self.session, "the record is not all written: its disk takes too long");
        }
    }

    /// Closes the record.
    pub(crate) fn close(self) -> ClosedRecord {
        self.channels.hashing.finish(Finish::Close);
        ClosedRecord { recording: self, head: None }
    }
}

/// A record that is closed, or is being closed. Dropped before it is, it goes on by itself.
pub(crate) struct ClosedRecord {
    recording: Recording,
    /// Once it is known.
    head: Option<Option<Head>>,
}

impl ClosedRecord {
    /// The end of the account, once the disk has all of it; none if it could not be closed. Safe to cancel.
    pub(crate) async fn head(&mut self) -> Option<Head> {
        if self.head.is_none() {
            let ended = (&mut self.recording.ended).await;
            self.head = Some(ended.ok().flatten());
        }
        self.head.flatten()
    }
}

/// What the writing thread does.
fn write(
    place: Place,
    beginning: Beginning,
    mut queue: Queue,
    syncer: std::sync::mpsc::Sender<syncer::Written>,
) -> Option<Head> {
    let opened = open(&place, beginning);
    match opened {
        Ok((disk, before)) => Writer::new(disk, queue, syncer, (place.key, place.room, before)).run(),
        Err(error) => {
            tracing::error!(%error, path = %place.path.display(), "this session is not recorded");
            queue.shared.stop(stop_of(&error));
            while !matches!(queue.next(Duration::MAX), Ok(Item::Finish(_)) | Err(_)) {}
            None
        }
    }
}

fn open(place: &Place, beginning: Beginning) -> io::Result<(Disk, Before)> {
    let at = Moment::now().stamp();
    match beginning {
        Beginning::New(event) => {
            let mut disk = Disk::create(&place.path, &place.key_line)?;
            disk.append(at, *event)?;
            // A record without its first line is none.
            disk.sync()?;
            Ok((disk, Before::default()))
        }
        Beginning::Again(why) => {
            let (mut disk, before) = Disk::reopen(&place.path)?;
            disk.append(at, Event::RecordResumed { why, torn: before.torn })?;
            Ok((disk, before))
        }
    }
}
