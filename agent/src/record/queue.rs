//! What waits to be recorded, and the way in: nobody who records something waits.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use std::vec;

use fieldlink_evidence::{Event, KeptAnchor, Seal, Stamp, Stop, TerminalShape};
use tokio::sync::watch;

use crate::clock;

/// Output that may wait, in bytes: what a terminal shows while the disk is busy for a moment.
const OUTPUT: usize = 16 * 1024 * 1024;
/// Things of channels that may wait. What the rules tell is bounded by them.
const OF_CHANNELS: usize = 4 * 1024;
/// Bytes of output that are passed on together: waking the writer for every key would slow its echo down. What is less
/// waits for the writer to look by itself.
const TOGETHER: usize = 64 * 1024;
/// What a thing takes beside its bytes.
const OVERHEAD: usize = 128;
/// How long the disk may take for one thing.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thing to be recorded.
pub(super) enum Item {
    /// An event; whether the relay is to hear of it at once.
    Event(Stamp, Box<Event>, bool),
    /// An event of a channel.
    OfChannel(Stamp, Box<Event>),
    /// A small file.
    File(String, Vec<u8>),
    /// A terminal is there, or has another size.
    Shape { channel: u64, shape: TerminalShape, title: String, at: Moment },
    /// A terminal shows something.
    Output { channel: u64, bytes: Vec<u8>, at: Moment },
    /// What the relay has signed.
    Anchor(Box<KeptAnchor>),
    /// So much of the recordings is on the disk.
    OnDisk(Vec<(String, Seal)>),
    /// The last one.
    Finish(Finish),
}

impl Item {
    /// Whether channels decide how many of these there are.
    fn is_of_channel(&self) -> bool {
        matches!(self, Self::OfChannel(..) | Self::Shape { .. })
    }

