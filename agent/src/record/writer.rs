//! The thread that writes one record.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::Duration;

use fieldlink_evidence::{Anchor, ChannelOutcome, Event, Head, Seal, Stop, TerminalShape, Use};
use fieldlink_identity::SigningKey;

use super::disk::{Before, Disk};
use super::queue::{Finish, Item, Moment, Queue};
use super::syncer::Written;
use super::terminal::Terminal;

/// How long what was written may not be on the disk, and how often what is on it is sealed.
const SYNC: Duration = Duration::from_millis(300);
const SEAL: Duration = Duration::from_secs(50);
/// Bytes of an account up to which channels have entries. What the rules tell always has.
const OF_CHANNELS: u64 = 24 * 1024 * 1024;
/// Terminals that are recorded at the same time, and of one session: the last line of an account names them all, and may
/// be so long only.
const TERMINALS: usize = 128;
const RECORDINGS: usize = 1000;

/// Writes one record.
pub(super) struct Writer {
    disk: Disk,
    queue: Queue,
    syncer: Sender<Written>,
    key: SigningKey,
    /// Bytes of what terminals show that may still be recorded.
    room: u64,
    /// The number of the first channel of this run of the agent, which counts them from 0.
    first_channel: u64,
    /// Places of further engineers whom the client was asked about.
    asked_about: HashSet<u64>,
    /// Recordings of terminals that the record has.
    recordings: usize,
    terminals: HashMap<u64, Terminal>,
    /// Channels whose recordings have ended.
    over: HashSet<u64>,
    /// Ended recordings that are not known to be on the disk.
    ended: Vec<Terminal>,
    progress: Progress,
}

/// What has been written since the last time.
#[derive(Default)]
struct Progress {
    is_new: bool,
    is_turn: bool,
    synced: Duration,
    sealed: Duration,
    is_full: bool,
}

impl Writer {
    /// Writes what comes out of `queue` to `disk`; of what terminals show, `room` bytes at most.
    pub(super) fn new(
        disk: Disk,
        queue: Queue,
        syncer: Sender<Written>,
        (key, room, before): (SigningKey, u64, Before),
    ) -> Self {
        let Before { channels: first_channel, recordings: (recordings, shown), is_stopped, .. } = before;
        // What was given up stays given up.
        let room = if is_stopped { 0 } else { room.saturating_sub(shown) };
        let (terminals, over, ended, progress) =
            (HashMap::new(), HashSet::new(), Vec::new(), Progress::default());
        let asked_about = HashSet::new();
        Self {
            disk,
            queue,
            syncer,
            key,
            room,
            first_channel,
            asked_about,
            recordings,
            terminals,
            over,
            ended,
            progress,
        }
    }

    /// Writes until the record is over. Its head, if it was closed.
    pub(super) fn run(mut self) -> Option<Head> {
        loop {
            let item = self.queue.next(SYNC);
            let finish = match item {
                Ok(Item::Finish(how)) => how,
                Ok(item) => {
                    self.record(item);
                    self.settle();
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.settle();
                    continue;
                }
                // Whoever recorded has failed: the next start closes it.
                Err(RecvTimeoutError::Disconnected) => Finish::Leave,
            };
            return self.finish(finish);
        }
    }

    fn record(&mut self, mut item: Item) {
        item.renumber(self.first_channel);
        match item {
            Item::Event(at, event, is_turn) => {
                self.progress.is_turn |= is_turn;
                if matches!(*event, Event::RecordingStopped { .. }) {
                    self.mark_the_stop();
                }
                if !self.is_told(&event) {
                    self.append(at, *event);
                }
            }
            Item::OfChannel(at, event) => self.record_of_channel(at, *event),
            Item::File(name, content) => {
                let added = self.disk.add_file(&name, &content);
                self.note(added);
            }
            Item::Shape { channel, shape, title, at } => self.record_shape(channel, shape, &title, at),
            // What was on its way when the recording stopped is left out.
            Item::Output { .. } if self.room == 0 => {}
            Item::Output { channel, bytes, at } => {
                let terminal = self.terminals.get_mut(&channel);
                let recorded = terminal.map(|terminal| terminal.output(at.boot, &bytes));
                recorded.into_iter().for_each(|recorded| self.recorded(recorded));
            }
            Item::Anchor(anchor) => {
                let added = self.disk.add_anchor(&anchor);
                self.note(added);
                if let Ok(Anchor { head, time, .. }) = anchor.line.parse() {
                    self.append(Moment::now().stamp(), Event::Anchored { seq: head.seq, time });
                }
            }
            Item::OnDisk(seals) => self.seal(seals),
            Item::Finish(_) => {}
        }
    }

    /// Whether another event has told it: a question to the client names who wants to join, and they are told by themselves
    /// only where nobody is asked.
    fn is_told(&mut self, event: &Event) -> bool {
        if let Event::LeaveAsked { leave: Use::Guest { seat, .. }, .. } = event {
            self.asked_about.insert(*seat);
        }
        matches!(event, Event::GuestLetIn { seat, .. } if self.asked_about.contains(seat))
    }

    /// Channels are many, and what the rules tell must have room.
    fn record_of_channel(&mut self, at: fieldlink_evidence::Stamp, event: Event) {
        if let Event::ChannelOver { channel, outcome, .. } = &event
            && let Some(terminal) = self.terminals.remove(channel)
        {
            self.over.insert(*channel);
            self.end_terminal(terminal, outcome);
        }
        if self.disk.size() > OF_CHANNELS {
            if !std::mem::replace(&mut self.progress.is_full, true) {
                self.append(at, Event::ChannelsUnrecorded {});
                self.stop(Stop::Bound);
            }
            return;
        }
        self.append(at, event);
    }

