//! `forward`: a port or socket here that leads to a port over there, with an SSH connection for each use.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use fieldlink_protocol::text;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy, copy_buf, sink};
use tokio_util::sync::CancellationToken;

mod ahead;
mod listener;

use self::ahead::{Ahead, Reserve};
use self::listener::{Accepted, Listener, Local};
use super::accepting;
use super::choosing::choose;
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Request, client};
use crate::platform::Signals;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_config;
use crate::words::say;

/// Connections at the same time; further ones wait.
const CONNECTIONS: usize = 32;

/// What leads where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Forward {
    local: Local,
    /// `HOST:PORT`, as ssh takes it.
    target: String,
}

pub(super) async fn run(words: &[String], console: &Console) -> Result<u8, Failure> {
    let (spec, id) = words.split_last().ok_or_else(|| Failure::usage(say!("forward-nothing")))?;
    let forward: Forward = spec.parse()?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id)?;
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let (listener, local) = Listener::bind(&forward.local).await?;
    console.say(&say!("forwarding", local = local, target = &forward.target));
    let directory = runtime.session(id);
    let socket = directory.join("control.sock");
    let reserve = Reserve::new(directory.join("ssh_config"), ssh_config::alias(id));
    tokio::select! {
        biased;
        _ = signals.next() => Ok(0),
        message = client::wait_for_end(socket.clone()) => Err(Failure::new(Kind::SessionOver, message)),
        never = serve(listener, (&forward.target, &socket, &reserve), console) => match never {},
        never = reserve.keep() => match never {},
    }
}

async fn serve(
    listener: Listener,
    (target, socket, reserve): (&str, &Path, &Reserve),
    console: &Console,
) -> Infallible {
    let carry = |accepted: Accepted| {
        let (peer, (ssh, ahead)) = (accepted.peer(), reserve.take(target));
        // As long as it is open the session goes on, as for a connection of the use's own, which counts by itself.
        let used = ahead.as_ref().map(|_| client::begin(socket, Request::Use));
        async move {
            let carried = connect(accepted.into_split(), (ssh, ahead)).await;
            drop(used);
            carried
                .map_err(|problem| say!("connection-failed", peer = peer, problem = format!("{problem:#}")))
        }
    };
    accepting::serve(CONNECTIONS, async || listener.accept().await, carry, console).await
}

/// Carries one connection. ssh gets pipes rather than the connection itself, because it closes its
/// output at the end of the other side's, and a connection is closed in one direction differently.
async fn connect(
    (from, to): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (ssh, ahead): (Command, Option<Ahead>),
) -> anyhow::Result<()> {
    let mut ssh = tokio::process::Command::from(ssh);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = ssh.spawn().with_context(|| say!("ssh-not-run"))?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        anyhow::bail!(say!("ssh-not-reached"));
    };
    // Each direction by itself: what one end will not take any more says nothing about what it has sent. ssh
    // ends when both are over and it has passed on what it was given.
    let gone = CancellationToken::new();
    let up = async { gone.run_until_cancelled(carry(from, input)).await.unwrap_or(Ok(())) };
    let ending = async {
        let said_at_last = said(errors).await;
        let _ = child.wait().await;
        gone.cancel();
        // Whose connection it is says why there is none.
        let mut said = match ahead {
            Some(ahead) => ahead.end().await,
            None => Vec::new(),
        };
        said.extend(said_at_last);
        said
    };
    let (_, down, said) = tokio::join!(up, carry(output, to), ending);
    anyhow::ensure!(said.is_empty(), "{}", said.join("; "));
    down.with_context(|| say!("connection-broke"))
}

/// The first lines that ssh says, all of which is read.
async fn said(mut errors: impl AsyncRead + Unpin) -> Vec<String> {
    let mut said = Vec::new();
    let _ = (&mut errors).take(4096).read_to_end(&mut said).await;
    let _ = copy(&mut errors, &mut sink()).await;
    let said = String::from_utf8_lossy(&said);
    said.lines().map(text::sentence).filter(|line| !line.is_empty()).collect()
}

async fn carry(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    copy_buf(&mut BufReader::with_capacity(64 * 1024, from), &mut to).await?;
    to.shutdown().await
}

impl std::str::FromStr for Forward {
    type Err = Failure;

    /// `[ADDRESS:]PORT:HOST:PORT` or `PATH:HOST:PORT`, as ssh's `-L`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        parse(text).ok_or_else(|| {
            Failure::usage(say!("forward-unreadable", words = format!("{:?}", text::name(text))))
        })
    }
}

fn parse(text: &str) -> Option<Forward> {
    let (rest, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|&port| port != 0)?;
    let (local, host) = match rest.strip_suffix(']') {
        Some(open) => {
            let (local, host) = open.rsplit_once(":[")?;
            host.parse::<IpAddr>().ok()?;
            (local, format!("[{host}]"))
        }
        None => rest.rsplit_once(':').map(|(local, host)| (local, host.to_owned()))?,
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = host.starts_with('[') || (!host.starts_with('-') && host.bytes().all(is_name));
    (fits && !host.is_empty()).then_some(())?;
    Some(Forward { local: local_end(local)?, target: format!("{host}:{port}") })
}

fn local_end(text: &str) -> Option<Local> {
    if text.starts_with('/') || text.starts_with("./") {
        return Some(Local::Socket(text.into()));
    }
    local_address(text).map(Local::Port)
}

/// This computer alone, unless another address is named.
fn local_address(text: &str) -> Option<SocketAddr> {
    let Some((address, port)) = text.rsplit_once(':') else {
        return Some((Ipv4Addr::LOCALHOST, text.parse().ok()?).into());
    };
    let address = match address {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        address => address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok()?,
    };
    Some((address, port.parse().ok()?).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forwards_are_read_as_ssh_reads_them() {
        for (text, local, target) in [
            ("8080:localhost:80", "127.0.0.1:8080", "localhost:80"),
            ("0:scanner.local:80", "127.0.0.1:0", "scanner.local:80"),
            ("localhost:8080:h:80", "127.0.0.1:8080", "h:80"),
            ("0.0.0.0:8080:10.0.0.7:80", "0.0.0.0:8080", "10.0.0.7:80"),
            ("[::1]:8080:[fe80::1]:80", "[::1]:8080", "[fe80::1]:80"),
        ] {
            let local = Local::Port(local.parse().expect("an address"));
            assert_eq!(text.parse(), Ok(Forward { local, target: target.into() }), "{text}");
        }
        for (text, local, target) in [
            ("/run/user/7/web:localhost:80", "/run/user/7/web", "localhost:80"),
            ("./a:b:h:80", "./a:b", "h:80"),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Forward { local: Local::Socket(local.into()), target: target.into() })
            );
        }
        for text in [
            "",
            "80",
            "80:h",
            "x:h:80",
            "80:h:0",
            "80::80",
            "80:-oX:80",
            "80:a b:80",
            "h:80:h:80",
            "80:h:99999",
        ] {
            assert_eq!(text.parse::<Forward>().expect_err(text).kind, Kind::Usage);
        }
    }

    proptest! {
        #[test]
        fn reads_anything_and_passes_only_names_on(text in "[0-9a-z:.\\[\\]-]{0,30}|.*") {
            if let Ok(forward) = text.parse::<Forward>() {
                prop_assert!(!forward.target.starts_with('-') && !forward.target.contains(char::is_whitespace));
            }
        }
    }
}
