//! Real HTTP proxies, with configurations of their own: tinyproxy and squid, which refuse differently.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::PATIENCE;
use crate::programs::{Running, eventually};

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// Says 401 to a wrong password.
    Tinyproxy,
    /// Says 407 to a wrong password as to none.
    Squid,
}

/// A proxy on loopback. Killed when dropped.
pub struct ProxyServer {
    kind: ProxyKind,
    directory: TempDir,
    port: u16,
    process: Running,
}

/// The user whom a proxy with a password knows.
pub const USER: &str = "ada";
/// The password of [`USER`].
pub const PASSWORD: &str = "open-sesame-42";

impl ProxyServer {
    /// A proxy that connects to `allowed_port` only; if `asks_password`, for [`USER`] alone.
    pub fn start(kind: ProxyKind, allowed_port: u16, asks_password: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Squid, started by root, goes on as another user; nothing here is secret.
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).expect("our own");
        let port = free_port();
        let config = directory.path().join("proxy.conf");
        let mut command = match kind {
            ProxyKind::Tinyproxy => {
                write(&config, &tinyproxy_config(port, allowed_port, asks_password));
                let mut command = Command::new("tinyproxy");
                command.arg("-d");
                command
            }
            ProxyKind::Squid => {
                write(&config, &squid_config(directory.path(), port, allowed_port, asks_password));
                let mut command = Command::new("squid");
                command.arg("-N").arg("-f").env("PATH", path_with_sbin());
                command
            }
        };
        if kind == ProxyKind::Tinyproxy {
            command.arg("-c");
        }
        let mut process = Running::start(&format!("{kind:?}"), command.arg(&config));
        eventually("the proxy listens", PATIENCE, || {
            assert!(!process.has_ended(), "{kind:?} ended:\n{}", process.transcript());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { kind, directory, port, process }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The lines under `[proxy]` that use it without a password.
    pub fn settings(&self) -> String {
        format!("url = \"{}\"\n", self.url())
    }

    /// The lines under `[proxy]` that use it as [`USER`] with `password`.
    pub fn settings_with(&self, password: &str) -> String {
        let file = self.directory.path().join("password");
        write(&file, &format!("{password}\n"));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("our own");
        format!("{}user = \"{USER}\"\npassword_file = \"{}\"\n", self.settings(), file.display())
    }

    /// Whether it was asked to connect to `target`.
    pub fn has_seen(&mut self, target: &str) -> bool {
        let log = match self.kind {
            ProxyKind::Tinyproxy => self.process.transcript(),
            ProxyKind::Squid => {
                std::fs::read_to_string(access_log(self.directory.path())).unwrap_or_default()
            }
        };
        log.contains(&format!("CONNECT {target} "))
    }
}

/// Taken and let go: neither proxy can be asked for any port and say which it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writable");
}

fn path_with_sbin() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn tinyproxy_config(port: u16, allowed_port: u16, asks_password: bool) -> String {
    let password = if asks_password { format!("BasicAuth {USER} {PASSWORD}\n") } else { String::new() };
    format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 600\nLogLevel Connect\nConnectPort {allowed_port}\n{password}"
    )
}

fn access_log(directory: &Path) -> PathBuf {
    directory.join("access.log")
}

fn squid_config(directory: &Path, port: u16, allowed_port: u16, asks_password: bool) -> String {
    let access = if asks_password {
        let users = directory.join("users");
        write(&users, &format!("{USER}:{}\n", hashed(PASSWORD)));
        format!(
            "auth_param basic program /usr/lib/squid/basic_ncsa_auth {}\nauth_param basic realm test\n\
             acl known proxy_auth REQUIRED\nhttp_access allow known\n",
            users.display()
        )
    } else {
        "http_access allow localhost\n".to_owned()
    };
    format!(
        "http_port 127.0.0.1:{port}\nvisible_hostname localhost\npid_filename none\ncoredump_dir none\n\
         cache deny all\ncache_mem 0 MB\nmemory_cache_shared off\npinger_enable off\n\
         shutdown_lifetime 0 seconds\ncache_log {}\naccess_log stdio:{}\nlogfile_rotate 0\n\
         buffered_logs off\nacl allowed port {allowed_port}\n\
         http_access deny !allowed\n{access}http_access deny all\n",
        directory.join("cache.log").display(),
        access_log(directory).display(),
    )
}

fn hashed(password: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(["passwd", "-apr1", "-stdin"]);
    let output = crate::programs::run_with_input(&mut command, format!("{password}\n").as_bytes());
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
