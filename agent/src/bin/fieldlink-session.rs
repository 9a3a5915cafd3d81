//! `fieldlink-session`: runs what the engineer starts, for the agent. See `fieldlink_agent::session_host`.

use std::process::ExitCode;

use clap::Parser;
use fieldlink_agent::session_host::{self, HostError};

/// Starts shells, commands and sftp for fieldlink-agent.
///
/// Not for use by hand: standard input is a packet socket from fieldlink-agent.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-session", version)]
struct Arguments {}

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    let result = session_host::take_socket().and_then(session_host::run);
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("fieldlink-session: {error}");
    match error {
        HostError::NoSocket => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}
