//! After a session's end, from outside of it (`ExecStopPost=`): what is left of the support account is killed,
//! what it has mounted is detached, and the crontab that it may have left is removed; systemd removes its at jobs,
//! which only root finds fast. Only Fieldlink's own account: the processes of another one may be a user's desktop.
//!
//! It stays in the session's unit, so it ends with that, and no other session begins before. A process of that
//! account that still ran then could attack the next engineer's session.

use std::io;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use super::environment::{Account, OWN_ACCOUNT};
use super::{HostError, mounts, prepare};

/// Where it is not installed, there is nothing to remove.
const CRONTAB: &str = "/usr/bin/crontab";
/// The accounts that may not use crontab, one a line; the package adds Fieldlink's.
const CRON_DENY: &str = "/etc/cron.deny";

/// How long removing a crontab may take. It is never used (PAM), so it may wait for the next time; the end may not.
const CRONTAB_TIME: Duration = Duration::from_millis(250);

/// Times that what is left is killed: what is being forked at one look is there at the next.
const ROUNDS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(2);

/// Kills, detaches, removes.
pub fn clean_up() -> Result<(), HostError> {
    let account = Account::of_this_process()?;
    if !account.is_fieldlinks_own() || getuid().is_root() {
        return Ok(());
    }
    for round in 0..ROUNDS {
        if round > 0 {
            thread::sleep(BETWEEN);
        }
        kill_everything().map_err(prepare)?;
    }
    mounts::detach_own();
    let (done, is_done) = mpsc::channel();
    // What it does not get done ends with this process, and is done the next time.
    let removing = thread::Builder::new().spawn(move || {
        remove_crontab();
        let _ = done.send(());
    });
    if removing.is_ok() {
        let _ = is_done.recv_timeout(CRONTAB_TIME);
    }
    Ok(())
}

fn remove_crontab() {
    let denied = std::fs::read_to_string(CRON_DENY).unwrap_or_default();
    // An account that may have none has none, and cron would log the try.
    if !denied.lines().any(|line| line == OWN_ACCOUNT) {
        run(CRONTAB, &["-r"]);
    }
}

/// Every process that this account may signal, except this one (`kill(2)`).
fn kill_everything() -> Result<(), Errno> {
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error),
    }
}

fn run(program: &str, arguments: &[&str]) {
    let outcome = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).status();
    match outcome {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => eprintln!("fieldlink-session: could not run {program}: {error}"),
    }
}
