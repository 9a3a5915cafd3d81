//! What each command does.

mod accepting;
mod anchors;
mod announce;
mod ask;
mod certificate;
mod chat;
mod choosing;
mod closed;
mod connect;
mod diagnose;
mod end;
mod forward;
mod health;
mod invite;
mod join;
mod login;
mod operation;
mod people;
mod proxy;
mod report;
mod run;
mod runbook;
mod ssh_config;
mod ssh_port;
mod status;
mod subsystem;
mod watch;

use std::future::Future;
use std::path::Path;

use anyhow::Context;

use crate::args::{Arguments, Command};
use crate::exit::Failure;
use crate::holder;
use crate::platform::{self, LineInput};
use crate::progress::{Console, Progress};
use crate::words::say;

/// Runs the command and returns the exit code.
pub fn run(arguments: Arguments) -> u8 {
    platform::keep_memory_private();
    let command = arguments.command.unwrap_or(Command::Connect(arguments.connect));
    let json = match &command {
        Command::Connect(connect) => connect.json,
        Command::Join(join) => join.json,
        _ => false,
    };
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
        Command::Invite(arguments) => invite::run(&arguments),
        Command::Certificate { command } => certificate::run(&command),
        // A descriptor is taken over before this program opens any of its own.
        Command::Connect(arguments) => {
            let pin = pin_input(arguments.call.pin_fd)?;
            block_on(connect::run(&arguments, pin, console))
        }
        Command::Run(arguments) => {
            let pin = pin_input(arguments.call.pin_fd)?;
            block_on(run::run(&arguments, pin, console))
        }
        Command::Forward { words } => block_on(forward::run(&words, console)),
        Command::Extend { id, minutes, reason } => ask::extend(id, minutes, &reason, console),
        Command::Ask(arguments) => ask::ask(arguments, console),
        Command::Step(arguments) => ask::step(arguments, console),
        Command::Quiet(arguments) => announce::quiet(arguments),
        Command::Call { id } => announce::call(id),
        Command::Health(arguments) => block_on(health::run(arguments)),
        Command::Diagnose(arguments) => block_on(diagnose::run(arguments, console)),
        Command::Operation(arguments) => block_on(operation::run(arguments, console)),
        Command::Restart(arguments) => ask::restart(arguments, console),
        Command::Runbook(arguments) => block_on(runbook::run(arguments, console)),
        Command::Note(arguments) => announce::note(arguments),
        Command::Chat { id, words } => chat::run(id, &words, console),
        Command::Share(arguments) => people::share(arguments, console),
        Command::Remove(arguments) => people::remove(arguments),
        Command::HandOver(arguments) => people::hand_over(arguments),
        Command::Join(arguments) => {
            let pin = pin_input(arguments.pin_fd)?;
            block_on(join::run(&arguments, pin, console))
        }
        Command::Watch(arguments) => block_on(watch::run(arguments)),
        Command::Anchors { session } => anchors::run(session.as_deref()),
        Command::Report(arguments) => report::run(&arguments),
        Command::Status { json } => status::run(json),
        Command::End(arguments) => block_on(end::run(&arguments)),
        Command::SshConfig(arguments) => block_on(ssh_config::run(&arguments)),
        Command::SshPort(arguments) => block_on(ssh_port::run(&arguments, console)),
        Command::Hold => {
            platform::follow_parent();
            block_on(async { Ok(holder::run().await) })
        }
        // No runtime: ssh waits for this one, and every connection starts it.
        Command::Proxy { session, closed: Some(name), .. } => Ok(closed::run(Path::new(&session), &name)),
        Command::Proxy { session, stdio, closed: None } => Ok(proxy::run(&session, stdio)),
    }
}

fn pin_input(descriptor: Option<i32>) -> Result<Option<LineInput>, Failure> {
    let taken = descriptor.map(|number| {
        LineInput::descriptor(number).map_err(|error| {
            let (number, error) = (number.to_string(), error.to_string());
            Failure::usage(say!("pin-unreadable-on-descriptor", number = number, error = error))
        })
    });
    taken.transpose()
}

/// One thread is enough for one session, and hands a keystroke over without waking another.
fn block_on(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.with_context(|| say!("not-started"))?;
    let outcome = runtime.block_on(command);
    // A name server that does not answer may still block a thread; it must not hold up the end.
    runtime.shutdown_background();
    outcome
}
