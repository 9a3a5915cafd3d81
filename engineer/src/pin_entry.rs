//! Where the PIN comes from: the terminal, standard input, or a descriptor. Never from an argument or
//! the environment, which other programs can read.

use std::io::IsTerminal;

use fieldlink_protocol::pin::Pin;

use crate::exit::{Failure, Kind};
use crate::platform::{LineInput, Terminal};
use crate::printing::print;
use crate::words::say;

/// How often a person may mistype something that is not four digits.
const PATIENCE: usize = 3;

/// The source of a PIN.
pub(crate) enum PinEntry {
    /// A person, who can be asked again.
    Terminal(Terminal),
    /// A program, which gives one line.
    Input(LineInput),
}

impl PinEntry {
    /// For `connect`: the descriptor if one is named, else the terminal, else standard input.
    pub(crate) fn for_connect(descriptor: Option<LineInput>) -> Result<Self, Failure> {
        match descriptor {
            Some(input) => Ok(Self::Input(input)),
            None if std::io::stdin().is_terminal() => Self::terminal(),
            None => LineInput::stdin().map(Self::Input).map_err(|error| {
                Failure::new(Kind::Failed, say!("pin-unreadable-on-stdin", error = error.to_string()))
            }),
        }
    }

    /// For `run`, whose standard input belongs to the command.
    pub(crate) fn for_run(descriptor: Option<LineInput>) -> Result<Self, Failure> {
        descriptor.map_or_else(Self::terminal, |input| Ok(Self::Input(input)))
    }

    fn terminal() -> Result<Self, Failure> {
        Terminal::open()
            .map(Self::Terminal)
            .map_err(|error| Failure::usage(say!("pin-without-terminal", error = error.to_string())))
    }

    /// Whether a wrong PIN can be typed again.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// The next PIN. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Pin, Failure> {
        let mut tries = if self.is_interactive() { PATIENCE } else { 1 };
        loop {
            let (source, line) = match self {
                Self::Terminal(terminal) => {
                    (say!("pin-from-terminal"), terminal.ask(&say!("ask-for-pin"), true).await)
                }
                Self::Input(input) => (say!("pin-from-input"), input.line().await),
            };
            let line = line.map_err(|error| {
                Failure::new(
                    Kind::Failed,
                    say!("pin-unreadable", source = &source, error = error.to_string()),
                )
            })?;
            let line = line.ok_or_else(|| Failure::usage(say!("pin-missing", source = &source)))?;
            tries -= 1;
            match Pin::parse(&line) {
                Ok(pin) => return Ok(pin),
                Err(error) if tries == 0 => return Err(Failure::usage(error.to_string())),
                Err(error) => print(&say!("pin-again", error = error.to_string())),
            }
        }
    }
}
