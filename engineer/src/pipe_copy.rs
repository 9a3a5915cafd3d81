//! One SSH connection: a local connection on one side, a pipe on the other.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use fieldlink_protocol::limits;
use fieldlink_transport::{PipeEnd, PipeReader, PipeWriter};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::control::channel::Pipe;
use crate::platform::{self, LocalStream};

/// How long the last bytes of an ssh that has ended may take into the pipe, and the pipe to end.
/// The engineer waits for them no more, and the scanner must be rid of the connection at once.
const LAST_BYTES: Duration = Duration::from_millis(200);

/// A chunk below this size is copied into a buffer of its own length: the pipe keeps chunks until
/// they are acknowledged, and keystrokes must not each keep a large buffer.
const LARGE: usize = limits::PIPE_CHUNK / 2;

/// Carries bytes both ways until the connection ends on either side, or `over` fires.
pub(crate) async fn carry(
    mut local: LocalStream,
    (reader, writer, driver): Pipe,
    over: CancellationToken,
) -> PipeEnd {
    let stop = over.child_token();
    let piped = CancellationToken::new();
    let (local_reader, local_writer) = local.split();
    let driving = async {
        let end = driver.run(stop.clone(), || "closed".to_owned()).await;
        piped.cancel();
        end
    };
    let hang_up = async {
        platform::hung_up(&local_reader).await;
        tokio::select! {
            () = piped.cancelled() => {}
            () = sleep(LAST_BYTES) => {}
        }
        stop.cancel();
        std::future::pending::<Infallible>().await
    };
    let up = until(&piped, upwards(&local_reader, writer));
    let down = until(&stop, downwards(reader, local_writer));
    tokio::select! {
        (end, (), ()) = async { tokio::join!(driving, up, down) } => end,
        never = hang_up => match never {},
    }
}

/// Copies until there is an end or an error. An error means that one side is gone, and the
/// task that watches that side acts on it.
async fn until(stop: &CancellationToken, copying: impl Future<Output = io::Result<()>>) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        _ = copying => {}
    }
}

/// Reads what there is, as much as fits one chunk, straight into the frame that will carry it.
async fn upwards(local: &platform::LocalReader<'_>, mut pipe: PipeWriter) -> io::Result<()> {
    let mut buffer = PipeWriter::buffer(limits::PIPE_CHUNK);
    let header = buffer.len();
    loop {
        local.readable().await?;
        let read = match local.try_read_buf(&mut (&mut buffer).limit(limits::PIPE_CHUNK)) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if read < LARGE {
            let mut small: BytesMut = PipeWriter::buffer(read);
            small.extend_from_slice(&buffer[header..]);
            buffer.truncate(header);
            pipe.send(small).await?;
        } else {
            let full = std::mem::replace(&mut buffer, PipeWriter::buffer(limits::PIPE_CHUNK));
            pipe.send(full).await?;
        }
    }
}

async fn downwards(mut pipe: PipeReader, mut local: impl AsyncWrite + Unpin) -> io::Result<()> {
    while let Some(bytes) = pipe.next().await {
        local.write_all(&bytes).await?;
    }
    local.shutdown().await
}
