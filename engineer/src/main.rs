//! `fieldlink-connect`: the engineer's program.

use std::process::ExitCode;

use clap::Parser;
use fieldlink_connect::{args::Arguments, commands};

fn main() -> ExitCode {
    ExitCode::from(commands::run(Arguments::parse()))
}
