//! What the agent checks before it uses a descriptor that the session process handed over.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use fieldlink_session::own_addresses::{OwnAddresses, socket_address};
use fieldlink_session::packet::discard;
use fieldlink_session::wire::ConnectTarget;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getpeername, getsockname, getsockopt, sockopt,
};
use nix::sys::stat::{SFlag, fstat, major, minor};
use thiserror::Error;

// Whatever is opened through this device is a PTY master.
const PTMX: (u64, u64) = (5, 2);

/// Why a descriptor was refused.
#[derive(Debug, Error)]
pub enum DescriptorError {
    /// More or fewer than the reply carries.
    #[error("reply carries {found} descriptors instead of {expected}")]
    Count {
        /// As the reply should.
        expected: usize,
        /// As it did.
        found: usize,
    },
    /// Something else than the reply carries.
    #[error("reply carries no {0}")]
    Kind(&'static str),
    /// The check itself failed.
    #[error("could not check descriptor: {0}")]
    Check(#[from] Errno),
}

/// The agent's ends of a program's pipes.
#[derive(Debug)]
pub struct PipeEnds {
    /// Written to.
    pub stdin: OwnedFd,
    /// Read from.
    pub stdout: OwnedFd,
    /// Read from.
    pub stderr: OwnedFd,
}

/// Nothing was handed over.
pub fn none(descriptors: Vec<OwnedFd>) -> Result<(), DescriptorError> {
    checked::<0>(descriptors, |[]| Ok(())).map(drop)
}

/// The master of a PTY.
pub fn terminal(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, DescriptorError> {
    let [master] = checked(descriptors, |[master]| {
        let status = fstat(master)?;
        let device = (major(status.st_rdev), minor(status.st_rdev));
        let is_master = file_type(status.st_mode) == SFlag::S_IFCHR && device == PTMX;
        expect("terminal master", is_master && opened_as(master, OFlag::O_RDWR)?)
    })?;
    Ok(master)
}

/// Standard input, output and error of a program.
pub fn pipes(descriptors: Vec<OwnedFd>) -> Result<PipeEnds, DescriptorError> {
    let [stdin, stdout, stderr] = checked(descriptors, |[stdin, stdout, stderr]| {
        check_pipe(stdin, OFlag::O_WRONLY)?;
        check_pipe(stdout, OFlag::O_RDONLY)?;
        check_pipe(stderr, OFlag::O_RDONLY)
    })?;
    Ok(PipeEnds { stdin, stdout, stderr })
}

/// A connected stream socket of the family that was asked for.
pub fn forward(descriptors: Vec<OwnedFd>, target: &ConnectTarget) -> Result<OwnedFd, DescriptorError> {
    let [socket] = checked(descriptors, |[socket]| {
        let is_stream = file_type(fstat(socket)?.st_mode) == SFlag::S_IFSOCK
            && getsockopt(socket, sockopt::SockType)? == SockType::Stream;
        expect("stream socket", is_stream)?;
        let family = getsockname::<SockaddrStorage>(socket.as_raw_fd())?.family();
        expect("socket of the right family", fits(family, target))?;
        let peer = getpeername::<SockaddrStorage>(socket.as_raw_fd()).ok();
        expect("connected socket", peer.is_some())?;
        let ends_here = || peer.as_ref().and_then(socket_address).is_some_and(is_own);
        expect("socket of this computer", !matches!(target, ConnectTarget::Own { .. }) || ends_here())
    })?;
    Ok(socket)
}

/// The descriptors, if they are as many as expected and `check` has nothing against them.
fn checked<const N: usize>(
    descriptors: Vec<OwnedFd>,
    check: impl FnOnce(&[OwnedFd; N]) -> Result<(), DescriptorError>,
) -> Result<[OwnedFd; N], DescriptorError> {
    let wrong = DescriptorError::Count { expected: N, found: descriptors.len() };
    let descriptors = match <[OwnedFd; N]>::try_from(descriptors) {
        Ok(descriptors) => descriptors,
        Err(surplus) => {
            discard(surplus);
            return Err(wrong);
        }
    };
    match check(&descriptors) {
        Ok(()) => Ok(descriptors),
        Err(error) => {
            discard(descriptors);
            Err(error)
        }
    }
}

fn check_pipe(end: &OwnedFd, access: OFlag) -> Result<(), DescriptorError> {
    let is_pipe = file_type(fstat(end)?.st_mode) == SFlag::S_IFIFO && opened_as(end, access)?;
    expect("pipe in the right direction", is_pipe)
}

fn expect(kind: &'static str, is_so: bool) -> Result<(), DescriptorError> {
    if is_so { Ok(()) } else { Err(DescriptorError::Kind(kind)) }
}

fn file_type(mode: u32) -> SFlag {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT
}

// A descriptor opened with O_PATH looks like its file to fstat, and can do nothing.
fn opened_as(descriptor: impl AsFd, access: OFlag) -> Result<bool, DescriptorError> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE == access && !flags.contains(OFlag::O_PATH))
}

/// Whether `peer` is this computer, now that the socket is handed over.
fn is_own(peer: SocketAddr) -> bool {
    OwnAddresses::now().is_ok_and(|addresses| addresses.own(peer).is_some())
}

fn fits(family: Option<AddressFamily>, target: &ConnectTarget) -> bool {
    match target {
        ConnectTarget::Tcp { .. } | ConnectTarget::Own { .. } => {
            matches!(family, Some(AddressFamily::Inet | AddressFamily::Inet6))
        }
        ConnectTarget::Unix { .. } => family == Some(AddressFamily::Unix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    fn tcp() -> ConnectTarget {
        let host = "localhost".to_owned();
        ConnectTarget::Tcp { host, port: 1 }
    }

    fn unix() -> ConnectTarget {
        let path = "/x".to_owned();
        ConnectTarget::Unix { path }
    }

    fn file(path: &str) -> OwnedFd {
        File::options().read(true).write(true).open(path).expect(path).into()
    }

    #[test]
    fn only_a_master_is_a_terminal() {
        let (master, slave) = pty_process::blocking::open().expect("pty");
        assert!(terminal(vec![slave.as_fd().try_clone_to_owned().expect("clone")]).is_err());
        assert!(terminal(vec![file("/dev/null")]).is_err());
        assert!(terminal(Vec::new()).is_err());
        assert!(terminal(vec![master.into(), file("/dev/null")]).is_err());
        let (master, _slave) = pty_process::blocking::open().expect("pty");
        assert!(terminal(vec![master.into()]).is_ok());
    }

    #[test]
    fn a_path_only_descriptor_is_no_terminal() {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlag::O_PATH.bits();
        let path = File::options().read(true).custom_flags(flags).open("/dev/ptmx");
        assert!(terminal(vec![path.expect("ptmx").into()]).is_err());
    }

    #[test]
    fn pipes_have_a_direction() {
        let ends = || std::io::pipe().expect("pipe");
        let ((r1, w1), (r2, w2), (r3, w3)) = (ends(), ends(), ends());
        assert!(pipes(vec![w1.into(), r2.into(), r3.into()]).is_ok());
        assert!(pipes(vec![r1.into(), w2.into(), w3.into()]).is_err());
        let ((_r1, w1), (r2, _w2)) = (ends(), ends());
        assert!(pipes(vec![w1.into(), r2.into(), file("/dev/null")]).is_err());
    }

    #[test]
    fn a_forward_is_a_connected_stream_of_the_right_family() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let address = listener.local_addr().expect("address");
        let connect = || OwnedFd::from(TcpStream::connect(address).expect("connect"));
        assert!(forward(vec![connect()], &tcp()).is_ok());
        assert!(forward(vec![connect()], &unix()).is_err());
        assert!(forward(vec![listener.into()], &tcp()).is_err());
        let datagram = UdpSocket::bind("127.0.0.1:0").expect("bind");
        datagram.connect(address).expect("connect");
        assert!(forward(vec![datagram.into()], &tcp()).is_err());
        assert!(forward(vec![file("/dev/null")], &tcp()).is_err());
    }

    #[test]
    fn a_forward_to_this_computer_ends_here() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let stream = TcpStream::connect(listener.local_addr().expect("address")).expect("connect");
        let own = ConnectTarget::Own { host: "whatever it says".into(), port: 1 };
        assert!(forward(vec![stream.into()], &own).is_ok());
        assert!(!is_own("192.0.2.1:80".parse().expect("an address")));
    }

    #[test]
    fn unix_forwards_too() {
        let (left, right) = UnixStream::pair().expect("pair");
        assert!(forward(vec![left.into()], &unix()).is_ok());
        assert!(forward(vec![right.into()], &tcp()).is_err());
        let (datagram, _other) = UnixDatagram::pair().expect("pair");
        assert!(forward(vec![datagram.into()], &unix()).is_err());
        let directory = tempfile::tempdir().expect("directory");
        let listener = UnixListener::bind(directory.path().join("s")).expect("listen");
        assert!(forward(vec![listener.into()], &unix()).is_err());
    }
}
