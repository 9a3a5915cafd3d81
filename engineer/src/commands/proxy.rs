//! `proxy`: ssh starts it to get a connection to the scanner.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;

use super::closed::{self, FAILED};
use crate::call::parse_id;
use crate::config::Directories;
use crate::exit::Failure;
use crate::local_socket::{Reply, Request, client};
use crate::platform::{self, SyncStream};
use crate::ssh_child;
use crate::words::say;

pub(super) fn run(session: &OsStr, stdio: bool) -> u8 {
    match try_run(session, stdio) {
        Ok(()) => 0,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{}", say!("program-says", message = reason));
            FAILED
        }
    }
}

fn try_run(session: &OsStr, stdio: bool) -> Result<(), String> {
    let socket = socket(session).map_err(|failure| failure.message)?;
    let request = Request::Pipe { purpose: ssh_child::purpose() };
    let (stream, reply) = client::ask(&socket, request).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => error.to_string(),
        _ => closed::behind(&socket),
    })?;
    match reply {
        // Only an ssh that asked for the connection itself waits for it at a socket.
        Reply::Opened if stdio || !platform::stdout_is_socket() => {
            copy(stream).map_err(|error| say!("proxy-broke", error = error.to_string()))
        }
        Reply::Opened => {
            platform::hand_over(&stream).map_err(|error| say!("not-handed-over", error = error.to_string()))
        }
        Reply::Refused { reason } => Err(reason),
        _ => Err(say!("session-answered-else")),
    }
}

/// ssh_configs name the socket, because the environment of an ssh is not that of `connect`.
fn socket(session: &OsStr) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(session);
    if path.is_absolute() {
        return Ok(path);
    }
    let id = parse_id(&[session.to_string_lossy().into_owned()])?;
    Ok(Directories::from_environment()?.runtime.join(id.to_string()).join("control.sock"))
}

/// Copies until the scanner's side ends. The thread that reads standard input ends with the process.
fn copy(stream: SyncStream) -> io::Result<()> {
    let (mut from, mut to) = (stream.try_clone()?, stream);
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match io::Read::read(&mut from, &mut buffer)? {
            0 => return Ok(()),
            read => stdout.write_all(&buffer[..read]).and_then(|()| stdout.flush())?,
        }
    }
}
