//! Requests of SFTP that change something on the device beside the bytes of files, and what came of them.

use bytes::Buf;

use super::packets::{NotUnderstood, string};
use crate::sftp::functions_of_extension;

/// `SSH_FX_OK` (section 7).
const OK: u32 = 0;
/// `SSH_FX_OP_UNSUPPORTED`: the server has done nothing.
const UNSUPPORTED: u32 = 8;
/// Flags of attributes (section 5): which of them follow.
const HAS_SIZE: u32 = 1;
const HAS_OWNER: u32 = 2;
const HAS_PERMISSIONS: u32 = 4;

/// What is to be changed. Paths are as the engineer's program named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something gets another name; what had that before is gone, with the request that OpenSSH's client prefers.
    Rename {
        /// Its name until then.
        from: Vec<u8>,
        /// Its new name.
        to: Vec<u8>,
    },
    /// A file or link is removed.
    Remove {
        /// Which.
        path: Vec<u8>,
    },
    /// A directory is made.
    MakeDirectory {
        /// Which.
        path: Vec<u8>,
    },
    /// A directory is removed.
    RemoveDirectory {
        /// Which.
        path: Vec<u8>,
    },
    /// A symbolic link is made.
    SymbolicLink {
        /// Where it leads.
        target: Vec<u8>,
        /// Its name.
        path: Vec<u8>,
    },
    /// A file gets one more name.
    HardLink {
        /// One that it has.
        target: Vec<u8>,
        /// The new one.
        path: Vec<u8>,
    },
    /// Attributes are set.
    Attributes {
        /// Of what.
        path: Vec<u8>,
        /// Those.
        attributes: Attributes,
    },
    /// The device copies bytes from one file into another one: they do not pass the channel.
    Copy {
        /// From this one.
        from: Vec<u8>,
        /// Into this one.
        to: Vec<u8>,
    },
}

impl Change {
    /// What it keeps, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Rename { from: one, to: other }
            | Self::Copy { from: one, to: other }
            | Self::SymbolicLink { target: one, path: other }
            | Self::HardLink { target: one, path: other } => one.len() + other.len(),
            Self::Remove { path }
            | Self::MakeDirectory { path }
            | Self::RemoveDirectory { path }
            | Self::Attributes { path, .. } => path.len(),
        }
    }
}

/// Attributes that are set. Times are left out: they change nothing but themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// What is behind it is cut off, or zeros fill what was not there.
    pub size: Option<u64>,
    /// Numbers of user and group.
    pub owner: Option<(u32, u32)>,
    /// As `st_mode` has them.
    pub permissions: Option<u32>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub change: Change,
    /// As the server says; none: it has not said anything.
    pub status: Option<u32>,
}

impl Changed {
    /// Whether the server says that it is done.
    pub fn is_done(&self) -> bool {
        self.status == Some(OK)
    }
}

/// What a request is.
pub(super) enum Requested {
    /// A change.
    Change(Change),
    /// It changes nothing that is told.
    Nothing,
    /// Nobody here knows it. If the server does, nobody knows what it did.
    Unknown,
}

/// What a request of this kind is that neither opens nor moves anything. `name_of`: the file with a handle, if it is open.
pub(super) fn requested<'a>(
    kind: u8,
    body: &[u8],
    name_of: impl Fn(&[u8]) -> Option<&'a [u8]>,
) -> Result<Requested, NotUnderstood> {
    let path = || string(body).map(|(path, _)| path.to_vec());
    Ok(Requested::Change(match kind {
        9 => return attributes(body, |path| Some(path.to_vec())),
        10 => return attributes(body, |handle| name_of(handle).map(<[u8]>::to_vec)),
        13 => Change::Remove { path: path()? },
        14 => Change::MakeDirectory { path: path()? },
        15 => Change::RemoveDirectory { path: path()? },
        18 => rename(body)?,
        20 => symbolic_link(body)?,
        200 => return extended(body, name_of),
        7 | 8 | 11 | 12 | 16 | 17 | 19 => return Ok(Requested::Nothing),
        _ => return Ok(Requested::Unknown),
    }))
}

