//! The thread that takes the hashes of files that are transferred, beside the thread that carries them.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use fieldlink_evidence::{Digest, Direction, Event, Hasher, Transferred};
use fieldlink_ssh::Way;
use fieldlink_ssh::transfer::{Moved, Transfer};

use super::changes::path_of;
use super::queue::{Finish, Moment, Recorder};

/// Bytes of files that may wait for their hash.
const WAITING: usize = 32 * 1024 * 1024;
/// Bytes that are passed on together: waking the thread for every packet costs more than the hash.
const TOGETHER: usize = 256 * 1024;

enum Piece {
    Data {
        of: Part,
        bytes: Vec<u8>,
    },
    /// Some bytes of it were left out.
    Missing(Part),
    Over {
        channel: u64,
        transfer: Transfer,
    },
    Tell(Moment, Box<Event>),
    Finish(Finish),
}

/// A file of a channel's, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) channel: u64,
    pub(super) file: u64,
    pub(super) way: Way,
}

/// Takes hashes. All clones are the same; none of them ever waits for a hash.
#[derive(Clone)]
pub(super) struct Hashing {
    sending: Arc<Mutex<Sending>>,
    waiting: Arc<AtomicUsize>,
}

/// The way to the thread.
struct Sending {
    pieces: Sender<Piece>,
    /// What is not passed on yet. Everything else goes behind it.
    gathered: Option<(Part, Vec<u8>)>,
}

impl Hashing {
    /// Begins; what comes of it goes to `recorder`.
    pub(super) fn start(recorder: Recorder) -> io::Result<Self> {
        let (sender, pieces) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = waiting.clone();
        thread::Builder::new().name("record-hash".into()).spawn(move || run(&pieces, &counted, &recorder))?;
        let sending = Sending { pieces: sender, gathered: None };
        Ok(Self { sending: Arc::new(Mutex::new(sending)), waiting })
    }

    /// The next bytes of a file.
    pub(super) fn data(&self, of: Part, bytes: &[u8]) {
        let waiting = self.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if waiting > WAITING {
            self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
            return self.send(Piece::Missing(of));
        }
        self.sending().gather(of, bytes);
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, piece: Piece) {
        self.sending().send(piece);
    }

    /// A file is closed.
    pub(super) fn over(&self, channel: u64, transfer: Transfer) {
        self.send(Piece::Over { channel, transfer });
    }

    /// Tells `event`, behind the files that were closed before.
    pub(super) fn tell_of_channel(&self, event: Event) {
        self.send(Piece::Tell(Moment::now(), Box::new(event)));
    }

    /// That was all: the recorder hears of it once all hashes are taken.
    pub(super) fn finish(&self, how: Finish) {
        self.send(Piece::Finish(how));
    }
}

impl Sending {
    fn gather(&mut self, of: Part, bytes: &[u8]) {
        if !matches!(&self.gathered, Some((gathered, _)) if *gathered == of) {
            self.pass_on();
        }
        let (_, gathered) = self.gathered.get_or_insert_with(|| (of, Vec::new()));
        gathered.extend_from_slice(bytes);
        if gathered.len() >= TOGETHER {
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        if let Some((of, bytes)) = self.gathered.take() {
            // The thread outlives every recording but one that was given up.
            let _ = self.pieces.send(Piece::Data { of, bytes });
        }
    }

    fn send(&mut self, piece: Piece) {
        self.pass_on();
        let _ = self.pieces.send(piece);
    }
}

fn run(pieces: &Receiver<Piece>, waiting: &AtomicUsize, recorder: &Recorder) {
    // Without a hasher, something of the file is missing.
    let mut hashers: HashMap<Part, Option<Hasher>> = HashMap::new();
    for piece in pieces {
        match piece {
            Piece::Data { of, bytes } => {
                waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                if let Some(hasher) = hashers.entry(of).or_insert_with(|| Some(Hasher::default())) {
                    hasher.push(&bytes);
                }
            }
            Piece::Missing(of) => drop(hashers.insert(of, None)),
            Piece::Over { channel, transfer } => {
                for event in entries(channel, &transfer, &mut hashers) {
                    recorder.tell_of_channel(Moment::now(), event);
                }
            }
            Piece::Tell(at, event) => recorder.tell_of_channel(at, *event),
            Piece::Finish(how) => return recorder.finish(how),
        }
    }
}

/// What the account says of a file: an entry for each way that it went.
fn entries(channel: u64, transfer: &Transfer, hashers: &mut HashMap<Part, Option<Hasher>>) -> Vec<Event> {
    let mut entry = |way, direction, moved: Moved| {
        let part = Part { channel, file: transfer.file, way };
        let hasher = hashers.remove(&part).unwrap_or_else(|| Some(Hasher::default()));
        let sha256: Option<Digest> = hasher
            .filter(|hasher| moved.is_contiguous && hasher.size() == moved.bytes)
            .map(|hasher| hasher.digest());
        let path = path_of(&transfer.path);
        let complete = transfer.is_complete;
        Event::FileTransferred(Transferred { channel, direction, path, size: moved.bytes, sha256, complete })
    };
    let written = transfer.written.map(|moved| entry(Way::Input, Direction::Upload, moved));
    // What is opened for both is often only written.
    let read = transfer.read.filter(|moved| moved.bytes > 0 || transfer.written.is_none());
    let read = read.map(|moved| entry(Way::Output, Direction::Download, moved));
    written.into_iter().chain(read).collect()
}
