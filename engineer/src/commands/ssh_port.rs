//! `ssh-port`: a port here that leads to the scanner's SSH server, for programs that read no ssh_config.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use fieldlink_protocol::limits;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;
use serde::Serialize;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

use super::accepting;
use super::choosing::choose;
use crate::args::SshPortArguments;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, client};
use crate::platform::{self, LocalStream, Signals};
use crate::printing::{print_answer, print_json};
use crate::private_file;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_config::aliases::Record;
use crate::words::say;
use crate::{own_program, ssh_client};

/// What is copied at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// What an SSH program has to be told.
#[derive(Debug, Serialize)]
struct Facts {
    host: Ipv4Addr,
    port: u16,
    user: String,
    key_file: PathBuf,
    /// The host key in OpenSSH's form, for programs that take it by itself.
    host_key: String,
    /// Its fingerprint, `SHA256:…`, for programs that know nothing else (curl, PuTTY).
    fingerprint: String,
    /// The line of a known_hosts file for this port.
    known_hosts: String,
    /// A file of that line alone.
    known_hosts_file: PathBuf,
    /// For programs that rather start a proxy command; then the port does not matter.
    proxy_command: String,
}

impl Facts {
    /// Collects them, and writes the known_hosts file into the session's `directory`, whose end it shares.
    async fn collect(id: SupportId, directory: &Path, port: u16) -> anyhow::Result<Self> {
        let record =
            Record::load(directory).with_context(|| say!("session-not-open-yet", id = id.grouped()))?;
        let pinned = private_file::read(&directory.join("known_hosts"))?.unwrap_or_default();
        let host_key = pinned.trim().split_once(' ').map(|(_, key)| key.to_owned());
        let host_key = host_key.with_context(|| say!("host-key-missing"))?;
        let host = Ipv4Addr::LOCALHOST;
        let known_hosts = format!("[{host}]:{port} {host_key}");
        let known_hosts_file = directory.join(format!("known_hosts-{port}"));
        private_file::replace(&known_hosts_file, format!("{known_hosts}\n").as_bytes())?;
        let program = own_program::path()?;
        Ok(Self {
            host,
            port,
            user: record.host.user,
            key_file: directory.join("id_ed25519"),
            fingerprint: ssh_client::fingerprint(&known_hosts_file).await?,
            host_key,
            known_hosts,
            known_hosts_file,
            proxy_command: format!("{} proxy --stdio {id}", program.display()),
        })
    }

    fn show(&self, json: bool) -> anyhow::Result<()> {
        if json {
            print_json(&serde_json::to_string(self)?);
            return Ok(());
        }
        print_answer(&say!(
            "ssh-port-facts",
            host = self.host.to_string(),
            port = u64::from(self.port),
            user = &self.user,
            key_file = self.key_file.display(),
            fingerprint = &self.fingerprint,
            known_hosts = &self.known_hosts,
            known_hosts_file = self.known_hosts_file.display(),
            proxy_command = &self.proxy_command
        ));
        Ok(())
    }
}

pub(super) async fn run(arguments: &SshPortArguments, console: &Console) -> Result<u8, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, &arguments.id)?;
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let address = (Ipv4Addr::LOCALHOST, arguments.port);
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| say!("could-not-listen", place = format!("{}:{}", address.0, address.1)))?;
    let port = listener.local_addr().with_context(|| say!("port-unknown"))?.port();
    let facts = Facts::collect(id, &runtime.session(id), port).await?;
    facts.show(arguments.json)?;
    console.say(&say!("ssh-port-open"));
    let socket = runtime.session(id).join("control.sock");
    let ended = tokio::select! {
        biased;
        _ = signals.next() => Ok(0),
        message = client::wait_for_end(socket.clone()) => Err(Failure::new(Kind::SessionOver, message)),
        never = serve(listener, &socket, console) => match never {},
    };
    let _ = std::fs::remove_file(&facts.known_hosts_file);
    ended
}

async fn serve(listener: TcpListener, socket: &Path, console: &Console) -> Infallible {
    let carry = |(stream, peer): (TcpStream, SocketAddr)| {
        let socket = socket.to_owned();
        async move {
            let carried = carry(stream, &socket).await;
            carried.map_err(|problem| {
                let (peer, problem) = (peer.to_string(), format!("{problem:#}"));
                say!("connection-failed", peer = peer, problem = problem)
            })
        }
    };
    accepting::serve(limits::PIPES_PER_SESSION, async || listener.accept().await, carry, console).await
}

/// Carries one connection, if it is this user's: their key file keeps others out as well, but the greeting of the
/// scanner's SSH server is not for other users either.
async fn carry(mut stream: TcpStream, socket: &Path) -> anyhow::Result<()> {
    let is_ours = platform::is_from_this_user(&stream).with_context(|| say!("owner-unknown"))?;
    ensure!(is_ours, say!("refused-another-users"));
    let _ = stream.set_nodelay(true);
    let mut pipe = open(socket).await?;
    // A program that breaks off has said all that it wants to say.
    let _ = copy_bidirectional_with_sizes(&mut stream, &mut pipe, BUFFER, BUFFER).await;
    Ok(())
}

/// Opens an SSH connection of the session behind `socket`.
async fn open(socket: &Path) -> anyhow::Result<LocalStream> {
    match client::ask_for_pipe(socket).await.with_context(|| say!("session-not-reached"))? {
        (stream, Reply::Opened) => Ok(stream),
        (_, Reply::Refused { reason }) => bail!("{}", text::sentence(&reason)),
        _ => bail!(say!("session-answered-else")),
    }
}
