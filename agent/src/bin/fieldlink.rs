//! `fieldlink`: see [`fieldlink_agent::client`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // It may read a PIN.
    if let Err(error) = fieldlink_agent::hardening::keep_memory_private() {
        eprintln!("fieldlink: {error:#}");
        return ExitCode::FAILURE;
    }
    fieldlink_agent::client::run()
}
