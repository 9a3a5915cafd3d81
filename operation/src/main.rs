//! `fieldlink-operation`: the main process of a unit that does an operation. See `fieldlink_operation`.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fieldlink_operation::record::{DIRECTORY, Stage};
use fieldlink_operation::run::{Operation, Outcome};
use fieldlink_protocol::messages::operation::OperationEnd;

/// Runs an operation of the scanner's for fieldlink-agent, and keeps the record of it
///
/// For ExecStart= of a unit, see fieldlink-agent(1). Standard input is a packet socket from fieldlink-agent, unless
/// --continue is given. PROGRAM reads the file that came with the request from its standard input, if FIELDLINK_HAS_FILE
/// is 1: a sealed copy, which it must verify itself. Each line that it prints is shown on both sides. "::fieldlink
/// progress 42" says how many percent are done (as do lines of APT::Status-Fd), "::fieldlink restart" that the device is
/// to be restarted, "::fieldlink continues" that a unit goes on after the restart, with --continue.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-operation", version)]
struct Arguments {
    /// Go on with the operation that wanted to, now that the device has restarted; does nothing if there is none.
    #[arg(long)]
    r#continue: bool,
    /// The directory of the record
    #[arg(long, value_name = "DIRECTORY", default_value = DIRECTORY)]
    records: PathBuf,
    /// The operation's name, as in agent.toml
    name: String,
    /// The program that does it, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(Outcome::Ran(Stage::Over { end: OperationEnd::Failed { code } })) => code.into(),
        Ok(Outcome::Ran(Stage::Over { end: OperationEnd::Killed { .. } })) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldlink-operation: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { r#continue, records, name, command }: Arguments) -> anyhow::Result<Outcome> {
    let operation = Operation { name, command, records };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("could not start")?;
    runtime.block_on(async {
        if r#continue {
            return operation.go_on().await;
        }
        let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned().context("there is no socket")?;
        operation.serve(&socket).await
    })
}
