//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fieldlink_protocol::transport::RelayAddress;

use crate::exit;

/// Connects to a scanner by the support ID and PIN that the client reads out.
#[derive(Debug, Parser)]
#[command(
    name = "fieldlink-connect",
    version,
    after_help = exit::table(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without a command: connect.
    #[command(flatten)]
    pub connect: ConnectArguments,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store the credential that the relay's operator handed over
    Login {
        /// The relay, as wss://HOST or wss://HOST:PORT
        #[arg(long, value_name = "URL")]
        relay: RelayAddress,
        /// Trust the certificates in this file (PEM) and no others
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// Connect to a scanner and open a shell on it
    Connect(ConnectArguments),
    /// Run one command on a scanner, with its exit code
    ///
    /// Uses the session that is open to the scanner, or pairs for this one command. Standard input
    /// belongs to the command; the PIN comes from the terminal or from --pin-fd.
    Run(RunArguments),
    /// Make a port that the scanner can reach available here
    Forward {
        /// The support ID unless one session is open, then PORT:HOST:PORT or ADDRESS:PORT:HOST:PORT
        #[arg(required = true, value_name = "[ID] LOCAL:HOST:PORT")]
        words: Vec<String>,
    },
    /// Show the sessions that are open
    Status {
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// End a session
    End {
        /// The support ID; not needed if one session is open
        #[arg(value_name = "ID")]
        id: Vec<String>,
    },
    /// Show how to use plain ssh, scp, git … with a scanner
    SshConfig,
    /// Carry one SSH connection (ssh starts this)
    #[command(hide = true)]
    Proxy {
        /// A support ID, or the path of a session's socket
        session: OsString,
        /// Copy standard input and output instead of passing the connection to ssh
        #[arg(long)]
        stdio: bool,
    },
}

/// Whom to call, and for what.
#[derive(Debug, Args)]
pub struct CallArguments {
    /// The support ID, nine digits; spaces, dashes and dots do not matter
    #[arg(required = true, value_name = "ID")]
    pub id: Vec<String>,
    /// The support case, as the client will read it
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// The reseller who arranged the call
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Read the PIN from this file descriptor
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<i32>,
}

/// Arguments of `connect`.
#[derive(Debug, Args)]
pub struct ConnectArguments {
    /// Whom to call.
    #[command(flatten)]
    pub call: CallArguments,
    /// Open no shell: hold the session for other programs until Ctrl-C or `end`
    #[arg(long)]
    pub no_shell: bool,
    /// Tell what happens as JSON, one object a line; opens no shell
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Whom to call.
    #[command(flatten)]
    pub call: CallArguments,
    /// What to run, as ssh would
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Arguments {
        Arguments::try_parse_from([&["fieldlink-connect"], words].concat()).expect("good arguments")
    }

    #[test]
    fn an_id_alone_means_connect() {
        let arguments = parse(&["482", "913", "077", "--ticket", "T-1", "--no-shell"]);
        assert!(arguments.command.is_none());
        assert_eq!(arguments.connect.call.id, ["482", "913", "077"]);
        assert_eq!(arguments.connect.call.ticket.as_deref(), Some("T-1"));
        assert!(arguments.connect.no_shell && !arguments.connect.json);
        assert!(matches!(parse(&["connect", "482913077"]).command, Some(Command::Connect(_))));
    }

    #[test]
    fn what_follows_the_dashes_is_the_command() {
        let arguments = parse(&["run", "482 913 077", "--pin-fd", "3", "--", "ls", "-l", "--", "x"]);
        let Some(Command::Run(run)) = arguments.command else { panic!("run") };
        assert_eq!(run.call.pin_fd, Some(3));
        assert_eq!(run.command, ["ls", "-l", "--", "x"]);
    }

    #[test]
    fn wrong_use_is_refused() {
        for words in [
            &[][..],
            &["connect"],
            &["run", "482913077"],
            &["login"],
            &["login", "--relay", "ws://plain.example"],
            &["482913077", "--pin", "1234"],
            &["forward"],
        ] {
            let words = [&["fieldlink-connect"], words].concat();
            assert!(Arguments::try_parse_from(words.iter()).is_err(), "{words:?}");
        }
    }
}
