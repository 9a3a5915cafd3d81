//! After a session's end, from outside of it (`ExecStopPost=`): what could bring the support account back to
//! life is removed, what is left of it is killed, and what it has mounted is detached. Only Fieldlink's own account: another one may be
//! somebody's desktop.

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

/// Removes and kills.
pub fn clean_up() -> Result<(), HostError> {
    let account = Account::of_this_process()?;
    if !account.is_fieldlinks_own() || getuid().is_root() {
        return Ok(());
    }
    // First what lives, then what would start more, then what that has started meanwhile.
    kill_everything().map_err(prepare)?;
    run(CRONTAB, &["-r"]);
    let jobs = at_jobs();
    if !jobs.is_empty() {
        run(ATRM, &jobs.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for _ in 0..ROUNDS {
        kill_everything().map_err(prepare)?;
        std::thread::sleep(BETWEEN);
    }
    mounts::detach_own();
    Ok(())
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
