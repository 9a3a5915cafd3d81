//! Packets with descriptors over a `SOCK_SEQPACKET` socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixCredentials,
    recvmsg, sendmsg, setsockopt, socketpair, sockopt,
};
use nix::unistd::Pid;
use thiserror::Error;

use super::sys;
use super::wire::{MAX_DESCRIPTORS, MAX_REQUEST};

// The kernel passes at most this many descriptors with one packet (SCM_MAX_FD). Room for all of
// them means that a sender cannot make us lose track of one by sending more than we expect.
const KERNEL_MAX_DESCRIPTORS: usize = 253;
const CONTROL_HEADER: usize = std::mem::size_of::<libc::cmsghdr>();
const CONTROL_ROOM: usize = CONTROL_HEADER + (KERNEL_MAX_DESCRIPTORS + 1) * 4;

/// One packet as it arrived.
#[derive(Debug)]
pub struct Packet {
    /// The message; empty means that the other side is gone.
    pub bytes: Vec<u8>,
    /// The descriptors that came with it.
    pub descriptors: Vec<OwnedFd>,
}

/// Why a packet could not be sent or received.
#[derive(Debug, Error)]
pub enum PacketError {
    /// The socket failed; would-block and interrupted are among these.
    #[error("session socket failed: {0}")]
    Socket(#[from] Errno),
    /// Longer than a message may be.
    #[error("session packet is longer than a message may be")]
    TooLong,
    /// More descriptors than a message may carry, or than could be received.
    #[error("session packet carries more than {MAX_DESCRIPTORS} descriptors")]
    TooManyDescriptors,
}

impl PacketError {
    /// Whether trying again when the socket is ready may succeed.
    pub fn would_block(&self) -> bool {
        matches!(self, Self::Socket(Errno::EAGAIN))
    }
}

/// A connected pair of packet sockets, both closed on exec.
pub fn pair() -> Result<(OwnedFd, OwnedFd), PacketError> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    make_room(&ours)?;
    Ok((ours, theirs))
}

/// Has `socket` take the longest request: a packet must fit into its buffer, beside what waits there.
pub fn make_room(socket: &OwnedFd) -> Result<(), Errno> {
    setsockopt(socket, sockopt::SndBuf, &MAX_REQUEST)
}

