//! `fieldlink-relay`: see [`fieldlink_relay::cli`].

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use fieldlink_relay::cli::{BadConfiguration, Cli};
use nix::sys::signal::{SigSet, Signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Where a limit keeps files from growing, writing fails as on a full disk, instead of killing.
    let mut deadly = SigSet::empty();
    deadly.add(Signal::SIGXFSZ);
    let _ = deadly.thread_block();
    let filter = EnvFilter::try_from_env("FIELDLINK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).init();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldlink-relay: {error:#}");
            match error.is::<BadConfiguration>() {
                true => BadConfiguration::EXIT_CODE.into(),
                false => ExitCode::FAILURE,
            }
        }
    }
}
