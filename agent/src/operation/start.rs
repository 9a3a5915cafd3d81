//! Handing an operation to the unit that does it, through its socket.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldlink_operation::request::{LONGEST, Reply, Request, VERSION};
use fieldlink_protocol::ids::{OperationId, SessionId};
use fieldlink_protocol::text;
use fieldlink_session::packet::{self, PacketError};
use fieldlink_session::sys;
use nix::sys::socket::{MsgFlags, Shutdown, SockType, shutdown};
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::maker_socket::{self, SocketFault};

/// How long the unit may take to answer: systemd starts it first.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest explanation that is passed on, in characters.
const EXPLANATION: usize = 300;

/// An operation that may be started.
#[derive(Debug)]
pub(crate) struct Startable {
    /// Names this run.
    pub(crate) id: OperationId,
    /// Which operation.
    pub(crate) name: String,
    /// The socket of its unit.
    pub(crate) socket: PathBuf,
    /// In which session.
    pub(crate) session: SessionId,
    /// The engineer, cleaned.
    pub(crate) engineer: String,
    /// What goes with it, sealed.
    pub(crate) file: Option<OwnedFd>,
}

/// Why an operation was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// Another one runs.
    #[error("another operation runs")]
    Busy,
    /// Others could use the socket as well, or somebody else than systemd listens there.
    #[error("{0}")]
    Unusable(SocketFault),
    /// Nobody does, or it failed.
    #[error("could not reach the operation's unit at {path}: {error} (systemctl status {unit})")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
        /// Where an operator looks.
        unit: String,
    },
    /// The unit said nothing in time, or went.
    #[error("the operation's unit did not answer (journalctl -u '{0}@*')")]
    Silent(String),
    /// The unit said no.
    #[error("the operation's unit refused: {0}")]
    Refused(String),
}

/// Has the unit start it. One that is too late to say that it has does not start it any more.
pub(crate) async fn start(startable: Startable) -> Result<(), NotStarted> {
    let Startable { id, name, socket: path, session, engineer, file } = startable;
    let unit = path.file_stem().map_or_else(String::new, |unit| unit.to_string_lossy().into_owned());
    let socket = open(&path, &unit)?;
    let request = Request { version: VERSION, id, operation: name, session, engineer, file: file.is_some() };
    let bytes = serde_json::to_vec(&request).map_err(|error| NotStarted::Refused(error.to_string()))?;
    let descriptors: Vec<_> = file.iter().map(AsFd::as_fd).collect();
    let unreachable =
        |error: std::io::Error| NotStarted::Unreachable { path: path.clone(), error, unit: unit.clone() };
    packet::send(socket.as_fd(), &bytes, &descriptors, MsgFlags::MSG_DONTWAIT)
        .map_err(|error| unreachable(std::io::Error::other(error)))?;
    let socket = sys::register(socket).map_err(unreachable)?;
    let answered = match timeout(PATIENCE, answer(&socket)).await {
        Ok(answered) => answered,
        Err(_) => last_word(&socket),
    };
    match answered {
        Some(Reply::Started {}) => Ok(()),
        Some(Reply::Busy {}) => Err(NotStarted::Busy),
        Some(Reply::Refused { why }) => Err(NotStarted::Refused(text::clean(&why, EXPLANATION))),
        None => Err(NotStarted::Silent(unit)),
    }
}

/// Hangs up. From then on the unit cannot answer, and so starts nothing; what it answered before counts.
fn last_word(socket: &AsyncFd<OwnedFd>) -> Option<Reply> {
    shutdown(socket.as_raw_fd(), Shutdown::Both).ok()?;
    let packet = packet::receive(socket.get_ref(), MsgFlags::MSG_DONTWAIT, LONGEST).ok()?;
    serde_json::from_slice(&packet.bytes).ok()
}

/// None: it went, or cannot be understood.
async fn answer(socket: &AsyncFd<OwnedFd>) -> Option<Reply> {
    loop {
        let mut guard = socket.readable().await.ok()?;
        match packet::receive(socket.get_ref(), MsgFlags::MSG_DONTWAIT, LONGEST) {
            Ok(packet) => return serde_json::from_slice(&packet.bytes).ok(),
            Err(error) if PacketError::would_block(&error) => guard.clear_ready(),
            Err(_) => return None,
        }
    }
}

/// A connection to the unit's socket, which must be ours alone, and whose listener root.
fn open(path: &Path, unit: &str) -> Result<OwnedFd, NotStarted> {
    maker_socket::open(path, SockType::SeqPacket).map_err(|fault| match fault {
        SocketFault::Unreachable { path, error } => {
            NotStarted::Unreachable { path, error, unit: format!("{unit}.socket") }
        }
        fault => NotStarted::Unusable(fault),
    })
}
