//! `fieldlink`: the command line of the user beside the device. A client of the agent on the system
//! bus, and nothing more: what it may do, the agent and polkit decide.

pub mod args;
mod attended;
mod commands;
mod diagnose;
mod health;
mod receipt;
mod records;
mod show;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use tokio::time::timeout;

use self::args::Arguments;
use crate::client::{self, Device};
use crate::failure::Failure;
use crate::words::Words;

/// How long the agent may take to say its language; everything else has more patience.
const LANGUAGE: Duration = Duration::from_millis(500);

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
    let (outcome, words) = runtime.block_on(carry_out(arguments.command));
    // A read of standard input may still block a thread; it must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            eprintln!("fieldlink: {}", failure.text(&words));
            if is_held {
                wait_for_enter(&words);
            }
            failure.kind.code().into()
        }
    }
}

/// Carries out a command, and returns the words to report the outcome in.
async fn carry_out(command: args::Command) -> (Result<u8, Failure>, Words) {
    // An end waits for nothing, least of all for the language that it is confirmed in.
    if let Some((order, confirmation)) = commands::stop_of(&command) {
        let (stopped, words) = tokio::join!(client::stop_now(order), words());
        return (stopped.and_then(|()| show::done(words.say(confirmation))), words);
    }
    let words = words().await;
    (commands::run(&words, command).await, words)
}

/// The words of the language that the agent is set to, or else of the locale here.
async fn words() -> Words {
    let set = async { Device::connect().await?.language().await };
    match timeout(LANGUAGE, set).await {
        Ok(Ok(Some(language))) => Words::new(language),
        _ => Words::of_environment(),
    }
}

/// Keeps the window open until the client has read the message.
fn wait_for_enter(words: &Words) {
    eprintln!("{}", words.say("window-press-enter"));
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// For man pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}
