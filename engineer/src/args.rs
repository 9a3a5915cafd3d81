//! The command line.

mod diagnose;
mod dialogue;
mod health;
mod invite;
mod operation;
mod people;
mod report;
mod runbook;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand};
use fieldlink_protocol::limits;
use fieldlink_transport::RelayAddress;

pub use diagnose::DiagnoseArguments;
pub use dialogue::{
    AskArguments, EndArguments, NoteArguments, NoteSource, OutcomeArgument, QuietArguments, RestartArguments,
    StepArguments,
};
pub use health::HealthArguments;
pub use invite::InviteArguments;
pub use operation::OperationArguments;
pub use people::{JoinArguments, PersonArguments, ShareArguments, WatchArguments};
pub use report::ReportArguments;
pub use runbook::RunbookArguments;

use crate::exit;

const FILES: &str = "\
Files, each in the first directory of those that are set:
  connect.toml, credential  FIELDLINK_CONFIG_DIR, XDG_CONFIG_HOME/fieldlink, ~/.config/fieldlink
  wrong PINs, anchors       FIELDLINK_STATE_DIR, XDG_STATE_HOME/fieldlink, ~/.local/state/fieldlink
  open sessions             FIELDLINK_RUNTIME_DIR, XDG_RUNTIME_DIR/fieldlink, /run/user/UID/fieldlink,
                            /tmp/fieldlink-UID
Each must be yours: name another one where the environment is somebody else's (su without -, sudo -E).";

