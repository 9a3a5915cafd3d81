//! `run`: one command on a scanner, with its exit code.

use std::process::Command;

use anyhow::Context;
use fieldlink_protocol::reason::Reason;
use tokio::time::timeout;

use super::connect::{Prepared, REASON, SSH_FAILED, code_of, over, prepare, reason, refuse};
use crate::args::RunArguments;
use crate::call::parse_id;
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::pin_entry::PinEntry;
use crate::platform::{Signal, Terminal};
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::session::{Session, Stop, Stops, Way, open};
use crate::ssh_child::{Happened, SshChild, as_shell};
use crate::{ssh_client, ssh_config};

pub(super) async fn run(arguments: &RunArguments, console: &Console) -> Result<u8, Failure> {
    let id = parse_id(&arguments.call.id)?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    if runtime.sessions()?.contains(&id) {
        let config = runtime.session(id).join("ssh_config");
        let ssh = command(ssh_client::command(&config, &ssh_config::alias(id)), arguments);
        let code = in_living_session(ssh).await?;
        if code == SSH_FAILED && !runtime.sessions()?.contains(&id) {
            return Err(Failure::new(Kind::SessionOver, "the session is over"));
        }
        return Ok(code);
    }
    in_own_session(arguments, console).await
}

/// `ssh`, and behind it what it shall run.
fn command(mut ssh: Command, arguments: &RunArguments) -> Command {
    ssh.arg("--").args(&arguments.command);
    ssh
}

async fn in_living_session(ssh: Command) -> Result<u8, Failure> {
    let (mut stops, _end) = Stops::new().context("could not watch for signals")?;
    let mut ssh = SshChild::spawn(ssh)?;
    loop {
        tokio::select! {
            biased;
            code = ssh.exited() => return Ok(code?),
            stop = stops.next() => match stop {
                // It reached ssh as well.
                Stop::Signal(Signal::Interrupt) => {}
                stop => {
                    ssh.stop().await;
                    return Ok(code_of(stop));
                }
            },
        }
    }
}

async fn in_own_session(arguments: &RunArguments, console: &Console) -> Result<u8, Failure> {
    let Prepared { desk, call, restart } = prepare(&arguments.call, Terminal::open().ok(), console).await?;
    let (mut stops, end) = Stops::new().context("could not watch for signals")?;
    let opened = match restart {
        Some(restart) => open(&desk, &call, Way::Back(restart), console, (&mut stops, end)).await,
        None => {
            let mut pins = PinEntry::for_run(arguments.call.pin_fd)?;
            open(&desk, &call, Way::New(&mut pins), console, (&mut stops, end)).await
        }
    };
    let session = match opened {
        Ok(session) => session,
        Err(not_opened) => return refuse(not_opened, console),
    };
    let ssh = as_shell(ssh_client::command(&session.ssh_config(), &session.alias()));
    to_its_end(session, command(ssh, arguments), stops, console).await
}

async fn to_its_end(
    mut session: Session,
    ssh: Command,
    mut stops: Stops,
    console: &Console,
) -> Result<u8, Failure> {
    console.hush(true);
    let mut ssh = SshChild::spawn(ssh)?;
    let happened = ssh.follow(&mut session, &mut stops, console).await;
    console.hush(false);
    match happened? {
        Happened::Exited(SSH_FAILED) => match timeout(REASON, session.ended(console)).await {
            Ok(end) => over(session, &end, console).await,
            Err(_) => ended(session, Reason::EngineerEnded, SSH_FAILED).await,
        },
        Happened::Exited(code) => ended(session, Reason::EngineerEnded, code).await,
        Happened::Over(end) => {
            ssh.stop().await;
            over(session, &end, console).await
        }
        Happened::Stopped(stop) => {
            let code = ended(session, reason(stop), code_of(stop)).await;
            ssh.stop().await;
            code
        }
    }
}

async fn ended(session: Session, reason: Reason, code: u8) -> Result<u8, Failure> {
    session.end(reason).await?;
    Ok(code)
}
