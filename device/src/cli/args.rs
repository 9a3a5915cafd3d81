//! The arguments of `fieldlink`.

use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Parser, Subcommand};
use fieldlink_protocol::limits;

use crate::failure;
use crate::verdict::Verdict;
use crate::words::Language;

/// Remote access to this device: start it, read out support ID and PIN, decide who comes in
#[derive(Debug, Parser)]
#[command(name = "fieldlink", version, after_help = failure::table(), arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show whether remote access is on, who is connected, and for how long
    Status {
        /// Go on, and show every change
        #[arg(long)]
        watch: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Switch remote access on and show the support ID and PIN to read out
    ///
    /// In a terminal it stays: it shows what happens, asks whether an engineer may come in, and passes on
    /// what is typed. Elsewhere it returns once an engineer could connect.
    Start {
        /// Return at once also in a terminal
        #[arg(long)]
        no_wait: bool,
        /// Should it fail, wait for Enter before leaving, so that a window does not close over the reason
        #[arg(long, conflicts_with = "no_wait")]
        hold: bool,
    },
    /// Switch remote access off; a session ends
    Stop,
    /// Show the support ID and PIN again
    Credentials {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say yes to the open question: let the engineer in, or give more time
    Allow(QuestionArgument),
    /// Say that what you were asked to do is done
    Done(QuestionArgument),
    /// Say no to the open question
    Refuse(QuestionArgument),
    /// End the session
    End,
    /// Give the session more time, up to two hours altogether
    Extend {
        /// How many minutes more
        #[arg(default_value_t = 30, value_parser = minutes())]
        minutes: u32,
    },
    /// Say something to the engineer
    Chat {
        /// What to say
        #[arg(required = true, value_name = "TEXT")]
        words: Vec<String>,
    },
    /// Answer the engineer's question: with words, or with the number of a choice
    Answer {
        /// The answer
        #[arg(required = true, value_name = "TEXT")]
        words: Vec<String>,
        /// The question that is meant, as `status --json` names it, if it is open still
        #[arg(long, value_name = "ID")]
        question: Option<String>,
    },
    /// Watch what the engineer's terminals show, as it happens
    ///
    /// In a terminal: a picture; n shows the next terminal, q leaves. Elsewhere: lines of text. Watching never holds up
    /// the engineer; what comes too fast is left out, and it says how much.
    Watch {
        /// The events as they come, one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Say whether the session that is over has helped
    Verdict {
        /// Whether the problem is solved
        verdict: VerdictArgument,
        /// What you want to say about it
        #[arg(value_name = "TEXT")]
        words: Vec<String>,
    },
    /// Have somebody leave the session: another engineer, or one who watches
    Remove {
        /// The name that the status shows.
        #[arg(required = true, value_name = "NAME")]
        words: Vec<String>,
    },
    /// Say that somebody is beside the device
    Here,
    /// Check the network and say whether it is good enough
    ///
    /// The exit code is 0 for N0 only; 11 to 24 stand for N1 to N14.
    Network {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how this device is: disks, temperatures, batteries, services, and what its maker's probes say
    ///
    /// What is worth a warning comes first. It takes some seconds.
    Health {
        /// Go on, and show it anew every few seconds
        #[arg(long)]
        watch: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Save diagnostics for the support service in one file, without a session and without a network
    ///
    /// How this device is, excerpts of its journal, and its maker's log files, as a tar archive (.tar.zst). Passwords and keys
    /// that can be recognised are left out; contents.txt in it lists what was taken.
    Diagnose(DiagnoseArguments),
    /// What was recorded of sessions.
    #[command(flatten)]
    Records(RecordCommand),
    /// Check a record that was exported with `record`, on any computer
    Verify(VerifyArguments),
    /// Show the versions of this program and of the service
    Version,
}

/// What to do with the records of sessions.
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// List what was recorded of sessions on this device
    Records {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the report of a session: who did what, and when
    ///
    /// As a text, or with -o as a page for any browser, which plays what the engineer's terminals showed.
    Report {
        /// The session, or how its ID begins; the latest, if none is named
        session: Option<String>,
        /// Write it to this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// As a text
        #[arg(long, conflicts_with = "json")]
        text: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// In this language, rather than that of this program
        #[arg(long)]
        language: Option<LanguageArgument>,
    },
    /// Export the record of a session, to be kept or checked elsewhere
    Record {
        /// The session, or how its ID begins
        session: String,
        /// Into this directory, which is made
        #[arg(long, short, value_name = "DIR")]
        output: PathBuf,
    },
    /// Show what to photograph, to know later that nothing in a record was changed
    Receipt {
        /// The session, or how its ID begins; the latest that is over, if none is named
        session: Option<String>,
    },
    /// Show the public key that signs the records of this device
    DeviceKey,
    /// Delete the record of a session
    DeleteRecord {
        /// The session, or how its ID begins
        session: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Delete what all sessions have left on this device, before somebody else gets it
    Forget {
        /// All of it
        #[arg(long, required = true)]
        all: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Where diagnostics are saved.
#[derive(Debug, clap::Args)]
pub struct DiagnoseArguments {
    /// To this file, or into this directory; without it, here
    #[arg(long, short, value_name = "PATH", conflicts_with = "usb")]
    pub output: Option<PathBuf>,
    /// To the USB stick that is in
    #[arg(long)]
    pub usb: bool,
}

/// What to check, and what is known of it from elsewhere.
#[derive(Debug, clap::Args)]
pub struct VerifyArguments {
    /// The directory with the record
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// A file with what the support service has signed, kept outside of the record
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// The twelve words of the receipt, in quotation marks
    #[arg(long, value_name = "WORDS")]
    pub receipt: Option<String>,
    /// A file with the device's public key
    #[arg(long, value_name = "FILE")]
    pub device_key: Option<PathBuf>,
    /// A file with a public key of the support service; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub anchor_key: Vec<PathBuf>,
}

/// A language that reports are made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LanguageArgument {
    /// English
    En,
    /// German
    De,
}

impl From<LanguageArgument> for Language {
    fn from(argument: LanguageArgument) -> Self {
        match argument {
            LanguageArgument::En => Self::English,
            LanguageArgument::De => Self::German,
        }
    }
}

/// Whether a session has helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VerdictArgument {
    /// The problem is gone
    Solved,
    /// Some of it is
    Partly,
    /// It is as it was
    Not,
}

impl From<VerdictArgument> for Verdict {
    fn from(argument: VerdictArgument) -> Self {
        match argument {
            VerdictArgument::Solved => Self::Solved,
            VerdictArgument::Partly => Self::Partly,
            VerdictArgument::Not => Self::Not,
        }
    }
}

/// What an extension may be.
fn minutes() -> RangedI64ValueParser<u32> {
    let (least, most) = limits::EXTENSION_MINUTES.into_inner();
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(most))
}

/// Which question is meant.
#[derive(Debug, clap::Args)]
pub struct QuestionArgument {
    /// The question that is meant, as `status --json` names it, if it is open still
    #[arg(value_name = "ID")]
    pub question: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_use_is_refused() {
        for words in [
            &[][..],
            &["forget"],
            &["record", "ab"],
            &["extend", "0"],
            &["extend", "61"],
            &["chat"],
            &["answer"],
            &["allow", "a", "b"],
        ] {
            let words = [&["fieldlink"], words].concat();
            assert!(Arguments::try_parse_from(words.iter()).is_err(), "{words:?}");
        }
        let chat = Arguments::try_parse_from(["fieldlink", "chat", "it", "is", "on"]).expect("good");
        assert!(matches!(chat.command, Command::Chat { words } if words.join(" ") == "it is on"));
    }
}
