//! The emergency stop: a second way to end a session or to switch remote access off, for when the message
//! bus or polkit does not answer. An engineer can cause that without any rights: every process on the device can
//! keep them busy.
//!
//! A socket of the agent's in a directory that the support account may not enter. One line goes in
//! (`end` or `stop`), one comes back: `done`, or the last part of an error's name on the bus.

use std::io;
use std::path::Path;
use std::time::Duration;

use fieldlink_protocol::reason::Reason;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::bus::ErrorCode;
use crate::order::Order;

/// Where the socket is. The package makes the directory, owned by the agent and closed to the support account.
pub const SOCKET: &str = "/run/fieldlink-emergency-stop/socket";

/// Longest line, in bytes.
const LONGEST: usize = 512;
/// The agent's answer when it is done.
pub const DONE: &str = "done";
/// Ending a session takes a second at most; the agent's limit for a line is shorter.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries to connect.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why the order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The agent is not there, or does not answer in time.
    #[error("could not reach the emergency stop: {0}")]
    Unreachable(#[from] io::Error),
    /// The agent answered with this error.
    #[error("the agent refuses: {}", .0.text())]
    Refused(ErrorCode),
}

/// The line for an order; `None` for an order that cannot be given this way.
pub fn word_of(order: &Order) -> Option<&'static str> {
    match order {
        Order::End => Some("end"),
        Order::Stop(_) => Some("stop"),
        _ => None,
    }
}

/// The order that a line stands for.
pub fn order_of(word: &str) -> Option<Order> {
    match word {
        "end" => Some(Order::End),
        "stop" => Some(Order::Stop(Reason::ClientEnded)),
        _ => None,
    }
}

/// What the agent answers instead of [`DONE`].
pub fn word_for(error: ErrorCode) -> String {
    error.name().rsplit('.').next().unwrap_or_default().to_owned()
}

fn error_of(word: &str) -> Option<ErrorCode> {
    ErrorCode::ALL.iter().copied().find(|code| word_for(*code) == word)
}

/// Has the agent behind the socket `path` carry out the order that `word` stands for.
pub async fn press(path: &Path, word: &str) -> Result<(), StopError> {
    let pressing = async {
        let mut stream = connect(path).await?;
        stream.write_all(format!("{word}\n").as_bytes()).await?;
        read_line(&mut stream).await
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the agent does not answer");
    let answer = timeout(PATIENCE, pressing).await.map_err(late)??;
    match answer.as_str() {
        DONE => Ok(()),
        refused => Err(StopError::Refused(error_of(refused).unwrap_or(ErrorCode::InvalidArgument))),
    }
}

/// While other connections keep the agent busy the kernel has no room for one more (`connect(2)`: EAGAIN), which
/// does not last.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(LOOK_AGAIN).await,
            connected => return connected,
        }
    }
}

/// One line without its end.
pub async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    while line.len() < LONGEST {
        match stream.read_u8().await? {
            b'\n' => return String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into()),
            byte => line.push(byte),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for order in [Order::End, Order::Stop(Reason::ClientEnded)] {
            let word = word_of(&order).expect("a word");
            assert_eq!(order_of(word).as_ref().and_then(word_of), Some(word));
        }
        assert!(word_of(&Order::Start).is_none() && order_of("start").is_none());
    }

    #[tokio::test]
    async fn lines_have_an_end() {
        assert_eq!(read_line(&mut &b"end\nmore"[..]).await.expect("a line"), "end");
        for broken in [&b"end"[..], &[b'x'; 10_000], b"\xff\n"] {
            assert!(read_line(&mut &*broken).await.is_err(), "{} bytes", broken.len());
        }
    }
}
