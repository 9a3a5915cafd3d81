//! The file that goes with an operation: received into memory, and sealed, so that nobody can change it any more, neither
//! another program of this device nor the agent itself.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

use fieldlink_operation::request::SEALS;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// How long nothing may come: the client's yes was for now.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Why a file was not received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReceived {
    /// The engineer's side sent less.
    #[error("{got} of {announced} bytes came")]
    Incomplete {
        /// Bytes that came.
        got: u64,
        /// Bytes that were announced.
        announced: u64,
    },
    /// There is no room for it.
    #[error("the scanner has no room for the file: {0}")]
    NoRoom(std::io::Error),
}

/// Receives exactly `bytes` bytes.
pub(crate) async fn receive(
    input: &mut (impl AsyncRead + Unpin),
    announced: u64,
) -> Result<OwnedFd, NotReceived> {
    let no_room = |error: Errno| NotReceived::NoRoom(error.into());
    let memory = memfd_create(c"fieldlink-operation", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING);
    let mut file = std::fs::File::from(memory.map_err(no_room)?);
    let mut input = input.take(announced);
    let mut buffer = vec![0; CHUNK];
    let mut got = 0;
    while let Ok(Ok(count)) = timeout(IDLE, input.read(&mut buffer)).await
        && count > 0
    {
        // Memory: writing to it does not wait.
        file.write_all(&buffer[..count]).map_err(NotReceived::NoRoom)?;
        got += count as u64;
    }
    if got < announced {
        return Err(NotReceived::Incomplete { got, announced });
    }
    fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS)).map_err(no_room)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn what_came_in_full_is_sealed_and_nothing_else_is_taken() {
        let bytes = vec![7; 3 * CHUNK + 5];
        let taken = receive(&mut &bytes[..], bytes.len() as u64).await.expect("all of it");
        let mut read = Vec::new();
        let mut file = fieldlink_operation::request::sealed_file(&taken).expect("sealed");
        file.read_to_end(&mut read).expect("readable");
        assert!(read == bytes);
        assert!(std::fs::File::from(taken).write_all(b"x").is_err(), "also by us");
        let less = receive(&mut &bytes[1..], bytes.len() as u64).await;
        assert!(matches!(less, Err(NotReceived::Incomplete { .. })));
        let mut more = &bytes[..];
        receive(&mut more, 5).await.expect("what was announced");
        assert_eq!(more.len(), bytes.len() - 5);
    }
}
