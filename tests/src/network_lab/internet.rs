//! What NetworkManager takes for the internet: a web page with the right words, or a portal.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};

use crate::lab::Namespace;

/// The page by which NetworkManager tells that it sees the internet.
pub(super) const SEEN: &str = "NetworkManager is online";

/// What the web server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// The page that NetworkManager looks for.
    Open,
    /// A redirection to a sign-in page.
    Portal,
}

/// A web server in a namespace.
pub struct Internet {
    mode: Arc<AtomicU8>,
    listener: TcpListener,
    server: Option<JoinHandle<()>>,
}

impl Internet {
    /// Opens it at `address`.
    pub fn open(namespace: &Namespace, address: (&str, u16)) -> Self {
        let listener = namespace.enter(|| TcpListener::bind(address)).expect("a free address");
        let mode = Arc::new(AtomicU8::new(Mode::Open as u8));
        let (accepting, shown) = (listener.try_clone().expect("a descriptor"), mode.clone());
        let server = std::thread::spawn(move || {
            while let Ok((stream, _)) = accepting.accept() {
                // One at a time will do; a connection that sends nothing is dropped after a second.
                let _ = answer(stream, shown.load(Ordering::Relaxed));
            }
        });
        Self { mode, listener, server: Some(server) }
    }

    /// Changes what it answers from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn answer(mut stream: TcpStream, mode: u8) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut head = BufReader::new(stream.try_clone()?).lines();
    let request = head.next().transpose()?.unwrap_or_default();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (status, further, body) = match mode {
        _ if request.contains("/login") => ("200 OK", "", "<h1>Please sign in</h1>"),
        mode if mode == Mode::Portal as u8 => ("302 Found", "Location: /login\r\n", "sign in"),
        _ => ("200 OK", "", SEEN),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{further}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
