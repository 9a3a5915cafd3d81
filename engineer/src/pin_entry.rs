//! Where the PIN comes from, or the six digits of a join code. Never an argument of its own: every local user sees those.

use std::io::{self, IsTerminal};

use fieldlink_protocol::join_code::JoinDigits;
use fieldlink_protocol::pin::Pin;
use zeroize::Zeroizing;

use crate::exit::{Failure, Kind};
use crate::platform::{LineInput, Terminal};
use crate::printing::print;
use crate::words::say;

/// How often a mistyped one is asked for again.
const PATIENCE: usize = 3;

/// A source of digits that prove something.
pub(crate) struct PinEntry {
    source: Source,
    form: PinForm,
}

enum Source {
    /// A person, who is asked.
    Terminal(Terminal),
    /// A file or a program, one line after the other.
    Input(LineInput),
    /// The digits are known already, and are good for one try.
    Known(Option<Zeroizing<String>>),
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinForm {
    /// The client's PIN.
    Pin,
    /// The secret half of a join code.
    JoinDigits,
}

impl PinForm {
    /// The digits alone, if that is what they are.
    pub(crate) fn read(self, typed: &str) -> Result<Zeroizing<String>, String> {
        match self {
            Self::Pin => {
                Pin::parse(typed).map(|pin| pin.expose().to_owned()).map_err(|error| error.to_string())
            }
            Self::JoinDigits => match JoinDigits::parse(typed) {
                Ok(digits) => Ok(digits.expose().to_owned()),
                Err(_) => Err(say!("six-digits-wanted")),
            },
        }
        .map(Zeroizing::new)
    }

    fn prompt(self) -> String {
        match self {
            Self::Pin => say!("ask-for-pin"),
            Self::JoinDigits => say!("ask-for-six-digits"),
        }
    }
}

impl PinEntry {
    /// For a session that is held: from `descriptor`, or from the terminal if standard input is one, or from standard
    /// input.
    pub(crate) fn for_connect(form: PinForm, descriptor: Option<LineInput>) -> Result<Self, Failure> {
        let source = match descriptor {
            Some(input) => Source::Input(input),
            None if io::stdin().is_terminal() => terminal()?,
            None => LineInput::stdin().map(Source::Input).map_err(|error| {
                Failure::new(Kind::Failed, say!("pin-unreadable-on-stdin", error = error.to_string()))
            })?,
        };
        Ok(Self { source, form })
    }

    /// For a command, whose standard input is its own.
    pub(crate) fn for_run(descriptor: Option<LineInput>) -> Result<Self, Failure> {
        let source = descriptor.map_or_else(terminal, |input| Ok(Source::Input(input)))?;
        Ok(Self { source, form: PinForm::Pin })
    }

    /// The digits that came with the rest of a join code.
    pub(crate) fn known(digits: &JoinDigits) -> Self {
        Self { source: Source::Known(Some(digits.expose().to_owned().into())), form: PinForm::JoinDigits }
    }

    /// Whether a person is asked, who can be asked again.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self.source, Source::Terminal(_))
    }

    /// The next digits. Safe to cancel: the terminal is as before.
    pub(crate) async fn next(&mut self) -> Result<Zeroizing<String>, Failure> {
        let mut tries = if self.is_interactive() { PATIENCE } else { 1 };
        loop {
            let (source, line) = match &mut self.source {
                Source::Terminal(terminal) => {
                    (say!("pin-from-terminal"), terminal.ask(&self.form.prompt(), true).await)
                }
                Source::Input(input) => (say!("pin-from-input"), input.line().await),
                Source::Known(digits) => (say!("pin-from-code"), Ok(digits.take())),
            };
            let line = line.map_err(|error| {
                Failure::new(
                    Kind::Failed,
                    say!("pin-unreadable", source = &source, error = error.to_string()),
                )
            })?;
            let line = line.ok_or_else(|| Failure::usage(say!("pin-missing", source = &source)))?;
            tries -= 1;
            match self.form.read(&line) {
                Ok(digits) => return Ok(digits),
                Err(error) if tries == 0 => return Err(Failure::usage(error)),
                Err(error) => print(&say!("pin-again", error = error)),
            }
        }
    }
}

/// One line, from the terminal if standard input is one, or from standard input. `hidden` hides what is typed.
pub(crate) async fn typed_line(prompt: &str, hidden: bool) -> io::Result<Option<Zeroizing<String>>> {
    match io::stdin().is_terminal() {
        true => Terminal::open()?.ask(prompt, hidden).await,
        false => LineInput::stdin()?.line().await,
    }
}

fn terminal() -> Result<Source, Failure> {
    Terminal::open()
        .map(Source::Terminal)
        .map_err(|error| Failure::usage(say!("pin-without-terminal", error = error.to_string())))
}
