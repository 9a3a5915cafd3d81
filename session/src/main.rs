//! `fieldlink-session`: runs what the engineer starts, for the agent. See `fieldlink_session::host`.

use std::process::ExitCode;

use clap::Parser;
use fieldlink_session::host::{self, HostError, Setting};

/// Starts shells, commands and sftp for fieldlink-agent.
///
/// Not for use by hand: standard input is a packet socket from fieldlink-agent.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-session", version)]
struct Arguments {
    /// Started by systemd, under the support account.
    #[arg(long, conflicts_with = "clean_up")]
    service: bool,
    /// End what a session of the support account has left, for now and for later.
    #[arg(long)]
    clean_up: bool,
}

fn main() -> ExitCode {
    // First of all: programs of the session have the same user, and none may take anything out of here, or put
    // anything in (`ptrace(2)`, `pidfd_getfd(2)`). What it starts is ordinary again (`execve(2)`).
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        eprintln!("fieldlink-session: could not make the process undumpable: {error}");
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::parse();
    let setting = if arguments.service { Setting::Service } else { Setting::Child };
    let result = if arguments.clean_up {
        host::clean_up()
    } else {
        host::take_socket().and_then(|socket| host::run(socket, setting))
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
