//! The arguments of `fieldlink-agent`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  failed; the message says what and why
   2  used wrongly
  78  (service only) the configuration cannot be used
  11 to 24  (check-network only) the verdict N1 to N14";

/// Remote access to this device, as the person beside it allows it
#[derive(Debug, Parser)]
#[command(name = "fieldlink-agent", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run as a service: on the system bus, started and watched by systemd
    ///
    /// The program `fieldlink` and the window are its clients. The exit code is 78 if the configuration
    /// cannot be used.
    Service(Options),
    /// Start remote access and show support ID, PIN and state here
    ///
    /// For development: engineers work as the account that runs this.
    Foreground(Options),
    /// Say whether the network is good enough, and what that is concluded from
    ///
    /// Contacts the configured relay and this device's system bus, nothing else. The exit code is 0 for
    /// N0 only; 11 to 24 stand for N1 to N14.
    CheckNetwork(CheckOptions),
    /// Check the configuration and say what is wrong with it
    CheckConfig(Options),
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/fieldlink/agent.toml")]
    pub config: PathBuf,
}

/// Arguments of `check-network`.
#[derive(Debug, clap::Args)]
pub struct CheckOptions {
    /// The configuration.
    #[command(flatten)]
    pub options: Options,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
