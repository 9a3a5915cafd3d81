//! Asks a session something.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldlink_protocol::text;
use tokio::io::AsyncReadExt;

use super::{LINE, Purpose, Reply, Request, decode, encode};
use crate::dialogue::{KEPT, Line};
use crate::platform::{self, LocalStream, SyncStream};
use crate::words::say;

/// How long a session that lives may take for a reply that needs no word from the client.
const PROMPT: Duration = Duration::from_secs(2);

/// Sends `request` to the session at `socket` and waits for the reply. The connection comes back
/// with not one byte more read from it than the reply.
pub(crate) fn ask(socket: &Path, request: Request) -> io::Result<(SyncStream, Reply)> {
    let mut stream = begin(socket, request)?;
    let reply = read_reply(&mut stream)?;
    Ok((stream, reply))
}

/// Sends `request` to the session at `socket`; the reply is for the caller to read.
pub(crate) fn begin(socket: &Path, request: Request) -> io::Result<SyncStream> {
    let mut stream = platform::connect(socket)?;
    if matches!(request, Request::Status | Request::Chat { .. } | Request::Lines) {
        stream.set_read_timeout(Some(PROMPT))?;
    }
    stream.write_all(&encode(&request))?;
    Ok(stream)
}

/// Asks the session at `socket` for an SSH connection, while other things go on. The connection comes back with
/// not one byte more read from it than the reply.
pub(crate) async fn ask_for_pipe(socket: &Path) -> io::Result<(LocalStream, Reply)> {
    let request = Request::Pipe { purpose: Purpose::Other };
    let mut stream = platform::into_async(begin(socket, request)?)?;
    let mut line = Vec::with_capacity(128);
    while line.last() != Some(&b'\n') {
        if line.len() == LINE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        line.push(stream.read_u8().await?);
    }
    Ok((stream, decode(&line)?))
}

/// Asks the session at `socket` what engineer and client said last.
pub(crate) fn lines(socket: &Path) -> io::Result<Vec<Line>> {
    let (stream, Reply::Lines { count }) = ask(socket, Request::Lines)? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut stream = BufReader::new(stream);
    (0..count.min(KEPT)).map(|_| read_line(&mut stream)).collect()
}

/// Waits for the end of the session at `socket`; gives it in words.
pub(crate) async fn wait_for_end(socket: PathBuf) -> String {
    let unheard = |_| say!("holder-gone");
    hear_the_end(&socket).await.unwrap_or_else(unheard)
}

async fn hear_the_end(socket: &Path) -> io::Result<String> {
    let watch = platform::into_async(begin(socket, Request::Watch)?)?;
    let mut line = Vec::new();
    AsyncReadExt::take(watch, LINE as u64).read_to_end(&mut line).await?;
    match decode(&line)? {
        Reply::Ended { message, .. } => Ok(text::sentence(&message)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<Line> {
    let mut line = Vec::new();
    stream.take(LINE as u64).read_until(b'\n', &mut line)?;
    decode(&line)
}

/// Reads byte by byte: what follows the reply belongs to ssh.
fn read_reply(stream: &mut impl Read) -> io::Result<Reply> {
    let mut line = Vec::with_capacity(128);
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        if line.len() == LINE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    decode(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_reply_and_not_a_byte_more() {
        let mut wire: &[u8] = b"{\"reply\":\"opened\"}\nSSH-2.0-";
        assert_eq!(read_reply(&mut wire).expect("a reply"), Reply::Opened);
        assert_eq!(wire, b"SSH-2.0-");
        assert!(read_reply(&mut &b"{\"reply\":"[..]).is_err());
        assert!(read_reply(&mut &[b'x'; 2 * LINE][..]).is_err());
    }
}
