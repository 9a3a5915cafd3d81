//! `fieldlink-relay`: see [`fieldlink_relay::cli`].

use std::process::ExitCode;

use clap::Parser;
use fieldlink_relay::cli::{BadConfiguration, Cli};
use nix::sys::signal::{SigSet, Signal};

fn main() -> ExitCode {
    // Where a limit keeps files from growing, writing fails as on a full disk, instead of killing.
    let mut deadly = SigSet::empty();
    deadly.add(Signal::SIGXFSZ);
    let _ = deadly.thread_block();
    match Cli::parse().run() {
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
