//! After a session's end, from outside of it (`ExecStopPost=`): what is left of the support account is killed,
//! what it has mounted is detached, and what it has left for later is removed, as much as there is time for.
//! Only Fieldlink's own account: another one may be somebody's desktop.
//!
//! It stays in the session's unit, so it ends with that, and no other session begins before. A process of that
//! account that could still run then would be the next engineer's enemy.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use super::environment::{Account, OWN_ACCOUNT};
use super::{HostError, mounts, prepare};

/// The programs that start others later. Whoever has not installed them has nothing to remove.
const CRONTAB: &str = "/usr/bin/crontab";
const ATQ: &str = "/usr/bin/atq";
const ATRM: &str = "/usr/bin/atrm";
/// Who may not use crontab, a name a line; the package puts the account there.
const CRON_DENY: &str = "/etc/cron.deny";

/// How long jobs are removed. They are never done (PAM), so that some may wait for the next time; the end may
/// not.
const JOBS_TIME: Duration = Duration::from_millis(250);

/// Times that what is left is killed: what is being forked at one look is there at the next.
const ROUNDS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(2);

/// Jobs that one run of `atrm` removes. Not many: listing a heap of them can take longer than there is time, and those
/// that are listed already are removed meanwhile.
const BATCH: usize = 100;

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
        remove_jobs();
        let _ = done.send(());
    });
    if removing.is_ok() {
        let _ = is_done.recv_timeout(JOBS_TIME);
    }
    Ok(())
}

fn remove_jobs() {
    let denied = std::fs::read_to_string(CRON_DENY).unwrap_or_default();
    // Who may have none has none, and is written down by cron for trying.
    if !denied.lines().any(|line| line == OWN_ACCOUNT) {
        run(CRONTAB, &["-r"]);
    }
    if let Err(error) = remove_at_jobs() {
        eprintln!("fieldlink-session: could not list what at has for later: {error}");
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

/// Removes this account's jobs as they are listed: the first word of every line.
fn remove_at_jobs() -> io::Result<()> {
    let listing = Command::new(ATQ).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut listing = match listing {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listing => listing?,
    };
    let Some(output) = listing.stdout.take() else { return Ok(()) };
    let mut lines = BufReader::new(output);
    let (mut line, mut jobs) = (String::new(), Vec::new());
    while lines.read_line(&mut line)? > 0 {
        jobs.extend(job_of(&line));
        line.clear();
        if jobs.len() == BATCH || lines.buffer().is_empty() {
            remove(&mut jobs);
        }
    }
    remove(&mut jobs);
    listing.wait().map(drop)
}

fn job_of(line: &str) -> Option<String> {
    let word = line.split_whitespace().next()?;
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.to_owned())
}

fn remove(jobs: &mut Vec<String>) {
    if !jobs.is_empty() {
        run(ATRM, &jobs.iter().map(String::as_str).collect::<Vec<_>>());
        jobs.clear();
    }
}
