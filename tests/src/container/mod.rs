//! Computers that boot: a real systemd in a container, on a disk of its own over a root file system that
//! is never changed. A container stands on a host of the [`Lab`](crate::Lab), whose cables it keeps over reboots.
//! It is switched off, and everything of it removed, when it is dropped, also by a panic.

mod client;
mod commands;
mod engineer;
mod installed;
mod journal;
mod keeper;
mod packages;
mod person;
mod places;
mod platform;
mod restart;
mod site;
mod versions;

use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;

use crate::Namespace;
use commands::command_in;
use keeper::Keeper;
use person::Logins;

pub use client::{Client, Pair, Watch, state_of};
pub use engineer::{Call, Engineer};
pub use journal::Entry;
pub use packages::{Package, Packages};
pub use person::{CLIENT, Person};
pub use places::Places;
pub use platform::{Platform, laboratory};
pub use restart::wait_until_back;
pub use site::{Site, SiteOptions};

/// What a test wants to be different from the defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContainerOptions {
    /// What lies on the disk over the root file system: a directory, which stays as it is.
    pub over: Option<&'static Path>,
    /// The size of the disk (`200m`), which then lies in memory, instead of as large as the real one.
    pub disk: Option<&'static str>,
}

/// A computer with a real systemd.
pub struct Container {
    keeper: Mutex<Keeper>,
    leader: AtomicI32,
    logins: Logins,
}

impl Container {
    /// Boots a computer named `hostname` on `host`, and waits until it is up.
    pub fn boot(host: &Namespace, hostname: &str, options: ContainerOptions) -> Self {
        Self::try_to_boot(host, hostname, options).unwrap_or_else(|why| panic!("{hostname}: {why}"))
    }

    /// The same where it may not boot at all.
    fn try_to_boot(host: &Namespace, hostname: &str, options: ContainerOptions) -> Result<Self, String> {
        let mut keeper = Keeper::start(platform::root(), host, hostname, &options);
        let leader = keeper.wait_for_leader(None)?;
        keeper.wait_until_up(|| is_up(leader))?;
        let (keeper, leader) = (Mutex::new(keeper), AtomicI32::new(leader.as_raw()));
        Ok(Self { keeper, leader, logins: Logins::default() })
    }

    /// Boots again, as `systemctl reboot` does, and waits until it is up. That ends every login.
    pub fn reboot(&self) {
        self.run(&["systemctl", "reboot"]);
        self.wait_for_next_boot();
    }

    /// Cuts the power, whatever it does just now, and boots again.
    pub fn cut_power(&self) {
        self.keeper().cut_power();
        self.wait_for_next_boot();
    }

    /// Waits until it, which was told to boot again, is up.
    pub fn wait_for_next_boot(&self) {
        let before = self.leader();
        let mut keeper = self.keeper();
        let again = keeper.wait_for_leader(Some(before)).and_then(|leader| {
            self.leader.store(leader.as_raw(), Ordering::SeqCst);
            self.logins.forget();
            keeper.wait_until_up(|| is_up(leader))
        });
        again.unwrap_or_else(|why| panic!("it did not boot again: {why}"));
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes down in order, unlike when it is dropped.
    pub fn power_off(self) {
        self.run(&["systemctl", "poweroff"]);
        self.keeper().wait_until_off();
    }

    /// Goes down in order; what was written is moved to `directory`.
    fn power_off_and_keep(self, directory: &Path) {
        self.run(&["systemctl", "poweroff"]);
        self.keeper().wait_until_off();
        self.keeper().move_disk(directory);
    }

    /// The first process, as this machine counts.
    pub fn leader(&self) -> Pid {
        Pid::from_raw(self.leader.load(Ordering::SeqCst))
    }
}

fn is_up(leader: Pid) -> bool {
    // It waits for as long as the boot takes; only before there is a bus it fails at once.
    let output = command_in(leader, &[], &["systemctl", "is-system-running", "--wait"]).output();
    output.is_ok_and(|output| matches!(output.stdout.trim_ascii(), b"running" | b"degraded"))
}