    /// Counts the channel that it is about from `first` on.
    pub(super) fn renumber(&mut self, first: u64) {
        match self {
            Self::OfChannel(_, event) => {
                event.channel_mut().into_iter().for_each(|channel| *channel += first)
            }
            Self::Shape { channel, .. } | Self::Output { channel, .. } => *channel += first,
            _ => {}
        }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is over: it is closed and signed.
    Close,
    /// It goes on after a restart of the device.
    Leave,
}

/// A time by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(super) boot: Duration,
    pub(super) clock: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { boot: clock::now(), clock: SystemTime::now() }
    }

    pub(super) fn stamp(self) -> Stamp {
        Stamp::new(self.clock, self.boot)
    }

    pub(super) fn unix(self) -> u64 {
        self.clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

/// What both ends of the queue know.
pub(super) struct Shared {
    output: AtomicUsize,
    of_channels: AtomicUsize,
    /// Things that were left out.
    lost: AtomicU64,
    /// Since when the writer has been at one thing, in milliseconds since boot; 0: it waits.
    busy_since: AtomicU64,
    /// Whether what terminals show is not recorded any more.
    is_stopped: AtomicBool,
    stopped: watch::Sender<Option<Stop>>,
    /// What terminals have shown and nobody was woken for. Everything else goes behind it.
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    items: Vec<Item>,
    bytes: usize,
}

impl Shared {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What terminals show is not recorded any more. True the first time.
    pub(super) fn stop(&self, why: Stop) -> bool {
        let is_first = !self.is_stopped.swap(true, Ordering::Relaxed);
        if is_first {
            tracing::warn!(?why, "what terminals show is not recorded any more");
            self.stopped.send_replace(Some(why));
        }
        is_first
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// How many things were left out since this was asked last.
    pub(super) fn take_lost(&self) -> Option<u64> {
        Some(self.lost.swap(0, Ordering::Relaxed)).filter(|lost| *lost > 0)
    }

    fn is_stuck(&self, now: Duration) -> bool {
        let since = Duration::from_millis(self.busy_since.load(Ordering::Relaxed));
        !since.is_zero() && now.saturating_sub(since) > PATIENCE
    }
}

/// Records what happens in one session. All clones are the same; none of them ever waits.
#[derive(Clone)]
pub(super) struct Recorder {
    items: Sender<Vec<Item>>,
    shared: Arc<Shared>,
}

/// Where what is to be recorded comes out.
pub(super) struct Queue {
    items: Receiver<Vec<Item>>,
    /// What has come out, and is not taken yet.
    taken: vec::IntoIter<Item>,
    pub(super) shared: Arc<Shared>,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An empty queue.
pub(super) fn queue() -> (Recorder, Queue) {
    let (sender, items) = channel();
    let shared = Arc::new(Shared {
        output: AtomicUsize::new(0),
        of_channels: AtomicUsize::new(0),
        lost: AtomicU64::new(0),
        // Its disk may take its time from the beginning on.
        busy_since: AtomicU64::new(millis(clock::now())),
        is_stopped: AtomicBool::new(false),
        stopped: watch::Sender::new(None),
        gathered: Mutex::default(),
    });
    (
        Recorder { items: sender, shared: shared.clone() },
        Queue { items, taken: Vec::new().into_iter(), shared },
    )
}

impl Recorder {
    /// Something happened then. The relay is to hear of it at once if it `is_turn`.
    pub(super) fn tell_at(&self, at: Moment, event: Event, is_turn: bool) {
        self.put(Item::Event(at.stamp(), Box::new(event), is_turn));
    }

    pub(super) fn tell_of_channel(&self, at: Moment, event: Event) {
        self.put(Item::OfChannel(at.stamp(), Box::new(event)));
    }

    /// A small file of the record.
    pub(super) fn add_file(&self, name: String, content: Vec<u8>) {
        self.put(Item::File(name, content));
    }

    /// The relay has signed a head of the account.
    pub(super) fn anchored(&self, anchor: KeptAnchor) {
        self.put(Item::Anchor(Box::new(anchor)));
    }

    pub(super) fn shape(&self, channel: u64, shape: TerminalShape, title: String) {
        self.put(Item::Shape { channel, shape, title, at: Moment::now() });
    }

    pub(super) fn on_disk(&self, seals: Vec<(String, Seal)>) {
        self.put(Item::OnDisk(seals));
    }

    pub(super) fn output(&self, channel: u64, bytes: &[u8]) {
        if self.shared.is_stopped() {
            return;
        }
        let at = Moment::now();
        let size = bytes.len() + OVERHEAD;
        let waiting = self.shared.output.fetch_add(size, Ordering::Relaxed) + size;
        if waiting > OUTPUT || self.shared.is_stuck(at.boot) {
            self.shared.output.fetch_sub(size, Ordering::Relaxed);
            return self.give_up(Stop::DiskSlow);
        }
        let mut gathered = self.shared.gathered();
        gathered.items.push(Item::Output { channel, bytes: bytes.to_vec(), at });
        gathered.bytes += size;
        if gathered.bytes >= TOGETHER {
            self.pass_on(&mut gathered, None);
        }
    }

    /// Passes on what was gathered, and this behind it. Where nobody writes any more, the record is over.
    fn pass_on(&self, gathered: &mut Gathered, last: Option<Item>) {
        let Gathered { mut items, .. } = std::mem::take(gathered);
        items.extend(last);
        let _ = self.items.send(items);
    }

    fn send(&self, item: Item) {
        self.pass_on(&mut self.shared.gathered(), Some(item));
    }

    /// What terminals show is not recorded from now on.
    fn give_up(&self, why: Stop) {
        if self.shared.stop(why) {
            self.tell_at(Moment::now(), Event::RecordingStopped { why }, true);
        }
    }

    /// That was all.
    pub(super) fn finish(&self, how: Finish) {
        self.send(Item::Finish(how));
    }

    fn put(&self, item: Item) {
        let is_of_channel = item.is_of_channel();
        if is_of_channel && self.shared.of_channels.fetch_add(1, Ordering::Relaxed) >= OF_CHANNELS {
            self.shared.of_channels.fetch_sub(1, Ordering::Relaxed);
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            self.send(item);
        }
        if self.shared.is_stuck(clock::now()) {
            self.give_up(Stop::DiskSlow);
        }
    }

    /// Why what terminals show is not recorded any more; changes once.
    pub(super) fn stopped(&self) -> watch::Receiver<Option<Stop>> {
        self.shared.stopped.subscribe()
    }
}

impl Queue {
    /// The next thing, within `patience`. The writer is busy with it until it asks again.
    pub(super) fn next(&mut self, patience: Duration) -> Result<Item, RecvTimeoutError> {
        self.shared.busy_since.store(0, Ordering::Relaxed);
        let item = match self.taken.next() {
            Some(item) => item,
            None => self.receive(patience)?,
        };
        self.shared.busy_since.store(millis(clock::now()), Ordering::Relaxed);
        match &item {
            Item::Output { bytes, .. } => {
                self.shared.output.fetch_sub(bytes.len() + OVERHEAD, Ordering::Relaxed);
            }
            item if item.is_of_channel() => {
                self.shared.of_channels.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
        Ok(item)
    }

    fn receive(&mut self, patience: Duration) -> Result<Item, RecvTimeoutError> {
        let items = match self.items.recv_timeout(patience) {
            Ok(items) => items,
            Err(nothing) => {
                let mut gathered = self.shared.gathered();
                // What was passed on meanwhile stands before it.
                let mut items: Vec<_> = self.items.try_iter().flatten().collect();
                items.append(&mut std::mem::take(&mut *gathered).items);
                if items.is_empty() {
                    return Err(nothing);
                }
                items
            }
        };
        self.taken = items.into_iter();
        self.taken.next().ok_or(RecvTimeoutError::Timeout)
    }
}
