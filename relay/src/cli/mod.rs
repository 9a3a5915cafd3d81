//! The operator's commands.

mod anchors;
mod audit;
mod check;
mod columns;
mod engineers;
mod log;
mod serve;
mod state;
mod time;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, DEFAULT_FILE};
use crate::store::StoreError;
use audit::AuditArguments;

/// Pairs scanners' agents with engineers and splices their connections. Sees ciphertext only.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-relay", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay until SIGTERM or SIGINT.
    ///
    /// The exit code is 78 if the configuration cannot be used: then starting it again would not help.
    Serve {
        #[command(flatten)]
        config: ConfigFile,
        /// Print the address on standard output once the relay listens.
        #[arg(long)]
        print_address: bool,
    },
    /// Add, list and revoke engineers.
    #[command(subcommand)]
    Engineer(EngineerCommand),
    /// List sessions: who connected to what, when, and why it ended.
    Audit {
        #[command(flatten)]
        config: ConfigFile,
        #[command(flatten)]
        arguments: AuditArguments,
    },
    /// Print the public keys of those that sign anchors: the one that signs now, then the next one.
    ///
    /// Those who check anchors are given both (anchor_keys in agent.toml and connect.toml), so that a rotation needs no
    /// other preparation. An anchor is what the relay signs of the account that a scanner writes of a session.
    AnchorKey {
        /// Have the next key sign from now on, and draw another next one.
        ///
        /// A relay that runs does so from its next anchor on.
        #[arg(long)]
        rotate: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Print what was signed of a session's account, one JSON object a line, for fieldlink verify --anchors.
    ///
    /// The exit code is 1 if there is nothing.
    Anchors {
        /// The session's ID, as audit --long prints it.
        session: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Check the configuration, the certificate as clients will judge it, and whether this version can use the store.
    ///
    /// It prints the names that the certificate is good for. The exit code is 1 if clients will refuse it.
    CheckConfig {
        #[command(flatten)]
        config: ConfigFile,
        /// The name by which clients dial the relay [default: public_name in the configuration].
        #[arg(long)]
        name: Option<String>,
        /// The roots that clients have as their ca_file, instead of their systems'.
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
        /// Only whether the service would start with it: what clients will refuse is still told, and does not count.
        ///
        /// Nor does it count that others can read the key, of which systemd hands the service a copy.
        #[arg(long)]
        start: bool,
    },
}

#[derive(Debug, Subcommand)]
enum EngineerCommand {
    /// Add an engineer, and print the credential or write it to a file, once.
    Add {
        /// The name that clients will read.
        name: String,
        /// The company that clients will read.
        #[arg(long)]
        company: String,
        /// Write the credential to this new file, which is private to you, instead of printing it.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// List all engineers who were ever added.
    List {
        #[command(flatten)]
        config: ConfigFile,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Revoke an engineer. Running sessions end within a second.
    ///
    /// It needs no room on the disk.
    Revoke {
        /// The engineer's name, or ID.
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long = "config", value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.file)?)
    }
}

/// What a service manager must not try again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum BadConfiguration {
    /// The file.
    Settings(ConfigError),
    /// The store that it names: only a later version can use it.
    Store(StoreError),
}

impl BadConfiguration {
    /// `EX_CONFIG` of `sysexits.h`.
    pub const EXIT_CODE: u8 = 78;
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<()> {
        log::init();
        match self.command {
            Command::Serve { config, print_address } => {
                serve::serve(Config::load(&config.file).map_err(BadConfiguration::Settings)?, print_address)
            }
            Command::Engineer(EngineerCommand::Add { name, company, output, config }) => {
                engineers::add(&config.load()?, &name, &company, output.as_deref())
            }
            Command::Engineer(EngineerCommand::List { config, json }) => {
                engineers::list(&config.load()?, json)
            }
            Command::Engineer(EngineerCommand::Revoke { name, config }) => {
                engineers::revoke(&config.load()?, &name)
            }
            Command::Audit { config, arguments } => audit::list(&config.load()?, &arguments),
            Command::AnchorKey { rotate, config } => anchors::keys(&config.load()?, rotate),
            Command::Anchors { session, config } => anchors::list(&config.load()?, &session),
            Command::CheckConfig { config, name, ca_file, start } => {
                let question = if start { check::Question::Starts } else { check::Question::IsGood };
                check::check(&config.file, &config.load()?, question, name, ca_file)
            }
        }
    }
}

/// Prints what was asked for. The reader may have read enough (`| head`).
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("could not print"),
    }
}
