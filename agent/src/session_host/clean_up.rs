//! After a session's end, from outside of it: what is left of the support account is killed and what it has
//! mounted is detached, at once (`ExecStopPost=`); what could bring it back to life is removed, in a unit of
//! its own, because there may be much of it. Only Fieldlink's own account: another one may be somebody's
//! desktop.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use super::environment::Account;
use super::{HostError, mounts, prepare};

/// The programs that start others later. Whoever has not installed them has nothing to remove.
const CRONTAB: &str = "/usr/bin/crontab";
const ATQ: &str = "/usr/bin/atq";
const ATRM: &str = "/usr/bin/atrm";

/// Times that what is left is killed: what is being forked at one look is there at the next.
const ROUNDS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(2);

/// Jobs that one run of `atrm` removes: an argument list has an end.
const BATCH: usize = 100;

/// Kills and detaches.
pub fn clean_up() -> Result<(), HostError> {
    if !is_to_be_cleared()? {
        return Ok(());
    }
    for round in 0..ROUNDS {
        if round > 0 {
            std::thread::sleep(BETWEEN);
        }
        kill_everything().map_err(prepare)?;
    }
    mounts::detach_own();
    Ok(())
}

/// Removes what the account has left for cron and at.
pub fn remove_leftovers() -> Result<(), HostError> {
    if !is_to_be_cleared()? {
        return Ok(());
    }
    run(CRONTAB, &["-r"]);
    for batch in at_jobs().chunks(BATCH) {
        run(ATRM, &batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    Ok(())
}

fn is_to_be_cleared() -> Result<bool, HostError> {
    Ok(Account::of_this_process()?.is_fieldlinks_own() && !getuid().is_root())
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

/// The numbers of this account's jobs: the first word of every line.
fn at_jobs() -> Vec<String> {
    let output = Command::new(ATQ).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}
