//! `fieldlink-session`: runs what the engineer starts, for the agent. See `fieldlink_agent::session_host`.

use std::process::ExitCode;

use clap::Parser;
use fieldlink_agent::session_host::{self, HostError, Setting};

/// Starts shells, commands and sftp for fieldlink-agent.
///
/// Not for use by hand: standard input is a packet socket from fieldlink-agent.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-session", version)]
struct Arguments {
    /// Started by systemd, under the support account.
    #[arg(long, conflicts_with_all = ["clean_up", "leftovers"])]
    service: bool,
    /// Kill what a session of the support account has left, and detach what it has mounted.
    #[arg(long, conflicts_with = "leftovers")]
    clean_up: bool,
    /// Remove what the support account has left for cron and at.
    #[arg(long)]
    leftovers: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let setting = if arguments.service { Setting::Service } else { Setting::Child };
    let result = if arguments.clean_up {
        session_host::clean_up()
    } else if arguments.leftovers {
        session_host::remove_leftovers()
    } else {
        session_host::take_socket().and_then(|socket| session_host::run(socket, setting))
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("fieldlink-session: {error}");
    match error {
        HostError::NoSocket => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}
