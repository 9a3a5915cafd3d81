//! `fieldlink`: see [`fieldlink_agent::client`].

use std::process::ExitCode;

fn main() -> ExitCode {
    fieldlink_agent::client::run()
}
