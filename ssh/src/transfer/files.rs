//! The files that are open in a channel, and the requests that wait for their answers.

use std::collections::{HashMap, HashSet};

use bytes::Buf;

use super::Way;
use super::changes::{Change, Changed, Requested, copied_into, is_unsupported, requested, status};
use super::packets::{DATA, NotUnderstood, WRITE, string};

/// Files that may be open at the same time; OpenSSH's server keeps fewer.
const OPEN: usize = 1024;
/// Requests that may wait for their answers.
const WAITING: usize = 16 * 1024;
/// What those may keep, in bytes.
const KEPT: usize = 1024 * 1024;
/// Length, type and ID.
const HEADER: usize = 9;
/// `SSH_FXF_READ` and `SSH_FXF_WRITE` (section 6.3).
const FLAG_READ: u32 = 1;
const FLAG_WRITE: u32 = 2;
/// `SSH_FXP_STATUS` (section 7).
const STATUS: u8 = 101;
/// `SSH_FX_OK` and `SSH_FX_EOF` (section 7).
const OK: u32 = 0;
const EOF: u32 = 1;

/// A file that was opened and is closed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Counts the files of the channel.
    pub file: u64,
    /// As the engineer's program named it.
    pub path: Vec<u8>,
    /// What was written to it; none: it was not opened for that.
    pub written: Option<Moved>,
    /// What was read from it.
    pub read: Option<Moved>,
    /// Whether it was closed, and the server refused nothing.
    pub is_complete: bool,
}

/// Bytes of a file that went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// How many.
    pub bytes: u64,
    /// Whether they came from the file's beginning on, in order and without a gap: [`super::Seen::Data`] told them all.
    pub is_contiguous: bool,
}

impl Moved {
    /// Takes bytes that belong at `offset`; whether they follow on those before.
    fn take(&mut self, offset: u64, bytes: u64) -> bool {
        self.is_contiguous &= offset == self.bytes;
        self.bytes += bytes;
        self.is_contiguous
    }
}

/// A request that waits for its answer.
#[derive(Debug)]
enum Waiting {
    Open {
        path: Vec<u8>,
        flags: u32,
    },
    Read {
        handle: Vec<u8>,
        offset: u64,
    },
    Write {
        handle: Vec<u8>,
    },
    Close {
        handle: Vec<u8>,
    },
    Change(Change),
    /// Nobody here knows what it is.
    Unknown,
    /// Of no interest but for its number.
    Other,
}

impl Waiting {
    /// What it keeps, in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Open { path: text, .. }
            | Self::Read { handle: text, .. }
            | Self::Write { handle: text }
            | Self::Close { handle: text } => text.len(),
            Self::Change(change) => change.size(),
            Self::Unknown | Self::Other => 0,
        }
    }
}

/// What a packet means.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The file that its payload belongs to.
    pub(super) payload: Option<u64>,
    pub(super) over: Option<Transfer>,
    pub(super) changed: Option<Changed>,
}

/// The files of one channel.
#[derive(Debug, Default)]
pub(super) struct Files {
    count: u64,
    open: HashMap<Vec<u8>, Transfer>,
    waiting: HashMap<u32, Waiting>,
    /// What those keep, in bytes.
    kept: usize,
    /// Files that are being closed.
    closing: HashSet<Vec<u8>>,
}

impl Files {
    /// Follows a packet by its head.
    /// `behind` is the length of what follows the head in its packet.
    pub(super) fn follow(&mut self, way: Way, head: &[u8], behind: usize) -> Result<Followed, NotUnderstood> {
        let Some((kind, id, body)) = parts(head) else { return Ok(Followed::default()) };
        match way {
            Way::Input => self.request(kind, id, (body, behind)),
            Way::Output => self.answer(kind, id, (body, behind)),
        }
    }

    /// No client names a file before it knows its handle, or after it has closed it, or uses a number twice: whoever does
    /// wants to be taken for another.
    fn request(
        &mut self,
        kind: u8,
        id: u32,
        (body, behind): (&[u8], usize),
    ) -> Result<Followed, NotUnderstood> {
        let mut payload = None;
        let waiting = match kind {
            3 => {
                let (path, mut rest) = string(body)?;
                let flags = rest.try_get_u32().map_err(|_| NotUnderstood)?;
                Waiting::Open { path: path.to_vec(), flags }
            }
            // The first packet of the client's has no number.
            1 => return Ok(Followed::default()),
            4 => {
                let handle = handle(body)?;
                if self.open.contains_key(&handle) && !self.closing.insert(handle.clone()) {
                    return Err(NotUnderstood);
                }
                Waiting::Close { handle }
            }
            5 => {
                let (handle, mut rest) = string(body)?;
                let offset = rest.try_get_u64().map_err(|_| NotUnderstood)?;
                Waiting::Read { handle: handle.to_vec(), offset }
            }
            WRITE => {
                let (handle, mut rest) = string(body)?;
                let offset = rest.try_get_u64().map_err(|_| NotUnderstood)?;
                let bytes = rest.try_get_u32().map_err(|_| NotUnderstood)?;
                if bytes as usize != behind || !self.is_open(handle) {
                    return Err(NotUnderstood);
                }
                payload = self.moved(handle, Way::Input, (offset, bytes));
                Waiting::Write { handle: handle.to_vec() }
            }
            _ => self.other(kind, body)?,
        };
        // What had the number before is still to be told.
        if self.waiting.contains_key(&id) {
            return Err(NotUnderstood);
        }
        self.kept += waiting.size();
        self.waiting.insert(id, waiting);
        let is_much = self.waiting.len() > WAITING || self.kept > KEPT;
        if is_much { Err(NotUnderstood) } else { Ok(Followed { payload, ..Followed::default() }) }
    }

