//! Makes sure that what was written reaches the disk, in a thread of its own: a disk that takes long holds up nothing but
//! this.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use fieldlink_evidence::{Head, Seal};

/// Files to be brought to the disk, and the head of the account that is there afterwards.
pub(super) struct Written {
    pub(super) files: Vec<Arc<File>>,
    pub(super) head: Head,
    /// Whether the relay is to hear of that head at once.
    pub(super) is_turn: bool,
    /// What recordings have come to.
    pub(super) seals: Vec<(String, Seal)>,
}

/// Begins to bring to the disk what is sent; `on_disk` is told what is there. Ends with the sender.
pub(super) fn start(on_disk: impl Fn(Written) + Send + 'static) -> io::Result<Sender<Written>> {
    let (sender, receiver) = channel();
    thread::Builder::new().name("record-sync".into()).spawn(move || run(&receiver, on_disk))?;
    Ok(sender)
}

fn run(receiver: &Receiver<Written>, on_disk: impl Fn(Written)) {
    while let Ok(mut written) = receiver.recv() {
        // What came meanwhile is brought there together.
        for more in receiver.try_iter() {
            written.files.extend(more.files);
            written.seals.extend(more.seals);
            (written.head, written.is_turn) = (more.head, written.is_turn | more.is_turn);
        }
        let mut seen = HashSet::new();
        let mut files = written.files.iter().filter(|file| seen.insert(file.as_raw_fd()));
        let synced: io::Result<()> = files.try_for_each(|file| file.sync_data());
        match synced {
            Ok(()) => on_disk(written),
            Err(error) => tracing::warn!(%error, "the record may not have reached the disk"),
        }
    }
}
