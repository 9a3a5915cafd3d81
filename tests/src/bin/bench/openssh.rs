//! What an engineer would use today: OpenSSH, straight, through `ssh -R`, and with `ssh -J` through
//! it. The server's package is unpacked, never installed, because that would start a daemon.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fieldlink_tests::PATIENCE;
use fieldlink_tests::programs::{Running, eventually};

/// No relay at all.
pub(crate) const DIRECT: &str = "ssh, no relay";
/// The far end's port, forwarded to the relay.
pub(crate) const REVERSE: &str = "ssh -R";
/// The peer with the same layers: end to end inside the relay's own encryption.
pub(crate) const JUMP: &str = "ssh -J through ssh -R";
/// All of them.
pub(crate) const NAMES: [&str; 3] = [DIRECT, REVERSE, JUMP];

/// From a remote command to the ssh that runs it.
pub(crate) type Way<'a> = Box<dyn Fn(&str) -> Command + 'a>;

/// Two running `sshd` and a reverse tunnel between them.
pub(crate) struct Peers {
    directory: tempfile::TempDir,
    scanner_port: u16,
    relay_port: u16,
    tunnel_port: u16,
    _running: Vec<Running>,
}

impl Peers {
    /// Starts them; `None`, with a line that says why, where that is not possible.
    pub(crate) fn start(cache: &Path) -> Option<Self> {
        let sshd = unpacked_sshd(cache).or_else(|| {
            eprintln!("skipped: no openssh-server package to compare with (apt-get download failed)");
            None
        })?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let [scanner_port, relay_port, tunnel_port] = free_ports();
        make_keys(directory.path());
        let mut peers = Self { directory, scanner_port, relay_port, tunnel_port, _running: Vec::new() };
        for port in [scanner_port, relay_port] {
            let running = peers.start_sshd(&sshd, port)?;
            peers._running.push(running);
        }
        let mut tunnel =
            peers.ssh(&["-N", "-R", &format!("127.0.0.1:{tunnel_port}:127.0.0.1:{scanner_port}")]);
        tunnel.args(["-o", "ExitOnForwardFailure=yes", "-p", &relay_port.to_string(), "127.0.0.1"]);
        let running = Running::start("ssh -R", &mut tunnel);
        wait_for_port(tunnel_port);
        peers._running.push(running);
        Some(peers)
    }

    /// Each way, as a function from a remote command to the ssh that runs it.
    pub(crate) fn ways(&self) -> impl Iterator<Item = (&'static str, Way<'_>)> {
        let to = move |port: u16, jump: bool| -> Way<'_> {
            Box::new(move |remote| {
                let mut command = self.ssh(&[]);
                if jump {
                    let via =
                        self.command_line(&["-W", "%h:%p", "-p", &self.relay_port.to_string(), "127.0.0.1"]);
                    command.args(["-o", &format!("ProxyCommand={via}")]);
                }
                command.args(["-p", &port.to_string(), "127.0.0.1", remote]);
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

    fn options(&self) -> Vec<String> {
        let key = self.directory.path().join("key").display().to_string();
        ["-F", "none", "-i", &key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
            .into_iter()
            .chain([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
            ])
            .chain(["-o", "Ciphers=aes128-gcm@openssh.com"])
            .map(str::to_owned)
            .collect()
    }

    fn ssh(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(self.options()).args(arguments);
        command
    }

    fn command_line(&self, arguments: &[&str]) -> String {
        let words = self.options().into_iter().chain(arguments.iter().map(|&word| word.to_owned()));
        std::iter::once("ssh".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }

    fn start_sshd(&self, sshd: &Path, port: u16) -> Option<Running> {
        let directory = self.directory.path();
        let config = directory.join(format!("sshd-{port}"));
        let text = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {d}/host\nAuthorizedKeysFile {d}/key.pub\nStrictModes no\nUsePAM no\nPermitUserRC no\nPrintMotd no\nPidFile none\nPermitRootLogin yes\nCiphers aes128-gcm@openssh.com\nLogLevel ERROR\n",
            d = directory.display()
        );
        std::fs::write(&config, text).expect("writable");
        // As root, sshd wants a user and a directory of its own. They exist in a private view of
        // /etc and /run only; the machine is left as it is.
        let mut command = Command::new("unshare");
        let script = "mount --bind \"$1\" /etc/passwd && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec \"$2\" -D -e -f \"$3\"";
        let passwd = directory.join("passwd");
        let known = std::fs::read_to_string("/etc/passwd").expect("readable");
        std::fs::write(&passwd, format!("{known}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"))
            .expect("writable");
        if nix::unistd::getuid().is_root() {
            command.args(["-m", "sh", "-c", script, "sh"]).arg(&passwd).arg(sshd).arg(&config);
        } else {
            command = Command::new(sshd);
            command.args(["-D", "-e", "-f"]).arg(&config);
        }
        let running = Running::start("sshd", &mut command);
        wait_for_port(port);
        Some(running)
    }
}

fn make_keys(directory: &Path) {
    for name in ["host", "key"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join(name));
        assert!(command.status().expect("ssh-keygen is there").success());
    }
}

fn unpacked_sshd(cache: &Path) -> Option<PathBuf> {
    let cache = cache.canonicalize().ok()?.join("openssh-server");
    let sshd = cache.join("usr/sbin/sshd");
    if sshd.exists() {
        return Some(sshd);
    }
    std::fs::create_dir_all(&cache).ok()?;
    let script = "apt-get download -q openssh-server && dpkg -x openssh-server_*.deb .";
    let quiet = || Stdio::null();
    Command::new("sh")
        .args(["-c", script])
        .current_dir(&cache)
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .ok()?;
    sshd.exists().then_some(sshd)
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

fn wait_for_port(port: u16) {
    eventually("the port is listened on", PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}
