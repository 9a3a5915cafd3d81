//! `login`: stores the credential, once the relay has accepted it.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use fieldlink_protocol::credential::{Credential, MAX_LENGTH};
use fieldlink_protocol::text;
use fieldlink_transport::RelayAddress;
use zeroize::Zeroizing;

use crate::config::{Config, Directories};
use crate::credential_store::CredentialStore;
use crate::exit::Failure;
use crate::platform::{HiddenTyping, LineInput, Terminal};
use crate::printing::print_answer;
use crate::relay_session;
use crate::words::say;

pub(super) async fn run(relay: RelayAddress, ca_file: Option<PathBuf>) -> Result<u8, Failure> {
    let directories = Directories::from_environment()?;
    directories.config.check()?;
    let ca_file = ca_file
        .map(|file| file.canonicalize().with_context(|| say!("ca-file-missing", path = file.display())));
    let config = Config::for_login(relay, ca_file.transpose()?, &directories.config)?;
    let dialer = config.dialer()?;
    let mut source = CredentialSource::open()?;
    let credential = source.credential().await?;
    let connection = relay_session::dial(&dialer, &credential).await?;
    connection.close("done").await;
    directories.config.create()?;
    CredentialStore::new(&directories.config).store(&credential)?;
    config.store(&directories.config)?;
    let (name, company) = (text::name(&credential.engineer.name), text::name(&credential.engineer.company));
    print_answer(&say!("logged-in", relay = config.relay.to_string(), name = name, company = company));
    Ok(0)
}

/// Lines that are read at most.
const LINES: usize = 100;

/// Blank lines with which a person gives up. One may stand between any two lines that were pasted.
const BLANK_LINES: usize = 3;

/// Where a credential comes from.
enum CredentialSource {
    /// A person, who pastes it. What is typed stays hidden until the end, and what comes behind the credential
    /// does not get to the shell and into its history.
    Terminal { terminal: Terminal, _hidden: HiddenTyping },
    /// A file or a program.
    Input(LineInput),
}

impl CredentialSource {
    fn open() -> anyhow::Result<Self> {
        if std::io::stdin().is_terminal() {
            let terminal = Terminal::open().with_context(|| say!("credential-not-asked-for"))?;
            let hidden = terminal.hide_typing().with_context(|| say!("credential-not-asked-for"))?;
            return Ok(Self::Terminal { terminal, _hidden: hidden });
        }
        LineInput::stdin().map(Self::Input).with_context(|| say!("credential-unreadable-on-stdin"))
    }

    /// Reads lines until the credential is whole, or cannot become one.
    async fn credential(&mut self) -> Result<Credential, Failure> {
        let mut pasted = Zeroizing::new(String::with_capacity(2 * MAX_LENGTH));
        let mut blank = 0;
        for _ in 0..LINES {
            let is_new = pasted.trim().is_empty();
            let Some(line) = self.line(is_new).await.with_context(|| say!("credential-unreadable"))? else {
                break;
            };
            blank = if line.trim().is_empty() { blank + 1 } else { 0 };
            pasted.extend([line.as_str(), "\n"]);
            if !Credential::is_begun(&pasted) || (!is_new && blank >= BLANK_LINES) {
                break;
            }
        }
        if pasted.trim().is_empty() {
            return Err(Failure::usage(say!("credential-not-given")));
        }
        Credential::parse(&pasted).map_err(|error| Failure::usage(error.to_string()))
    }

    async fn line(&mut self, is_new: bool) -> std::io::Result<Option<Zeroizing<String>>> {
        let prompt = if is_new { say!("ask-for-credential") } else { say!("ask-for-rest") };
        match self {
            Self::Terminal { terminal, .. } => terminal.ask(&prompt, true).await,
            Self::Input(input) => input.line().await,
        }
    }
}
