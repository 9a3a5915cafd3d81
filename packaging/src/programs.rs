//! The programs that the packages ship, and the files that go with them.

use clap::{Command, CommandFactory};

/// A program that has a command line.
pub(crate) struct Program {
    /// Its command line.
    pub(crate) command: Command,
    /// Its files, and what they are: the section FILES of its page.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

const AGENT_FILES: &[(&str, &str)] = &[
    (
        "/etc/fieldlink/agent.toml",
        "The configuration. Every setting stands there with its default, explained.",
    ),
    (
        "/usr/share/doc/fieldlink-agent/examples/",
        "What an operator may want to change, and what that gives up.",
    ),
    ("/usr/share/dbus-1/interfaces/com.navvis.Fieldlink1.xml", "The agent's interface on the system bus."),
];

const CONNECT_FILES: &[(&str, &str)] = &[
    ("~/.config/fieldlink/connect.toml", "The engineer's settings. Optional."),
    ("~/.config/fieldlink/", "The credential that login stored, readable for its owner alone."),
    (
        "~/.ssh/config",
        "OpenSSH's configuration, into which fieldlink-connect ssh-config --install puts a line.",
    ),
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
        Program { command: fieldlink_agent::client::command(), files: AGENT_FILES },
        Program { command: fieldlink_agent::service_cli::Arguments::command(), files: AGENT_FILES },
        Program { command: fieldlink_connect::args::command(), files: CONNECT_FILES },
        Program { command: fieldlink_relay::cli::Cli::command(), files: RELAY_FILES },
    ]
}
