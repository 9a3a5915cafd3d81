//! `login`: stores the credential, once the relay has accepted it.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::text;
use fieldlink_protocol::transport::RelayAddress;
use zeroize::Zeroizing;

use crate::config::{Config, Directories};
use crate::credential_store::CredentialStore;
use crate::exit::Failure;
use crate::platform::{LineInput, Terminal};
use crate::relay_session;

pub(super) async fn run(relay: RelayAddress, ca_file: Option<PathBuf>) -> Result<u8, Failure> {
    let directories = Directories::from_environment()?;
    let ca_file = ca_file.map(|file| {
        file.canonicalize().with_context(|| format!("could not find the CA file {}", file.display()))
    });
    let config = Config::for_login(relay, ca_file.transpose()?, &directories.config)?;
    let dialer = config.dialer()?;
    let typed = read_credential().await?;
    let credential = Credential::parse(&typed).map_err(|error| Failure::usage(error.to_string()))?;
    let connection = relay_session::dial(&dialer, &credential).await?;
    connection.close("done").await;
    CredentialStore::new(&directories.config).store(&credential)?;
    config.store(&directories.config)?;
    let (name, company) = (text::name(&credential.engineer.name), text::name(&credential.engineer.company));
    println!("logged in to {} as {name} ({company})", config.relay);
    Ok(0)
}

async fn read_credential() -> Result<Zeroizing<String>, Failure> {
    let line = if std::io::stdin().is_terminal() {
        let mut terminal = Terminal::open().context("could not ask for the credential")?;
        terminal.ask("Credential: ", true).await
    } else {
        LineInput::stdin().context("could not read the credential from standard input")?.line().await
    };
    let line = line.context("could not read the credential")?;
    line.ok_or_else(|| Failure::usage("no credential was given: paste what the relay's operator handed over"))
}
