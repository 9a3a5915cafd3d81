//! What the agent checks before it uses a descriptor that the session process handed over.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getpeername, getsockname, getsockopt, sockopt,
};
use nix::sys::stat::{SFlag, fstat, major, minor};
use thiserror::Error;

use super::wire::ConnectTarget;

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
    exactly::<0>(descriptors).map(drop)
}

/// The master of a PTY.
pub fn terminal(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, DescriptorError> {
    let [master] = exactly(descriptors)?;
    let status = fstat(&master)?;
    let device = (major(status.st_rdev), minor(status.st_rdev));
    let is_master = file_type(status.st_mode) == SFlag::S_IFCHR && device == PTMX;
    if is_master && opened_as(&master, OFlag::O_RDWR)? {
        return Ok(master);
    }
    Err(DescriptorError::Kind("terminal master"))
}

/// Standard input, output and error of a program.
pub fn pipes(descriptors: Vec<OwnedFd>) -> Result<PipeEnds, DescriptorError> {
    let [stdin, stdout, stderr] = exactly(descriptors)?;
    Ok(PipeEnds {
        stdin: pipe(stdin, OFlag::O_WRONLY)?,
        stdout: pipe(stdout, OFlag::O_RDONLY)?,
        stderr: pipe(stderr, OFlag::O_RDONLY)?,
    })
}

/// A connected stream socket of the family that was asked for.
pub fn forward(descriptors: Vec<OwnedFd>, target: &ConnectTarget) -> Result<OwnedFd, DescriptorError> {
    let [socket] = exactly(descriptors)?;
    if file_type(fstat(&socket)?.st_mode) != SFlag::S_IFSOCK
        || getsockopt(&socket, sockopt::SockType)? != SockType::Stream
    {
        return Err(DescriptorError::Kind("stream socket"));
    }
    let family = getsockname::<SockaddrStorage>(socket.as_raw_fd())?.family();
    if !fits(family, target) {
        return Err(DescriptorError::Kind("socket of the right family"));
    }
    getpeername::<SockaddrStorage>(socket.as_raw_fd())
        .map_err(|_| DescriptorError::Kind("connected socket"))?;
    Ok(socket)
}

fn exactly<const N: usize>(descriptors: Vec<OwnedFd>) -> Result<[OwnedFd; N], DescriptorError> {
    let wrong = |surplus: Vec<OwnedFd>| DescriptorError::Count { expected: N, found: surplus.len() };
    descriptors.try_into().map_err(wrong)
}

fn pipe(end: OwnedFd, access: OFlag) -> Result<OwnedFd, DescriptorError> {
    if file_type(fstat(&end)?.st_mode) == SFlag::S_IFIFO && opened_as(&end, access)? {
        return Ok(end);
    }
    Err(DescriptorError::Kind("pipe in the right direction"))
}

fn file_type(mode: u32) -> SFlag {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT
}

// A descriptor opened with O_PATH looks like its file to fstat, and can do nothing.
fn opened_as(descriptor: impl AsFd, access: OFlag) -> Result<bool, DescriptorError> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE == access && !flags.contains(OFlag::O_PATH))
}

fn fits(family: Option<AddressFamily>, target: &ConnectTarget) -> bool {
    match target {
        ConnectTarget::Tcp { .. } => {
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