/// OpenSSH's extensions (its PROTOCOL, section 4).
fn extended<'a>(
    body: &[u8],
    name_of: impl Fn(&[u8]) -> Option<&'a [u8]>,
) -> Result<Requested, NotUnderstood> {
    let (name, rest) = string(body)?;
    Ok(Requested::Change(match name {
        b"posix-rename@openssh.com" => rename(rest)?,
        b"hardlink@openssh.com" => {
            let (target, path) = two(rest)?;
            Change::HardLink { target, path }
        }
        b"lsetstat@openssh.com" => return attributes(rest, |path| Some(path.to_vec())),
        b"copy-data" => {
            let (from, to) = copied(rest)?;
            let name = |handle| name_of(handle).map(<[u8]>::to_vec).ok_or(NotUnderstood);
            Change::Copy { from: name(from)?, to: name(to)? }
        }
        b"fsync@openssh.com" => return Ok(Requested::Nothing),
        name if functions_of_extension(name).is_empty() => return Ok(Requested::Nothing),
        _ => return Ok(Requested::Unknown),
    }))
}

/// The handles of the files that `copy-data` copies from and into: two offsets and a length are between and behind them.
fn copied(body: &[u8]) -> Result<(&[u8], &[u8]), NotUnderstood> {
    let (from, rest) = string(body)?;
    let (to, _) = string(rest.get(16..).ok_or(NotUnderstood)?)?;
    Ok((from, to))
}

/// The handle of the file that a request has the device copy into, if that is what it is.
pub(super) fn copied_into(kind: u8, body: &[u8]) -> Option<&[u8]> {
    let (name, rest) = string(body).ok().filter(|_| kind == 200)?;
    (name == b"copy-data").then(|| copied(rest).ok()).flatten().map(|(_, to)| to)
}

fn rename(body: &[u8]) -> Result<Change, NotUnderstood> {
    let (from, to) = two(body)?;
    Ok(Change::Rename { from, to })
}

/// The draft has the two the other way round. The device's server is OpenSSH's, which means this, and its clients know.
fn symbolic_link(body: &[u8]) -> Result<Change, NotUnderstood> {
    let (target, path) = two(body)?;
    Ok(Change::SymbolicLink { target, path })
}

fn two(body: &[u8]) -> Result<(Vec<u8>, Vec<u8>), NotUnderstood> {
    let (one, rest) = string(body)?;
    let (other, _) = string(rest)?;
    Ok((one.to_vec(), other.to_vec()))
}

/// A path or a handle, and attributes (section 5).
fn attributes(body: &[u8], path_of: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<Requested, NotUnderstood> {
    let (named, mut rest) = string(body)?;
    let flags = rest.try_get_u32().map_err(|_| NotUnderstood)?;
    let mut attributes = Attributes::default();
    if flags & HAS_SIZE != 0 {
        attributes.size = Some(rest.try_get_u64().map_err(|_| NotUnderstood)?);
    }
    if flags & HAS_OWNER != 0 {
        let mut number = || rest.try_get_u32().map_err(|_| NotUnderstood);
        attributes.owner = Some((number()?, number()?));
    }
    if flags & HAS_PERMISSIONS != 0 {
        attributes.permissions = Some(rest.try_get_u32().map_err(|_| NotUnderstood)?);
    }
    if attributes == Attributes::default() {
        return Ok(Requested::Nothing);
    }
    let path = path_of(named).ok_or(NotUnderstood)?;
    Ok(Requested::Change(Change::Attributes { path, attributes }))
}

/// The code of a status (section 7).
pub(super) fn status(mut body: &[u8]) -> Option<u32> {
    body.try_get_u32().ok()
}

/// Whether the answer to a request that nobody here knows says that nothing was done.
pub(super) fn is_unsupported(kind: u8, body: &[u8]) -> bool {
    kind == 101 && status(body) == Some(UNSUPPORTED)
}
