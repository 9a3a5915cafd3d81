//! A host: a network namespace.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, setns};

/// A host's name, by which programs are started and threads enter it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one with a loopback.
    pub fn create(name: String) -> Self {
        must(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// Removes it with everything in it.
    pub fn remove(&self) {
        try_ip(&["netns", "del", &self.name]);
        let _ = std::fs::remove_dir_all(files_of(&self.name));
    }

    /// Has programs that are started on this host from now on know these names, as `/etc/hosts` has them, and
    /// ask a name server on the host itself for all others.
    pub fn name_hosts(&self, hosts: &str) {
        let directory = files_of(&self.name);
        std::fs::create_dir_all(&directory).expect("root may");
        for (name, text) in [("hosts", hosts), ("resolv.conf", "nameserver 127.0.0.1\n")] {
            std::fs::write(directory.join(name), text).expect("root may");
        }
    }

    /// As `ip` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs `program` on this host, as the process that is started.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// `ip ARGUMENTS` about this host.
    pub fn ip(&self, arguments: &str) {
        must(Command::new("ip").args(["-n", &self.name]).args(arguments.split(' ')));
    }

    /// Gives `device` a further address, such as `10.0.0.1/24`.
    pub fn add_address(&self, device: &str, address: &str) {
        self.ip(&format!("address add {address} dev {device}"));
    }

    /// Takes an address away, with the routes over it.
    pub fn remove_address(&self, device: &str, address: &str) {
        self.ip(&format!("address del {address} dev {device}"));
    }

    /// Sends everything that has no other way to `gateway`.
    pub fn route_by(&self, gateway: &str) {
        self.ip(&format!("route replace default via {gateway}"));
    }

    /// Plugs `device` in.
    pub fn set_up(&self, device: &str) {
        self.ip(&format!("link set {device} up"));
    }

    /// Unplugs `device`; what was routed over it is forgotten.
    pub fn set_down(&self, device: &str) {
        self.ip(&format!("link set {device} down"));
    }

    /// Runs `work` in a thread on this host. Sockets that it opens belong to the host.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let file =
                    File::open(Path::new("/run/netns").join(&self.name)).expect("the namespace is there");
                setns(file, CloneFlags::CLONE_NEWNET).expect("we are root");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// What `ip netns exec` puts in place of files below `/etc`.
pub fn files_of(name: &str) -> PathBuf {
    Path::new("/etc/netns").join(name)
}

/// Runs `ip`; true if it succeeds.
pub fn try_ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Runs a command that must succeed.
pub fn must(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
