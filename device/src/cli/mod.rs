//! `fieldlink`: the command line of whoever is beside the device. A client of the agent on the system
//! bus, and nothing more: what it may do, the agent and polkit decide.

pub mod args;
mod attended;
mod commands;
mod show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::Arguments;

/// Does what the arguments say.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("fieldlink: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let is_held = matches!(arguments.command, args::Command::Start { hold: true, .. });
    let outcome = runtime.block_on(commands::run(arguments.command));
    // A read of standard input may still block a thread; it must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            eprintln!("fieldlink: {failure}");
            if is_held {
                wait_for_enter();
            }
            failure.kind.code().into()
        }
    }
}

/// Until somebody has read what stands there.
fn wait_for_enter() {
    eprintln!("Press Enter to close this window.");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// For man pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}
