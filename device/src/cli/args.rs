//! The arguments of `fieldlink`.

use clap::builder::RangedI64ValueParser;
use clap::{Parser, Subcommand};
use fieldlink_protocol::limits;

use crate::failure;
use crate::verdict::Verdict;

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
    /// Show the versions of this program and of the service
    Version,
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
        for words in
            [&[][..], &["extend", "0"], &["extend", "61"], &["chat"], &["answer"], &["allow", "a", "b"]]
        {
            let words = [&["fieldlink"], words].concat();
            assert!(Arguments::try_parse_from(words.iter()).is_err(), "{words:?}");
        }
        let chat = Arguments::try_parse_from(["fieldlink", "chat", "it", "is", "on"]).expect("good");
        assert!(matches!(chat.command, Command::Chat { words } if words.join(" ") == "it is on"));
    }
}