    fn record_shape(&mut self, channel: u64, shape: TerminalShape, title: &str, at: Moment) {
        if self.queue.shared.is_stopped() || self.over.contains(&channel) {
            return;
        }
        if self.room == 0 {
            return self.stop(Stop::Bound);
        }
        if let Some(terminal) = self.terminals.get_mut(&channel) {
            let recorded = terminal.resize(at.boot, shape);
            return self.recorded(recorded);
        }
        if self.terminals.len() >= TERMINALS || self.recordings >= RECORDINGS {
            return self.stop(Stop::Bound);
        }
        self.recordings += 1;
        match Terminal::begin(self.disk.path(), channel, (shape, title), (at.boot, at.unix())) {
            Ok(terminal) => {
                let file = terminal.name.clone();
                self.terminals.insert(channel, terminal);
                self.append(at.stamp(), Event::TerminalBegan { channel, file, shape });
            }
            Err(error) => self.stop(stop_of(&error)),
        }
    }

    fn end_terminal(&mut self, mut terminal: Terminal, outcome: &ChannelOutcome) {
        let ended = terminal.exit(Moment::now().boot, outcome);
        self.recorded(ended);
        self.ended.push(terminal);
    }

    /// So much was recorded, or it could not be.
    fn recorded(&mut self, recorded: io::Result<u64>) {
        self.progress.is_new = true;
        match recorded {
            Ok(bytes) if bytes > self.room => self.stop(Stop::Bound),
            Ok(bytes) => self.room -= bytes,
            Err(error) => {
                tracing::warn!(%error, "could not record what a terminal shows");
                self.stop(stop_of(&error));
            }
        }
    }

    /// What terminals show is not recorded any more.
    fn stop(&mut self, why: Stop) {
        if self.queue.shared.stop(why) {
            self.mark_the_stop();
            self.progress.is_turn = true;
            self.append(Moment::now().stamp(), Event::RecordingStopped { why });
        }
    }

    /// Whoever plays a recording sees where it stops.
    fn mark_the_stop(&mut self) {
        self.room = 0;
        let now = Moment::now().boot;
        for terminal in self.terminals.values_mut() {
            // Where there is no room for that either, the account tells it.
            let _ = terminal.stop(now);
        }
    }

    fn append(&mut self, at: fieldlink_evidence::Stamp, event: Event) {
        let appended = self.disk.append(at, event);
        self.note(appended);
    }

    fn note(&mut self, done: io::Result<()>) {
        self.progress.is_new = true;
        if let Err(error) = done
            && self.queue.shared.stop(stop_of(&error))
        {
            tracing::error!(%error, "could not write the record");
            let why = stop_of(&error);
            // It waits for room.
            let _ = self.disk.append(Moment::now().stamp(), Event::RecordingStopped { why });
        }
    }

    /// Has what is new brought to the disk, now and then.
    fn settle(&mut self) {
        if let Some(count) = self.queue.shared.take_lost() {
            self.append(Moment::now().stamp(), Event::EventsLost { count });
        }
        let now = Moment::now().boot;
        let is_due = self.progress.is_turn || now.saturating_sub(self.progress.synced) >= SYNC;
        let Some(head) = self.disk.head().filter(|_| self.progress.is_new && is_due) else { return };
        let mut files = vec![self.disk.events()];
        files.extend(self.terminals.values().map(|terminal| terminal.file.clone()));
        files.extend(self.ended.iter().map(|terminal| terminal.file.clone()));
        let seals = self.seals(now);
        let is_turn = std::mem::take(&mut self.progress.is_turn);
        (self.progress.is_new, self.progress.synced) = (false, now);
        let _ = self.syncer.send(Written { files, head, is_turn, seals });
    }

    /// What recordings have come to, once in a while, and at their ends.
    fn seals(&mut self, now: Duration) -> Vec<(String, Seal)> {
        let mut due: Vec<Terminal> = std::mem::take(&mut self.ended);
        let mut seals: Vec<_> =
            due.iter_mut().filter_map(|terminal| Some((terminal.name.clone(), terminal.seal()?))).collect();
        if now.saturating_sub(self.progress.sealed) >= SEAL {
            self.progress.sealed = now;
            let open = self.terminals.values_mut();
            seals.extend(open.filter_map(|terminal| Some((terminal.name.clone(), terminal.seal()?))));
        }
        seals
    }

    fn seal(&mut self, seals: Vec<(String, Seal)>) {
        let at = Moment::now();
        for (file, seal) in seals {
            self.append(at.stamp(), Event::TerminalSealed { file, seal });
        }
    }

    fn finish(mut self, how: Finish) -> Option<Head> {
        for (_, terminal) in std::mem::take(&mut self.terminals) {
            self.end_terminal(terminal, &ChannelOutcome::Cut {});
        }
        self.settle();
        let closed = match how {
            Finish::Leave => {
                let left = self.disk.leave();
                left.unwrap_or_else(|error| tracing::error!(%error, "the record may not go on"));
                return None;
            }
            Finish::Close => self.disk.close(Moment::now().stamp(), false, &self.key),
        };
        closed.inspect_err(|error| tracing::error!(%error, "could not close the record")).ok()
    }
}

/// What an error of the file system means for the record.
pub(super) fn stop_of(error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Stop::DiskFull,
        _ => Stop::DiskFailed,
    }
}
