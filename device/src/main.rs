//! `fieldlink`: see [`fieldlink_device::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // It may read a PIN.
    if let Err(error) = fieldlink_device::hardening::keep_memory_private() {
        eprintln!("fieldlink: {error:#}");
        return ExitCode::FAILURE;
    }
    fieldlink_device::cli::run()
}
