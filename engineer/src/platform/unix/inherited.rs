//! Descriptors that the caller of this program left open, known by their numbers alone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Takes over the descriptor `number`, whatever it leads to. No child inherits it, because it may carry a
/// secret.
///
/// A bare number becomes an owned descriptor by being passed through a socket of our own: the kernel checks it,
/// and the copy shares position and state with the original (`unix(7)`, `SCM_RIGHTS`).
pub(super) fn take(number: i32) -> io::Result<OwnedFd> {
    let (sender, receiver) = UnixDatagram::pair()?;
    let message = [IoSlice::new(&[0])];
    let rights = [ControlMessage::ScmRights(&[number])];
    sendmsg::<()>(sender.as_raw_fd(), &message, &rights, MsgFlags::empty(), None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    recvmsg(&receiver, &mut [IoSliceMut::new(&mut [0])], &mut ancillary, CLOSED_ON_EXEC)?;
    let copy = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    nix::unistd::close(number)?;
    let copy = copy.ok_or(io::ErrorKind::NotFound)?;
    rustix::io::fcntl_setfd(&copy, rustix::io::FdFlags::CLOEXEC)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::os::fd::IntoRawFd;

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};

    use super::*;

    #[test]
    fn a_number_becomes_a_descriptor_with_its_position_and_no_child_gets_it() {
        let mut file = tempfile::tempfile().expect("a file");
        io::Write::write_all(&mut file, b"before 1234").expect("written");
        file.seek(io::SeekFrom::Start(7)).expect("sought");
        let other = file.try_clone().expect("a copy");
        let mut taken = std::fs::File::from(take(file.into_raw_fd()).expect("open"));
        let flags = FdFlag::from_bits_retain(fcntl(&taken, FcntlArg::F_GETFD).expect("flags"));
        assert!(flags.contains(FdFlag::FD_CLOEXEC));
        let mut pin = [0; 2];
        taken.read_exact(&mut pin).expect("read");
        assert_eq!(&pin, b"12");
        assert_eq!((&other).stream_position().expect("a position"), 9);
    }

    #[test]
    fn a_number_that_is_not_open_is_an_error() {
        let error = take(1_000_000).expect_err("not open");
        assert_eq!(error.raw_os_error(), Some(nix::libc::EBADF));
    }
}
