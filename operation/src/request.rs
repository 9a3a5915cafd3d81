//! What the agent and `fieldlink-operation` say to each other: one packet each on a `SOCK_SEQPACKET` socket, the file
//! beside the first one.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use fieldlink_protocol::ids::{OperationId, SessionId};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use serde::{Deserialize, Serialize};

/// Version of this protocol; any other is refused.
pub const VERSION: u32 = 1;
/// The longest packet, in bytes.
pub const LONGEST: usize = 4 * 1024;

/// What the agent asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`VERSION`].
    pub version: u32,
    /// Names this run.
    pub id: OperationId,
    /// Which operation, as `agent.toml` names it.
    pub operation: String,
    /// In which session.
    pub session: SessionId,
    /// The engineer, as the record is to name them; cleaned.
    pub engineer: String,
    /// Whether a file goes with it, as the packet's only descriptor.
    pub file: bool,
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reply {
    /// It is on the record; only its own end ends it now.
    Started {},
    /// Another one runs.
    Busy {},
    /// It is not started.
    Refused {
        /// Why.
        why: String,
    },
}

/// What a file that goes with an operation has been sealed against (`memfd_create(2)`): nobody, the agent included, can
/// change it any more.
pub const SEALS: SealFlag = SealFlag::F_SEAL_SEAL
    .union(SealFlag::F_SEAL_SHRINK)
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_WRITE);

/// Why a descriptor is not taken for an operation's file.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// It is no memory file.
    #[error("the file that came with the request is no sealed copy: {0}")]
    NoSeals(nix::Error),
    /// It could still be changed.
    #[error("the file that came with the request could still be changed")]
    Open,
    /// It cannot be opened anew.
    #[error("the file that came with the request could not be opened: {0}")]
    Unreadable(std::io::Error),
}

/// The file anew, for reading, from its beginning: whoever else has it open cannot move what is read here.
pub fn sealed_file(descriptor: &OwnedFd) -> Result<std::fs::File, NotSealed> {
    let seals = fcntl(descriptor.as_fd(), FcntlArg::F_GET_SEALS).map_err(NotSealed::NoSeals)?;
    if !SealFlag::from_bits_retain(seals).contains(SEALS) {
        return Err(NotSealed::Open);
    }
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    std::fs::File::open(path).map_err(NotSealed::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom, Write};

    use nix::sys::memfd::{MFdFlags, memfd_create};

    use super::*;

    fn file(seals: SealFlag) -> OwnedFd {
        let memory =
            memfd_create(c"test", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("memory");
        let mut file = std::fs::File::from(memory);
        file.write_all(b"update").expect("room");
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).expect("sealed");
        file.into()
    }

    #[test]
    fn only_what_nobody_can_change_is_taken() {
        let sealed = file(SEALS);
        let mut read = String::new();
        sealed_file(&sealed).expect("taken").read_to_string(&mut read).expect("readable");
        assert_eq!(read, "update", "from the beginning, wherever the sender stands");
        for seals in [SealFlag::empty(), SEALS.difference(SealFlag::F_SEAL_WRITE)] {
            assert!(matches!(sealed_file(&file(seals)), Err(NotSealed::Open)), "{seals:?}");
        }
        let ordinary = tempfile::tempfile().expect("a file");
        assert!(matches!(sealed_file(&ordinary.into()), Err(NotSealed::NoSeals(_) | NotSealed::Open)));
    }

    #[test]
    fn a_sender_who_moves_about_moves_nothing_here() {
        let sealed = file(SEALS);
        let mut taken = sealed_file(&sealed).expect("taken");
        let mut senders = std::fs::File::from(sealed);
        senders.seek(SeekFrom::Start(3)).expect("seekable");
        let mut read = String::new();
        taken.read_to_string(&mut read).expect("readable");
        assert_eq!(read, "update");
        assert!(senders.write_all(b"x").is_err() && senders.set_len(1).is_err());
    }
}
