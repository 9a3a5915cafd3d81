//! `fieldlink-relay`: see [`fieldlink_relay::cli`].

use std::process::ExitCode;

use clap::Parser;
use fieldlink_relay::cli::{BadConfiguration, Cli};

fn main() -> ExitCode {
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
