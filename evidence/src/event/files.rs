//! What file transfers do: files that are moved, and changes beside their bytes.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To the device.
    Upload,
    /// From the device.
    Download,
}

/// A file that was opened, and is closed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// The channel.
    pub channel: u64,
    /// Which way.
    pub direction: Direction,
    /// Where on the device, as the engineer's program named it.
    pub path: String,
    /// Bytes that were transferred.
    pub size: u64,
    /// Their hash; none: they came out of order, or only a part of the file did.
    pub sha256: Option<Digest>,
    /// Whether it was closed, and the server refused nothing of it.
    pub complete: bool,
}

/// Something that a file transfer changed, or was to change, beside the bytes of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The channel.
    pub channel: u64,
    /// What.
    pub change: Change,
    /// What came of it.
    pub result: ChangeResult,
}

/// A change of names or attributes. Paths are where on the device, as the engineer's program named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Something gets another name. What had that before may be gone.
    Rename {
        /// Its name until then.
        from: String,
        /// Its new name.
        to: String,
    },
    /// A file or link is removed.
    Remove {
        /// Which.
        path: String,
    },
    /// A directory is made.
    MakeDirectory {
        /// Which.
        path: String,
    },
    /// A directory is removed.
    RemoveDirectory {
        /// Which.
        path: String,
    },
    /// A symbolic link is made.
    SymbolicLink {
        /// Its name.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A file gets one more name.
    HardLink {
        /// The new one.
        path: String,
        /// One that it has.
        target: String,
    },
    /// Attributes are set; those that are not are none. Times are not told.
    Attributes {
        /// Of what.
        path: String,
        /// The last bits of `st_mode`.
        permissions: Option<u32>,
        /// The number of the user it belongs to.
        user: Option<u32>,
        /// The number of the group it belongs to.
        group: Option<u32>,
        /// Bytes that it is cut to, or filled up to with zeros.
        size: Option<u64>,
    },
    /// The device copies bytes of one file into another one: they do not pass the channel.
    Copy {
        /// From this one.
        from: String,
        /// Into this one.
        to: String,
    },
}

/// What the device's server of the file transfer said to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ChangeResult {
    /// It is done.
    Done {},
    /// It is not.
    Refused {
        /// The code of SFTP, version 3, for why: 2 is "no such file", 3 "permission denied", 4 any failure.
        status: u32,
    },
    /// Nothing, until the channel was over or not understood any more: nobody knows whether it was done.
    Unanswered {},
}