/// Sends one packet; `MsgFlags::MSG_DONTWAIT` makes it fail rather than wait.
pub fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    flags: MsgFlags,
) -> Result<(), PacketError> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &rights[..0] } else { &rights };
    let flags = flags | MsgFlags::MSG_NOSIGNAL;
    loop {
        let sent = sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, flags, None);
        match sent {
            Err(Errno::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// The process that sent the packet that waits, on a socket with `SO_PASSCRED`; nothing if the other side is gone.
/// The packet stays. One with descriptors is an error: there is room for none, so none is installed.
pub fn sender(socket: impl AsFd) -> Result<Option<Pid>, PacketError> {
    let mut byte = [0];
    let mut control = nix::cmsg_space!(UnixCredentials);
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let mut parts = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let credentials = message.cmsgs()?.find_map(|part| match part {
        ControlMessageOwned::ScmCredentials(credentials) => Some(credentials),
        _ => None,
    });
    Ok(credentials.map(|credentials| Pid::from_raw(credentials.pid())).filter(|pid| pid.as_raw() > 0))
}

/// Receives one packet of `most` bytes at most. Descriptors beside a packet that is refused are closed.
pub fn receive(socket: impl AsFd, flags: MsgFlags, most: usize) -> Result<Packet, PacketError> {
    let mut bytes = vec![0; most];
    let mut control = vec![0; CONTROL_ROOM];
    let (length, arrived) = receive_raw(socket.as_fd(), &mut bytes, &mut control, flags)?;
    let descriptors = sys::adopt_received(&control);
    let refused = if arrived.contains(MsgFlags::MSG_TRUNC) {
        Some(PacketError::TooLong)
    } else if arrived.contains(MsgFlags::MSG_CTRUNC) || descriptors.len() > MAX_DESCRIPTORS {
        Some(PacketError::TooManyDescriptors)
    } else {
        None
    };
    if let Some(error) = refused {
        discard(descriptors);
        return Err(error);
    }
    bytes.truncate(length);
    bytes.shrink_to_fit();
    Ok(Packet { bytes, descriptors })
}

fn receive_raw(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    control: &mut [u8],
    flags: MsgFlags,
) -> Result<(usize, MsgFlags), Errno> {
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    loop {
        let mut parts = [IoSliceMut::new(bytes)];
        match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(control), flags) {
            Err(Errno::EINTR) => {}
            other => return other.map(|message| (message.bytes, message.flags)),
        }
    }
}

/// Closes descriptors on a thread of their own: the process that made them can make that take as long as it likes
/// (`SO_LINGER`, a FUSE file system), and the caller must not wait for it.
pub fn discard(descriptors: impl Send + 'static) {
    // Without a thread it is done here.
    let _ = std::thread::Builder::new().spawn(move || drop(descriptors));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    /// How many descriptors lead to what `file` leads to. Other tests of this process have files of their
    /// own.
    fn open_descriptors_of(file: &OwnedFd) -> usize {
        let target = |path: std::path::PathBuf| std::fs::read_link(path).ok();
        let own = target(format!("/proc/self/fd/{}", file.as_raw_fd()).into());
        let entries = std::fs::read_dir("/proc/self/fd").expect("fd list").flatten();
        entries.filter(|entry| target(entry.path()) == own).count()
    }

    #[test]
    fn descriptors_arrive_closed_on_exec() {
        let (left, right) = pair().expect("pair");
        let null = File::open("/dev/null").expect("null");
        send(left.as_fd(), b"x", &[null.as_fd()], MsgFlags::empty()).expect("send");
        let packet = receive(&right, MsgFlags::empty(), MAX_REQUEST).expect("receive");
        assert_eq!(packet.bytes, b"x");
        let flags = nix::fcntl::fcntl(&packet.descriptors[0], nix::fcntl::FcntlArg::F_GETFD);
        assert_eq!(flags, Ok(libc::FD_CLOEXEC));
    }

    #[test]
    fn refused_packets_leave_no_descriptor_behind() {
        let (end, _) = nix::unistd::pipe().expect("pipe");
        for _ in 0..10 {
            let (left, right) = pair().expect("pair");
            let many = vec![end.as_fd(); 200];
            send(left.as_fd(), b"x", &many, MsgFlags::empty()).expect("send");
            let refused = receive(&right, MsgFlags::empty(), MAX_REQUEST);
            assert!(matches!(refused, Err(PacketError::TooManyDescriptors)));
            let long = vec![0; MAX_REQUEST + 1];
            send(left.as_fd(), &long, &[end.as_fd()], MsgFlags::empty()).expect("send");
            let refused = receive(&right, MsgFlags::empty(), MAX_REQUEST);
            assert!(matches!(refused, Err(PacketError::TooLong)));
        }
        // They are closed by threads of their own.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while open_descriptors_of(&end) > 1 {
            assert!(std::time::Instant::now() < deadline, "{} are left", open_descriptors_of(&end));
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_kernel_says_who_sent_the_first_packet() {
        let (left, right) = pair().expect("pair");
        nix::sys::socket::setsockopt(&right, nix::sys::socket::sockopt::PassCred, &true).expect("set");
        send(left.as_fd(), b"x", &[], MsgFlags::empty()).expect("send");
        assert_eq!(sender(&right).expect("waiting"), Some(nix::unistd::getpid()));
        nix::sys::socket::setsockopt(&right, nix::sys::socket::sockopt::PassCred, &false).expect("set");
        let packet = receive(&right, MsgFlags::empty(), MAX_REQUEST).expect("receive");
        assert_eq!((packet.bytes.as_slice(), packet.descriptors.len()), (&b"x"[..], 0));
        let null = File::open("/dev/null").expect("null");
        nix::sys::socket::setsockopt(&right, nix::sys::socket::sockopt::PassCred, &true).expect("set");
        send(left.as_fd(), b"x", &[null.as_fd()], MsgFlags::empty()).expect("send");
        assert!(sender(&right).is_err(), "descriptors have no business here");
        drop(left);
    }

    #[test]
    fn a_closed_partner_reads_as_an_empty_packet() {
        let (left, right) = pair().expect("pair");
        drop(left);
        let packet = receive(&right, MsgFlags::empty(), MAX_REQUEST).expect("receive");
        assert!(packet.bytes.is_empty());
    }
}
