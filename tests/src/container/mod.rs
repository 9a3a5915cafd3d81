//! Computers that boot: a real systemd in a container, on a disk of its own over a root file system that
//! is never changed. A container stands on a host of the [`Lab`], whose cables it keeps over reboots.
//! It is switched off, and everything of it removed, when it is dropped, also by a panic.

mod client;
mod commands;
mod engineer;
mod journal;
mod keeper;
mod packages;
mod person;
mod places;
mod site;
mod versions;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use nix::unistd::Pid;

use crate::{Lab, Namespace};

use commands::command_in;
use keeper::Keeper;
use person::Logins;

pub use client::{Client, Pair, Watch, state_of};
pub use engineer::{Call, Engineer};
pub use journal::Entry;
pub use packages::{Package, Packages};
pub use person::{CLIENT, Person};
pub use places::Places;
pub use site::{Site, SiteOptions};

/// What a test wants to be different from the defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContainerOptions {
    /// The size of the disk (`200m`), which then lies in memory, instead of as large as the real one.
    pub disk: Option<&'static str>,
}

/// A computer with a real systemd.
pub struct Container {
    keeper: Keeper,
    leader: Pid,
    logins: Logins,
}

/// A laboratory in which containers can stand; `None`, and one line that says so, where they cannot.
pub fn laboratory() -> Option<Lab> {
    ROOTFS.as_ref()?;
    Lab::new()
}

/// The root file system, once for all tests of a program.
static ROOTFS: LazyLock<Option<PathBuf>> = LazyLock::new(|| match root_file_system() {
    Ok(path) => Some(path),
    Err(missing) => {
        // Not eprintln: a test that passes would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped  tests in containers: {missing}");
        None
    }
});

fn root_file_system() -> Result<PathBuf, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("they need root (sudo)".into());
    }
    for tool in ["systemd-nspawn", "debootstrap", "unshare"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return Err(format!("they need {tool} (tests/setup installs it)"));
        }
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/rootfs");
    let output = Command::new(script).output().map_err(|error| format!("{script}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        let said = text(&output.stderr);
        return Err(said.lines().last().unwrap_or("there is no root file system").to_owned());
    }
    Ok(text(&output.stdout).into())
}

impl Container {
    /// Boots a computer named `hostname` on `host`, and waits until it is up.
    pub fn boot(host: &Namespace, hostname: &str, options: ContainerOptions) -> Self {
        let rootfs = ROOTFS.as_ref().expect("there is a laboratory");
        let mut keeper = Keeper::start(rootfs, host, hostname, &options);
        let leader = keeper.wait_for_leader(None);
        let mut container = Self { keeper, leader, logins: Logins::default() };
        container.wait_until_up();
        container
    }

    /// Boots again, as `systemctl reboot` does, and waits until it is up. Whoever was logged in is not any more.
    pub fn reboot(&mut self) {
        self.run(&["systemctl", "reboot"]);
        self.leader = self.keeper.wait_for_leader(Some(self.leader));
        self.logins.forget();
        self.wait_until_up();
    }

    /// Goes down in order, unlike when it is dropped.
    pub fn power_off(mut self) {
        self.run(&["systemctl", "poweroff"]);
        self.keeper.wait_until_off();
    }

    fn wait_until_up(&mut self) {
        let leader = self.leader;
        self.keeper.wait_until_up(|| is_up(leader));
    }

    /// The first process, as this machine counts.
    pub fn leader(&self) -> Pid {
        self.leader
    }
}

fn is_up(leader: Pid) -> bool {
    // It waits for as long as the boot takes; only before there is a bus it fails at once.
    let output = command_in(leader, &[], &["systemctl", "is-system-running", "--wait"]).output();
    output.is_ok_and(|output| matches!(output.stdout.trim_ascii(), b"running" | b"degraded"))
}
