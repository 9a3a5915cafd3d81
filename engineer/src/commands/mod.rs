//! What each command does.

mod ask;
mod chat;
mod closed;
mod connect;
mod end;
mod forward;
mod login;
mod proxy;
mod run;
mod ssh_config;
mod ssh_port;
mod status;

use std::future::Future;
use std::path::Path;

use anyhow::Context;

use crate::args::{Arguments, Command};
use crate::exit::Failure;
use crate::platform;
use crate::progress::{Console, Progress};

/// Runs the command and returns the exit code.
pub fn run(arguments: Arguments) -> u8 {
    platform::forbid_core_dumps();
    let command = arguments.command.unwrap_or(Command::Connect(arguments.connect));
    let json = matches!(&command, Command::Connect(connect) if connect.json);
    let console = Console::new(json);
    match try_run(command, &console) {
        Ok(code) => code,
        Err(failure) => {
            console.tell(&Progress::failed(&failure));
            failure.kind.code()
        }
    }
}

fn try_run(command: Command, console: &Console) -> Result<u8, Failure> {
    match command {
        Command::Login { relay, ca_file } => block_on(login::run(relay, ca_file)),
        Command::Connect(arguments) => block_on(connect::run(&arguments, console)),
        Command::Run(arguments) => block_on(run::run(&arguments, console)),
        Command::Forward { words } => block_on(forward::run(&words, console)),
        Command::Extend { id, minutes } => ask::extend(id, minutes, console),
        Command::Ask { id, words, choices } => ask::ask(id, &words, choices, console),
        Command::Chat { id, words } => chat::run(id, &words, console),
        Command::Status { json } => status::run(json),
        Command::End { id } => end::run(&id),
        Command::SshConfig(arguments) => block_on(ssh_config::run(&arguments)),
        Command::SshPort(arguments) => block_on(ssh_port::run(&arguments, console)),
        // No runtime: ssh waits for this one, and every connection starts it.
        Command::Proxy { session, closed: Some(name), .. } => Ok(closed::run(Path::new(&session), &name)),
        Command::Proxy { session, stdio, closed: None } => Ok(proxy::run(&session, stdio)),
    }
}

/// One thread is enough for one session, and hands a keystroke over without waking another.
fn block_on(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("could not start")?.block_on(command)
}
