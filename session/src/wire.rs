//! The messages between the agent and `fieldlink-session`, shared by both sides.
//!
//! One message is one packet of JSON text on a `SOCK_SEQPACKET` socket; how packets and the
//! descriptors beside them travel stands in [`packet`](super::packet).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use thiserror::Error;

/// Version of this protocol; the first message names it, and any other is refused.
pub const PROTOCOL_VERSION: u32 = 2;
/// Longest message of the session process's, in bytes.
pub const MAX_EVENT: usize = 64 * 1024;
/// Longest message of the agent's, in bytes: the longest command in base64, and everything beside it.
pub const MAX_REQUEST: usize = 256 * 1024;
/// Longest command line, in bytes: what Linux takes as one argument of a program (`MAX_ARG_STRLEN` with its
/// end).
pub const MAX_COMMAND: usize = 128 * 1024 - 1;
/// Variables that go with one program, bytes in a value, and bytes in all of them, names included.
pub const MAX_VARIABLES: usize = 64;
/// See [`MAX_VARIABLES`].
pub const MAX_VARIABLE: usize = 4 * 1024;
/// See [`MAX_VARIABLES`].
pub const MAX_ENVIRONMENT: usize = 16 * 1024;
/// Most descriptors beside one message.
pub const MAX_DESCRIPTORS: usize = 3;
/// Most programs and connects alive at once in one session.
pub const MAX_LIVE: usize = 256;

/// Names one program or connect within a session; the agent counts them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// What the agent asks of the session process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Start a program; answered by `started` or `failed`, later by `exited`.
    Start {
        /// Names the program from here on.
        id: RequestId,
        /// What to start.
        program: ProgramKind,
        /// The terminal it gets; pipes without one.
        terminal: Option<TerminalRequest>,
        /// Variables the engineer sent; only `LANG`, `LC_*` and `TERM` are taken.
        environment: Vec<(String, String)>,
    },
    /// Connect a forward; answered by `connected` or `failed`.
    Connect {
        /// Names the connect.
        id: RequestId,
        /// Where to.
        target: ConnectTarget,
    },
    /// Send a signal to a program's process group; not answered.
    Signal {
        /// The program.
        id: RequestId,
        /// The signal.
        name: ProgramSignal,
    },
    /// Answered by `pong` with the same number.
    Ping {
        /// A number that the agent counts up.
        sequence: u64,
    },
    /// Kill every descendant and exit.
    End {},
}

/// What the session process tells the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The first message, once.
    Ready(Welcome),
    /// A program runs; beside it one descriptor (a PTY master) or three (stdin, stdout, stderr).
    Started {
        /// The program.
        id: RequestId,
        /// Its process ID, for display.
        pid: u32,
    },
    /// A forward is connected; beside it its socket.
    Connected {
        /// The connect.
        id: RequestId,
    },
    /// A start or connect came to nothing.
    Failed {
        /// The start or the connect.
        id: RequestId,
        /// Why, for programs.
        reason: FailReason,
        /// Why, for people.
        message: String,
    },
    /// A program ended.
    Exited {
        /// The program.
        id: RequestId,
        /// How it ended.
        status: ExitStatus,
    },
    /// The answer to `ping`.
    Pong {
        /// The ping's number.
        sequence: u64,
    },
}

/// The account that the session process runs as, and where, as it says itself: clean it before display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`] of the session process.
    pub version: u32,
    /// Login name.
    pub user: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// The scanner's host name.
    pub hostname: String,
}

/// What a `start` starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum ProgramKind {
    /// The user's login shell.
    Shell {},
    /// A command line for the user's shell, as raw bytes.
    Exec {
        /// The command line.
        #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
        command: Vec<u8>,
    },
    /// OpenSSH's `sftp-server`.
    Sftp {},
}

/// The terminal of a program, as the engineer's `pty-req` described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TerminalRequest {
    /// Value for `TERM`.
    pub term: String,
    /// Its size.
    pub size: TerminalSize,
    /// Modes as RFC 4254 section 8 numbers them.
    pub modes: Vec<(u8, u32)>,
}

/// Size of a terminal, in characters and in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TerminalSize {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// Width in pixels, 0 if not known.
    pub pixel_width: u16,
    /// Height in pixels, 0 if not known.
    pub pixel_height: u16,
}

/// Where a forward goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum ConnectTarget {
    /// A host and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A port of the scanner itself, under any of its names and addresses. What the name resolves to elsewhere is
    /// not connected to.
    Own {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix stream socket.
    Unix {
        /// Its path.
        path: String,
    },
}

/// The signals of RFC 4254 section 6.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
// The variants are the names of the RFC and say all there is to say.
#[allow(missing_docs)]
pub enum ProgramSignal {
    Abrt,
    Alrm,
    Fpe,
    Hup,
    Ill,
    Int,
    Kill,
    Pipe,
    Quit,
    Segv,
    Term,
    Usr1,
    Usr2,
}

impl ProgramSignal {
    /// The signal with this name, written without `SIG`.
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(name)).ok()
    }
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum ExitStatus {
    /// It exited by itself.
    Code {
        /// Exit code.
        code: u8,
    },
    /// A signal ended it.
    Signal {
        /// The signal's name without `SIG`.
        name: String,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
}

/// Why a start or connect failed, as a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailReason {
    /// Too much is running already.
    Busy,
    /// It is not the scanner itself, and only that was to be reached.
    Elsewhere,
    /// Nothing there: no such program, host or socket.
    NotFound,
    /// Not allowed to the support user.
    NotPermitted,
    /// The other end refused.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Anything else; the message says what.
    Other,
}

/// Why bytes are no message, or a message does not fit.
#[derive(Debug, Error)]
pub enum WireError {
    /// Longer than the reader takes.
    #[error("could not encode session message: {length} bytes are more than {most}")]
    TooLong {
        /// The message's length in bytes.
        length: usize,
        /// The most bytes that it may have.
        most: usize,
    },
    /// Not the JSON that was expected. Says where, not what: that is the other side's text.
    #[error("could not parse session message: {0:?} error at byte {1}")]
    Malformed(serde_json::error::Category, usize),
}

impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.classify(), error.column())
    }
}

/// A message, and how long it may be.
pub trait Message: Serialize {
    /// Longest packet of this kind, in bytes.
    const MOST: usize;
}

impl Message for Request {
    const MOST: usize = MAX_REQUEST;
}

impl Message for Event {
    const MOST: usize = MAX_EVENT;
}

/// Whether an engineer may set this variable: what concerns language and terminal, as OpenSSH's `AcceptEnv
/// LANG LC_*`.
pub fn accepts_variable(name: &str, value: &str) -> bool {
    let is_plain = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_locale = |rest: &str| !rest.is_empty() && rest.len() <= 60 && is_plain(rest);
    let is_known = matches!(name, "LANG" | "TERM") || name.strip_prefix("LC_").is_some_and(is_locale);
    is_known && value.len() <= MAX_VARIABLE && !value.chars().any(char::is_control)
}

/// The packet for a message.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, WireError> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > M::MOST {
        return Err(WireError::TooLong { length: bytes.len(), most: M::MOST });
    }
    Ok(bytes)
}

/// The message in a packet.
pub fn decode<M: DeserializeOwned>(packet: &[u8]) -> Result<M, WireError> {
    Ok(serde_json::from_slice(packet)?)
}

// Command lines are bytes, not text, and a JSON list of numbers would take four times the room.
fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