/// Connect to a scanner by the support ID and PIN that the client reads out
///
/// With an ID alone: calls the scanner, waits for the client to allow it, opens a shell, and ends the session
/// with the shell. While the session lasts, ssh, scp, sftp, rsync, git and editors use it from other
/// terminals, and so do the commands below; the same ID once more opens another shell.
///
/// Ctrl-Z and ~^Z leave the session as it is. So does a closed terminal, for five minutes: the same ID comes
/// back to it.
#[derive(Debug, Parser)]
#[command(
    name = "fieldlink-connect",
    version,
    after_help = exit::table(),
    after_long_help = format!("{}\n\n{FILES}", exit::table()),
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
    /// Show or choose the certificate that proves to a scanner who you are
    ///
    /// It is an OpenSSH user certificate, made by the manufacturer's authority (ssh-keygen -s, step-ca, Vault …). Its
    /// private key lies beside it, or is in your ssh-agent: a security key, a PIV card.
    Certificate {
        /// What to do with it.
        #[command(subcommand)]
        command: CertificateCommand,
    },
    /// Invite a client to a call: a text to forward, and an entry for calendars
    ///
    /// Prints the text, in the client's language: when, by their clock and by yours, for how long, and what they should
    /// prepare. Nothing is sent.
    Invite(InviteArguments),
    /// Connect to a scanner and open a shell on it
    Connect(ConnectArguments),
    /// Run one command on a scanner, with its exit code
    ///
    /// Uses the session that is open to the scanner, or pairs for this one command. Standard input
    /// belongs to the command; the PIN comes from the terminal or from --pin-fd.
    Run(RunArguments),
    /// Make a port that the scanner can reach available here
    ///
    /// Every user of this computer can connect to a port, also on 127.0.0.1. A socket, named by its path
    /// instead of the port, is for you alone: it is made with mode 0600 and removed at the end.
    Forward {
        /// The support ID unless one session is open, then PORT:HOST:PORT, ADDRESS:PORT:HOST:PORT or
        /// /PATH:HOST:PORT
        #[arg(required = true, value_name = "[ID] LOCAL:HOST:PORT")]
        words: Vec<String>,
    },
    /// Ask the client for more time
    ///
    /// Waits until the client has answered, which they can as long as the session lasts, and prints how long it lasts
    /// now. A session lasts 120 minutes at most. Ctrl-C takes the question back.
    Extend {
        /// The support ID, in one word or in quotes; not needed if one session is open
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// By how many minutes, 1 to 60
        #[arg(value_parser = extension_minutes())]
        minutes: u32,
        /// Why, as the client reads it; at most 500 bytes
        #[arg(required = true, value_name = "REASON")]
        reason: Vec<String>,
    },
    /// Ask the client a question
    ///
    /// Waits until the client has answered, five minutes at most, and prints the answer, and nothing else,
    /// on standard output. Without a --choice the client types it. The client is asked one thing at a time.
    /// Ctrl-C takes the question back. Your own words reach the client as yours; a ready question (--ready) in their
    /// language, and its answer is one of the names that --list shows.
    Ask(AskArguments),
    /// Ask the client to do something, and wait until they say that it is done
    ///
    /// As ask, which has ready steps, too: ask --list.
    Step(StepArguments),
    /// Tell the client that you work alone for a while
    ///
    /// They see until when, and that they should stay reachable; meanwhile the scanner does not ask whether they are
    /// there. Another one takes the place of the one before; altogether an hour at most.
    Quiet(QuietArguments),
    /// Ring the scanner: you want the client beside it
    Call {
        /// The support ID, in one word or in quotes; not needed if one session is open
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Show what the scanner knows of itself: disks, temperatures, batteries, units that failed, the maker's probes
    ///
    /// What is worth a warning comes first. The same as `fieldlink health` on the scanner, over the session.
    Health(HealthArguments),
    /// Fetch diagnostics of the scanner in one file: its health, excerpts of its logs, its maker's log files
    ///
    /// The client is asked first, unless the scanner's owner has decided. Passwords and keys that can be recognised are not in
    /// it; contents.txt lists what is. The same as `fieldlink diagnose` on the scanner.
    Diagnose(DiagnoseArguments),
    /// Start an operation of the scanner's, a system update say, and show how far it is
    ///
    /// The client is asked first. Once it runs nothing here ends it: neither the end of the session, nor Ctrl-C, nor a lost
    /// network. What you type into a shell is killed with the session; what must not be cut in half is an operation. The
    /// exit code is the operation's own.
    Operation(OperationArguments),
    /// Restart the scanner and go on with the session afterwards
    ///
    /// The client is asked, and asked again once the scanner is back. Where the session is held it then goes on by itself,
    /// without a PIN: shells are new, and time has counted on. With --power nothing restarts: the client may cut the power,
    /// to swap the battery. The scanner has a quarter of an hour to be back. Ctrl-C while it is away ends the session.
    Restart(RestartArguments),
    /// Go through a list of steps with the client: a runbook
    ///
    /// Each step does what the command of its name does, and needs the same permission. The client sees the list's title,
    /// whose it is, and which step is at hand. What came of each is compared with what was expected; branches lead on, a
    /// step that has not passed stops it, and at the end there is a checklist. Interrupted, it goes on where it was, with
    /// --resume. The exit code is 0 if every step has passed that was taken.
    Runbook(RunbookArguments),
    /// Make a note of this session, which the client reads, too
    Note(NoteArguments),
    /// Send the client a line, or show what was said
    ///
    /// Without a TEXT: prints the last hundred lines of the session, the client's and yours. What the client
    /// writes also shows where the session is held.
    Chat {
        /// The support ID, in one word or in quotes; not needed if one session is open
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// The line, at most 1000 bytes
        #[arg(value_name = "TEXT")]
        words: Vec<String>,
    },
    /// Print what the relay has signed of a session, for fieldlink verify --anchors
    ///
    /// While a session lasts the scanner has the relay sign how far its account of the session is, and the relay tells those
    /// who take part. This program keeps that, out of the scanner's hands: with it nobody can change the account later. If
    /// connect.toml names the relay's keys (anchor_keys), only what they have signed is kept.
    Anchors {
        /// The session's ID, or its beginning; without it: the sessions of which there is something
        #[arg(value_name = "SESSION")]
        session: Option<String>,
    },
    /// Show the report of a session that is over
    ///
    /// When a session is over this program fetches its report from the scanner and keeps it: the same that the client has.
    /// It is printed as a text for the support case, or goes into a file as a page.
    Report(ReportArguments),
    /// Show the sessions that are open
    Status {
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// End a session
    ///
    /// With an outcome, the client reads it before the session is over.
    End(EndArguments),
    /// Let somebody else take part in the session: --observer NAME prints a link to watch with, --engineer a join code.
    Share(ShareArguments),
    /// Have somebody leave the session who watches or has joined it.
    Remove(PersonArguments),
    /// Give the session to an engineer who has joined it: then you can leave without ending it.
    HandOver(PersonArguments),
    /// Join another engineer's session with the code that they gave you.
    Join(JoinArguments),
    /// Watch a session with a link. You need no login, and can do nothing in it.
    Watch(WatchArguments),
    /// Show how to use plain ssh, scp, git … with a scanner
    ///
    /// Prints the line that belongs at the top of ~/.ssh/config, and checks what ssh makes of it: whether a
    /// session is used as safely as fieldlink-connect uses it itself, and with the same result. With the line,
    /// these names stand for the sessions that are open: scanner (if there is one), scanner-ID, and ticket-TICKET,
    /// such as ticket-T-7. The first two never stand for another computer: without a session ssh says that there is none.
    SshConfig(SshConfigArguments),
    /// Serve a port here that leads to the scanner's SSH server, for programs that read no ssh_config
    ///
    /// Prints what such a program has to be told: host, port, user, key file and the scanner's host key, which it
    /// must check. The port is open on this computer alone, and to this user's programs alone. Ends with the
    /// session, or with Ctrl-C.
    SshPort(SshPortArguments),
    /// Hold a session (this program starts this)
    #[command(hide = true)]
    Hold,
    /// Carry one SSH connection to a scanner, for programs that can start a proxy command
    ///
    /// ssh starts this by itself. In a program that reads no ssh_config (Paramiko, AsyncSSH …) name
    /// "fieldlink-connect proxy --stdio ID" as its proxy command; "fieldlink-connect ssh-port" shows user, key and
    /// host key, which the program must check.
    Proxy {
        /// A support ID, or the path of a session's socket
        session: OsString,
        /// Copy standard input and output instead of passing the connection to ssh
        #[arg(long)]
        stdio: bool,
        /// Say why NAME stands for no session; then SESSION is the directory of all sessions
        #[arg(long, value_name = "NAME", hide = true)]
        closed: Option<String>,
    },
}

/// What to do with the engineer's certificate.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Show whom it names, who signed it, and how long it is valid
    Show,
    /// Use the certificate in FILE from now on, also when the authority writes a new one there
    Use {
        /// The file, such as ~/.ssh/id_ed25519-cert.pub
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Use none any more
    Forget,
}

/// Whom to call, and for what.
#[derive(Debug, Args)]
pub struct CallArguments {
    /// The support ID, nine digits; what stands between them does not matter
    #[arg(required = true, value_name = "ID")]
    pub id: Vec<String>,
    /// The support case, as the client will read it; asked for in a terminal, needed without one
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// The reseller who arranged the call
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Read the PIN from this file descriptor: a file, a pipe or a socket that was left open
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<i32>,
}

/// Arguments of `connect`.
#[derive(Debug, Args)]
pub struct ConnectArguments {
    /// Whom to call.
    #[command(flatten)]
    pub call: CallArguments,
    /// Open no shell: hold the session for other programs until Ctrl-C or fieldlink-connect end
    #[arg(long)]
    pub no_shell: bool,
    /// Tell what happens as JSON, one object a line; opens no shell
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `ssh-config`.
#[derive(Debug, Args)]
pub struct SshConfigArguments {
    /// Put the line at the top of ~/.ssh/config
    #[arg(long, conflicts_with = "uninstall")]
    pub install: bool,
    /// Take the line out of ~/.ssh/config
    #[arg(long)]
    pub uninstall: bool,
}

/// Arguments of `ssh-port`.
#[derive(Debug, Args)]
pub struct SshPortArguments {
    /// The support ID; not needed if one session is open
    #[arg(value_name = "ID")]
    pub id: Vec<String>,
    /// The port; one that is free, if none is named
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// One line of JSON
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

/// The whole command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

fn extension_minutes() -> RangedI64ValueParser<u32> {
    let (least, most) = limits::EXTENSION_MINUTES.into_inner();
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(most))
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
    fn words_for_the_client_are_told_from_the_id() {
        let arguments = parse(&["ask", "Is", "it green?", "--choice", "yes", "--choice", "no"]);
        let Some(Command::Ask(AskArguments { id, words, choices, .. })) = arguments.command else {
            panic!("ask")
        };
        assert_eq!(
            (id, words, choices),
            (None, vec!["Is".into(), "it green?".into()], vec!["yes".into(), "no".into()])
        );
        let arguments = parse(&["chat", "--id", "482 913 077", "572400000", "is another"]);
        let Some(Command::Chat { id, words }) = arguments.command else { panic!("chat") };
        assert_eq!(
            (id.as_deref(), words),
            (Some("482 913 077"), vec!["572400000".into(), "is another".into()])
        );
        let Some(Command::Extend { id, minutes, .. }) = parse(&["extend", "30", "one more test"]).command
        else {
            panic!("extend")
        };
        assert_eq!((id, minutes), (None, 30));
        assert!(matches!(parse(&["chat"]).command, Some(Command::Chat { words, .. }) if words.is_empty()));
    }

    /// Manual pages consist of these texts.
    #[test]
    fn everything_that_is_shown_is_explained() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(check);
        }
        let mut command = command();
        command.build();
        command.clone().debug_assert();
        check(&command);
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
            &["extend"],
            &["extend", "30"],
            &["extend", "0", "why"],
            &["extend", "61", "why"],
            &["extend", "482913077", "30", "why"],
            &["ask"],
            &["ask", "--choice", "yes"],
            &["invite", "--zone", "Europe/Berlin"],
            &["invite", "--when", "2027-01-01 10:00"],
            &["invite", "--cancel", "x.ics", "--when", "2027-01-01 10:00", "--zone", "Europe/Berlin"],
            &["invite", "--update", "x.ics", "--when", "2027-01-01 10:00"],
            &["invite", "--when", "2027-01-01 10:00", "--zone", "Europe/Berlin", "--minutes", "121"],
        ] {
            let words = [&["fieldlink-connect"], words].concat();
            assert!(Arguments::try_parse_from(words.iter()).is_err(), "{words:?}");
        }
    }
}
