//! What an engineer would use today: OpenSSH, straight, through `ssh -R`, and with `ssh -J` through
//! it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::programs::{Running, eventually};

use crate::sshd::Sshd;

/// No relay at all.
pub(crate) const DIRECT: &str = "ssh, no relay";
/// The far end's port, forwarded to the relay.
pub(crate) const REVERSE: &str = "ssh -R";
/// The peer with the same layers: end to end inside the relay's own encryption.
pub(crate) const JUMP: &str = "ssh -J through ssh -R";
/// All of them.
pub(crate) const NAMES: [&str; 3] = [DIRECT, REVERSE, JUMP];

/// From what follows the destination on its command line to the ssh: a remote command, or options.
pub(crate) type Way<'a> = Box<dyn Fn(&[&str]) -> Command + 'a>;

/// Two running `sshd` and a reverse tunnel between them.
pub(crate) struct Peers {
    sshd: Sshd,
    scanner_port: u16,
    relay_port: u16,
    tunnel_port: u16,
    _running: Vec<Running>,
}

impl Peers {
    /// Starts them; `None`, with a line that says why, where that is not possible.
    pub(crate) fn start(cache: &Path) -> Option<Self> {
        let sshd = Sshd::unpack(cache)?;
        let [scanner_port, relay_port, tunnel_port] = free_ports();
        let servers = [scanner_port, relay_port].map(|port| sshd.serve(None, loopback(port)));
        let mut peers = Self { sshd, scanner_port, relay_port, tunnel_port, _running: servers.into() };
        let mut tunnel =
            peers.ssh(&["-N", "-R", &format!("127.0.0.1:{tunnel_port}:127.0.0.1:{scanner_port}")]);
        tunnel.args(["-o", "ExitOnForwardFailure=yes", "-p", &relay_port.to_string(), "127.0.0.1"]);
        let running = Running::start("ssh -R", &mut tunnel);
        eventually("the tunnel stands", PATIENCE, || TcpStream::connect(loopback(tunnel_port)).is_ok());
        peers._running.push(running);
        Some(peers)
    }

    /// Each way there.
    pub(crate) fn ways(&self) -> impl Iterator<Item = (&'static str, Way<'_>)> {
        let to = move |port: u16, jump: bool| -> Way<'_> {
            Box::new(move |arguments| {
                let mut command = self.ssh(&[]);
                if jump {
                    let via =
                        self.command_line(&["-W", "%h:%p", "-p", &self.relay_port.to_string(), "127.0.0.1"]);
                    command.args(["-o", &format!("ProxyCommand={via}")]);
                }
                command.args(["-p", &port.to_string(), "127.0.0.1"]).args(arguments);
                command
            })
        };
        [
            (DIRECT, to(self.scanner_port, false)),
            (REVERSE, to(self.tunnel_port, false)),
            (JUMP, to(self.tunnel_port, true)),
        ]
        .into_iter()
    }

    fn ssh(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(self.sshd.client_options()).args(arguments);
        command
    }

    fn command_line(&self, arguments: &[&str]) -> String {
        let words =
            self.sshd.client_options().into_iter().chain(arguments.iter().map(|&word| word.to_owned()));
        std::iter::once("ssh".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// `port` of this computer.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| listener());
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    listener().local_addr().expect("an address").port()
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}