    /// A request that moves no bytes through the channel.
    fn other(&mut self, kind: u8, body: &[u8]) -> Result<Waiting, NotUnderstood> {
        let name_of = |handle: &[u8]| self.opened_as(handle);
        let waiting = match requested(kind, body, name_of)? {
            Requested::Change(change) => Waiting::Change(change),
            Requested::Unknown => Waiting::Unknown,
            Requested::Nothing => Waiting::Other,
        };
        // Its hash would not be that of what is in it.
        let into = copied_into(kind, body).and_then(|handle| self.open.get_mut(handle));
        if let Some(written) = into.and_then(|transfer| transfer.written.as_mut()) {
            written.is_contiguous = false;
        }
        Ok(waiting)
    }

    fn answer(
        &mut self,
        kind: u8,
        id: u32,
        (mut body, behind): (&[u8], usize),
    ) -> Result<Followed, NotUnderstood> {
        // The first packet of the server's has no number, either.
        if kind == 2 {
            return Ok(Followed::default());
        }
        let Some(waiting) = self.waiting.remove(&id) else { return Ok(Followed::default()) };
        self.kept -= waiting.size();
        let mut followed = Followed::default();
        match (kind, waiting) {
            (102, Waiting::Open { path, flags }) => self.opened(handle(body)?, path, flags)?,
            (DATA, Waiting::Read { handle, offset }) => {
                let bytes = body.try_get_u32().map_err(|_| NotUnderstood)?;
                if bytes as usize != behind {
                    return Err(NotUnderstood);
                }
                followed.payload = self.moved(&handle, Way::Output, (offset, bytes));
            }
            (_, Waiting::Close { handle }) => {
                self.closing.remove(&handle);
                followed.over = self.open.remove(&handle);
            }
            (STATUS, Waiting::Write { handle }) => self.told(&handle, body, &[OK]),
            (STATUS, Waiting::Read { handle, .. }) => self.told(&handle, body, &[OK, EOF]),
            (_, Waiting::Change(change)) => match status(body).filter(|_| kind == STATUS) {
                status @ Some(_) => followed.changed = Some(Changed { change, status }),
                // It is told as one without an answer.
                None => {
                    self.waiting.insert(id, Waiting::Change(change));
                    return Err(NotUnderstood);
                }
            },
            (_, Waiting::Unknown) if !is_unsupported(kind, body) => return Err(NotUnderstood),
            _ => {}
        }
        Ok(followed)
    }

    fn opened(&mut self, handle: Vec<u8>, path: Vec<u8>, flags: u32) -> Result<(), NotUnderstood> {
        let moved = |flag| (flags & flag != 0).then_some(Moved { bytes: 0, is_contiguous: true });
        let (written, read) = (moved(FLAG_WRITE), moved(FLAG_READ));
        // Until it is closed.
        let transfer = Transfer { file: self.count, path, written, read, is_complete: true };
        self.count += 1;
        let is_known = self.open.insert(handle, transfer).is_some();
        if is_known || self.open.len() > OPEN { Err(NotUnderstood) } else { Ok(()) }
    }

    fn is_open(&self, handle: &[u8]) -> bool {
        self.opened_as(handle).is_some()
    }

    /// The path of the file with this handle.
    fn opened_as(&self, handle: &[u8]) -> Option<&[u8]> {
        let transfer = self.open.get(handle).filter(|_| !self.closing.contains(handle));
        transfer.map(|transfer| transfer.path.as_slice())
    }

    /// The file that these bytes are the next of, if they are.
    fn moved(&mut self, handle: &[u8], way: Way, (offset, bytes): (u64, u32)) -> Option<u64> {
        let transfer = self.open.get_mut(handle)?;
        let moved = match way {
            Way::Input => transfer.written.as_mut()?,
            Way::Output => transfer.read.as_mut()?,
        };
        moved.take(offset, bytes.into()).then_some(transfer.file)
    }

    fn told(&mut self, handle: &[u8], mut body: &[u8], fine: &[u32]) {
        let is_fine = body.try_get_u32().is_ok_and(|code| fine.contains(&code));
        if let Some(transfer) = self.open.get_mut(handle).filter(|_| !is_fine) {
            transfer.is_complete = false;
        }
    }

    /// What is open, and will not be closed any more.
    pub(super) fn take_open(&mut self) -> Vec<Transfer> {
        let open = self.open.drain().map(|(_, transfer)| Transfer { is_complete: false, ..transfer });
        let mut open: Vec<Transfer> = open.collect();
        open.sort_by_key(|transfer| transfer.file);
        open
    }

    /// What was asked for, and will not be answered any more: in the order of the client's numbers.
    pub(super) fn take_unanswered(&mut self) -> Vec<Changed> {
        let mut waiting: Vec<_> = self.waiting.drain().collect();
        waiting.sort_by_key(|(id, _)| *id);
        let change = |waiting| if let Waiting::Change(change) = waiting { Some(change) } else { None };
        let unanswered = waiting.into_iter().filter_map(|(_, waiting)| change(waiting));
        unanswered.map(|change| Changed { change, status: None }).collect()
    }
}

/// Type, ID and what follows. The first packet of each side has no ID.
fn parts(head: &[u8]) -> Option<(u8, u32, &[u8])> {
    let id = head.get(5..HEADER)?.get_u32();
    Some((head[4], id, &head[HEADER..]))
}

fn handle(body: &[u8]) -> Result<Vec<u8>, NotUnderstood> {
    string(body).map(|(handle, _)| handle.to_vec())
}
