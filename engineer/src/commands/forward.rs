//! `forward`: a port here that leads to a port over there, with an SSH connection for each use.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::text;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_buf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::end::choose;
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::platform;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::session::Stops;
use crate::{ssh_client, ssh_config};

/// Connections at the same time; further ones wait.
const CONNECTIONS: usize = 32;

/// How long an ssh may take to send what it was given, once both directions have ended.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// What leads where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Forward {
    local: SocketAddr,
    /// `HOST:PORT`, as ssh takes it.
    target: String,
}

pub(super) async fn run(words: &[String], console: &Console) -> Result<u8, Failure> {
    let (spec, id) = words.split_last().ok_or_else(|| Failure::usage("nothing to forward was named"))?;
    let forward: Forward = spec.parse()?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id)?;
    let (mut stops, _end) = Stops::new().context("could not watch for signals")?;
    let listener = TcpListener::bind(forward.local).await;
    let listener = listener.with_context(|| format!("could not listen at {}", forward.local))?;
    let local = listener.local_addr().context("could not tell the port")?;
    console.say(&format!("forwarding {local} to {}; Ctrl-C ends", forward.target));
    let (config, alias) = (runtime.session(id).join("ssh_config"), ssh_config::alias(id));
    let command = move || {
        let mut ssh = ssh_client::command(&config, &alias);
        ssh.args(["-W", &forward.target]);
        ssh
    };
    let socket = runtime.session(id).join("control.sock");
    tokio::select! {
        biased;
        _ = stops.next() => Ok(0),
        message = session_end(socket) => Err(Failure::new(Kind::SessionOver, message?)),
        never = serve(listener, command, console) => match never {},
    }
}

/// Waits for the end of the session; gives it in words.
pub(super) async fn session_end(socket: std::path::PathBuf) -> anyhow::Result<String> {
    let watch = client::begin(&socket, Request::Watch).context("could not watch the session")?;
    let mut watch = BufReader::new(platform::into_async(watch).context("could not watch the session")?);
    let mut line = Vec::new();
    // A session whose program was killed says nothing more.
    let _ = (&mut watch).take(4096).read_until(b'\n', &mut line).await;
    Ok(match client::understand(&line) {
        Ok(Reply::Ended { message, .. }) => text::sentence(&message),
        _ => "the session is over: its program is gone".into(),
    })
}

async fn serve(
    listener: TcpListener,
    command: impl Fn() -> Command,
    console: &Console,
) -> std::convert::Infallible {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections: JoinSet<Option<String>> = JoinSet::new();
    loop {
        let accepting = async {
            // The semaphore is never closed.
            let permit = permits.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        tokio::select! {
            Some(ended) = connections.join_next() => {
                ended.ok().flatten().inspect(|problem| console.say(problem));
            }
            (permit, accepted) = accepting => match accepted {
                Ok((stream, peer)) => {
                    let ssh = command();
                    connections.spawn(async move {
                        let _permit = permit;
                        let problem = connect(stream, ssh).await.err();
                        problem.map(|problem| format!("the connection from {peer} failed: {problem:#}"))
                    });
                }
                // Out of descriptors, most likely: some will be free again.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
}

/// Carries one connection. ssh gets pipes rather than the connection itself, because it closes its
/// output at the end of the other side's, and a connection is closed in one direction differently.
async fn connect(stream: TcpStream, ssh: Command) -> anyhow::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut ssh = tokio::process::Command::from(ssh);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = ssh.spawn().context("could not run ssh")?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        anyhow::bail!("could not talk to ssh");
    };
    let (from, to) = stream.into_split();
    let (gone, done) = (CancellationToken::new(), CancellationToken::new());
    let up = async {
        tokio::select! {
            carried = carry(from, input) => carried,
            () = gone.cancelled() => Ok(()),
        }
    };
    let carrying = async {
        let carried = tokio::try_join!(up, carry(output, to));
        done.cancel();
        carried
    };
    let mut said = String::new();
    let mut errors = errors.take(4096);
    let listening = async {
        tokio::select! {
            _ = errors.read_to_string(&mut said) => {}
            () = async { done.cancelled().await; sleep(LAST_BYTES).await } => {}
        }
        gone.cancel();
    };
    let (carried, ()) = tokio::join!(carrying, listening);
    let _ = child.kill().await;
    let said: Vec<_> = said.lines().map(text::sentence).filter(|line| !line.is_empty()).collect();
    anyhow::ensure!(said.is_empty(), "{}", said.join("; "));
    carried.map(drop).context("it broke")
}

async fn carry(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    copy_buf(&mut BufReader::with_capacity(64 * 1024, from), &mut to).await?;
    to.shutdown().await
}

impl std::str::FromStr for Forward {
    type Err = Failure;

    /// `[ADDRESS:]PORT:HOST:PORT`, as ssh's `-L`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        parse(text).ok_or_else(|| {
            Failure::usage(format!(
                "could not read {:?}: write it as PORT:HOST:PORT or ADDRESS:PORT:HOST:PORT, \
                 as in 8080:localhost:80 (IPv6 addresses in brackets)",
                text::name(text)
            ))
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
    Some(Forward { local: local_address(local)?, target: format!("{host}:{port}") })
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
            let expected = Forward { local: local.parse().expect("an address"), target: target.into() };
            assert_eq!(text.parse(), Ok(expected), "{text}");
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
