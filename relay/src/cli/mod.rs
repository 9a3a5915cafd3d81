//! The operator's commands.

mod audit;
mod engineers;
mod log;
mod serve;
mod state;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, DEFAULT_FILE};
use crate::store::StoreError;

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
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration, the certificate and its key, and whether this version can use the store.
    CheckConfig {
        #[command(flatten)]
        config: ConfigFile,
    },
}

#[derive(Debug, Subcommand)]
enum EngineerCommand {
    /// Add an engineer and print the credential, once.
    Add {
        /// The name that clients will read.
        name: String,
        /// The company that clients will read.
        #[arg(long)]
        company: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// List all engineers who were ever added.
    List {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Revoke an engineer. Running sessions end within a second.
    Revoke {
        /// The engineer's name.
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
            Command::Engineer(EngineerCommand::Add { name, company, config }) => {
                engineers::add(&config.load()?, name, company)
            }
            Command::Engineer(EngineerCommand::List { config }) => engineers::list(&config.load()?),
            Command::Engineer(EngineerCommand::Revoke { name, config }) => {
                engineers::revoke(&config.load()?, &name)
            }
            Command::Audit { config, json } => audit::list(&config.load()?, json),
            Command::CheckConfig { config } => {
                let settings = config.load()?;
                crate::tls::server_config(&settings)?;
                state::check(&settings)?;
                eprintln!("{}: good", config.file.display());
                Ok(())
            }
        }
    }
}
