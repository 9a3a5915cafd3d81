//! A plain OpenSSH server. Its package is unpacked, never installed, because that would start a daemon.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Namespace, PATIENCE};

/// The unpacked server, and the keys for both sides of it.
pub(crate) struct Sshd {
    program: PathBuf,
    directory: tempfile::TempDir,
}

impl Sshd {
    /// Unpacks it; `None`, with a line that says why, where that is not possible.
    pub(crate) fn unpack(cache: &Path) -> Option<Self> {
        let program = unpacked(cache).or_else(|| {
            eprintln!("skipped: no openssh-server package to compare with (apt-get download failed)");
            None
        })?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        make_keys(directory.path());
        Some(Self { program, directory })
    }

    /// Serves at `address`, on `host` if there is one.
    pub(crate) fn serve(&self, host: Option<&Namespace>, address: SocketAddr) -> Running {
        let config = self.write_config(address);
        let mut command = if nix::unistd::getuid().is_root() {
            self.with_a_user_of_its_own(host)
        } else {
            Command::new(&self.program)
        };
        command.args(["-D", "-e", "-f"]).arg(&config);
        let mut running = Running::start("sshd", &mut command);
        let answers = || TcpStream::connect(address).is_ok();
        eventually("sshd listens", PATIENCE, || {
            assert!(!running.has_ended(), "sshd does not start: {}", running.transcript());
            host.map_or_else(answers, |host| host.enter(answers))
        });
        running
    }

    /// What an OpenSSH client needs to be let in, and nothing of the tester's own configuration.
    pub(crate) fn client_options(&self) -> Vec<String> {
        let key = self.directory.path().join("key").display().to_string();
        let files = ["-F", "none", "-i", &key].map(str::to_owned);
        let settings = [
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "Ciphers=aes128-gcm@openssh.com",
            // What an ssh without ML-KEM and our agent agree on; its own default takes it a quarter of a second.
            "KexAlgorithms=curve25519-sha256",
        ];
        files.into_iter().chain(settings.map(|setting| format!("-o{setting}"))).collect()
    }

    fn write_config(&self, address: SocketAddr) -> PathBuf {
        let directory = self.directory.path().display();
        let config = self.directory.path().join(format!("sshd-{}", address.port()));
        let text = format!(
            "ListenAddress {address}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/key.pub\nStrictModes no\nUsePAM no\nPermitUserRC no\nPrintMotd no\nPidFile none\nPermitRootLogin yes\nCiphers aes128-gcm@openssh.com\nLogLevel ERROR\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
        );
        std::fs::write(&config, text).expect("writable");
        config
    }

    /// As root, sshd wants a user and a directory of its own. They exist in a private view of /etc and
    /// /run only; the machine is left as it is. Root's home is an empty one there, because bash reads its `.bashrc` for
    /// a command that sshd starts, and for one that we start it does not.
    fn with_a_user_of_its_own(&self, host: Option<&Namespace>) -> Command {
        let passwd = self.directory.path().join("passwd");
        let known = std::fs::read_to_string("/etc/passwd").expect("readable");
        let home = self.directory.path().display();
        let others: String =
            known.lines().filter(|line| !line.starts_with("root:")).map(|line| format!("{line}\n")).collect();
        let text = format!(
            "root:x:0:0:root:{home}:/bin/bash\n{others}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
        );
        std::fs::write(&passwd, text).expect("writable");
        let script = "mount --bind \"$1\" /etc/passwd && shift && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec \"$@\"";
        let unshare = Path::new("unshare");
        let mut command = host.map_or_else(|| Command::new(unshare), |host| host.command(unshare));
        command.args(["-m", "sh", "-c", script, "sh"]).arg(&passwd).arg(&self.program);
        command
    }
}

fn make_keys(directory: &Path) {
    for name in ["host", "key"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join(name));
        assert!(command.status().expect("ssh-keygen is there").success());
    }
}

fn unpacked(cache: &Path) -> Option<PathBuf> {
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
