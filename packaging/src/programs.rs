//! The programs that the packages ship, and the files that go with them.

use clap::{Command, CommandFactory};

/// A program that has a command line.
pub(crate) struct Program {
    /// Its command line.
    pub(crate) command: Command,
    /// Its files, and what they are: the section FILES of its page.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Command lines, and what they do: the section EXAMPLES.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Pages of other packages that help to use it.
    pub(crate) related: &'static [&'static str],
}

const AGENT_FILES: &[(&str, &str)] = &[
    ("/etc/fieldlink/agent.toml", "The configuration. No upgrade changes it."),
    ("/usr/share/fieldlink/agent.toml", "Every setting with its default, explained. Not read: to look up."),
    (
        "/usr/share/doc/fieldlink-agent/examples/",
        "What an operator may want to change, and what that gives up.",
    ),
    ("/usr/share/dbus-1/interfaces/com.navvis.Fieldlink1.xml", "The agent's interface on the system bus."),
];

const CONNECT_FILES: &[(&str, &str)] = &[
    (
        "~/.config/fieldlink/connect.toml",
        "The relay, and the engineer's settings. login writes it; without it nothing can be called. In \
         $FIELDLINK_CONFIG_DIR or $XDG_CONFIG_HOME/fieldlink where one of them is set.",
    ),
    ("~/.config/fieldlink/credential", "The credential that login stored, readable for its owner alone."),
    (
        "~/.local/state/fieldlink/guesses",
        "Wrong PINs of the last hour. In $FIELDLINK_STATE_DIR or $XDG_STATE_HOME/fieldlink where one of them \
         is set.",
    ),
    (
        "$XDG_RUNTIME_DIR/fieldlink/",
        "The sessions that are open, for this user alone: keys, sockets and the ssh_config that \
         fieldlink-connect ssh-config shows how to include. In $FIELDLINK_RUNTIME_DIR if that is set; without \
         a login of systemd's in /tmp/fieldlink-UID.",
    ),
    (
        "~/.ssh/config",
        "OpenSSH's configuration, into which fieldlink-connect ssh-config --install puts a line.",
    ),
    ("/usr/share/doc/fieldlink-connect/examples/connect.toml", "Every setting with its default, explained."),
];

const CONNECT_EXAMPLES: &[(&str, &str)] = &[
    (
        "fieldlink-connect login --relay wss://relay.example.com",
        "Once: stores the credential that is pasted, after the relay has accepted it.",
    ),
    (
        "fieldlink-connect 482 913 077 --ticket T-7",
        "Calls the scanner and opens a shell; the PIN is asked for. In another terminal the same opens one more \
         shell, and after a closed terminal it comes back to the session.",
    ),
    ("fieldlink-connect run 482913077 --ticket T-7 -- journalctl -b", "Runs one command."),
    (
        "fieldlink-connect forward 8080:localhost:80",
        "Shows a page of the scanner's at http://localhost:8080.",
    ),
    (
        "fieldlink-connect forward $XDG_RUNTIME_DIR/web:localhost:80",
        "The same by a socket that no other user of this computer can reach.",
    ),
    ("fieldlink-connect ask \"Is the light green?\" --choice yes --choice no", "Prints the client's answer."),
];

const RELAY_FILES: &[(&str, &str)] = &[
    ("/etc/fieldlink/relay.toml", "The configuration. No upgrade changes it."),
    ("/usr/share/fieldlink/relay.toml", "Every setting with its default, explained. Not read: to look up."),
    ("/etc/fieldlink/relay.crt", "The certificate chain. Readable for all."),
    ("/etc/fieldlink/relay.key", "Its private key. Root's alone: the service manager hands it over."),
    ("/var/lib/fieldlink-relay/", "Engineers, the audit log and ticket keys."),
];

/// Every program that gets man pages and completions.
pub(crate) fn all() -> Vec<Program> {
    vec![
        Program {
            command: fieldlink_device::cli::command(),
            files: AGENT_FILES,
            examples: &[],
            related: &["fieldlink-agent(1)"],
        },
        Program {
            command: fieldlink_agent::args::Arguments::command(),
            files: AGENT_FILES,
            examples: &[],
            related: &["fieldlink(1)"],
        },
        Program {
            command: fieldlink_connect::args::command(),
            files: CONNECT_FILES,
            examples: CONNECT_EXAMPLES,
            related: &["ssh(1)", "ssh_config(5)", "fieldlink-relay(1)"],
        },
        Program {
            command: fieldlink_relay::cli::Cli::command(),
            files: RELAY_FILES,
            examples: &[],
            related: &["fieldlink-connect(1)"],
        },
    ]
}
