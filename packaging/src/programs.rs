//! The programs that the packages ship, and the files that go with them.

use clap::{Command, CommandFactory};

/// A program that has a command line.
pub(crate) struct Program {
    /// Its command line.
    pub(crate) command: Command,
    /// Its files, and what they are: the section FILES of its page.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

const CONNECT_FILES: &[(&str, &str)] = &[
    ("~/.config/fieldlink/connect.toml", "The engineer's settings. Optional."),
    ("~/.config/fieldlink/", "The credential that login stored, readable for its owner alone."),
    ("/usr/share/doc/fieldlink-connect/examples/connect.toml", "Every setting with its default, explained."),
];

const RELAY_FILES: &[(&str, &str)] = &[
    (
        "/etc/fieldlink/relay.toml",
        "The configuration. Every setting stands there with its default, explained.",
    ),
    ("/etc/fieldlink/relay.crt", "The certificate chain. Readable for all."),
    ("/etc/fieldlink/relay.key", "Its private key. Root's alone: the service manager hands it over."),
    ("/var/lib/fieldlink-relay/", "Engineers, the audit log and ticket keys."),
];

/// All of them.
pub(crate) fn all() -> Vec<Program> {
    vec![
        Program { command: fieldlink_connect::args::Arguments::command(), files: CONNECT_FILES },
        Program { command: fieldlink_relay::cli::Cli::command(), files: RELAY_FILES },
    ]
}
