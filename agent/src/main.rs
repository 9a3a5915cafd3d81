//! `fieldlink-agent`: runs remote access in the foreground.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use fieldlink_agent::access::{Access, Command as AccessCommand};
use fieldlink_agent::network::{self, Monitor};
use fieldlink_agent::{config::Config, console, hardening};
use fieldlink_protocol::reason::Reason;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

/// Remote access to this scanner, as its user allows it.
#[derive(Parser)]
#[command(name = "fieldlink-agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts remote access and shows support ID, PIN and state here.
    Foreground(Options),
    /// Says whether the network is good enough, and shows what that is concluded from.
    ///
    /// Contacts the configured relay and this device's system bus, nothing else. The exit code is 0 for
    /// N0 only; 11 to 20 stand for N1 to N10.
    CheckNetwork(CheckOptions),
    /// Checks the configuration and says what is wrong with it.
    CheckConfig(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The configuration file.
    #[arg(long, default_value = "/etc/fieldlink/agent.toml")]
    config: PathBuf,
}

#[derive(clap::Args)]
struct CheckOptions {
    #[command(flatten)]
    options: Options,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_from_env("FIELDLINK_LOG").unwrap_or_else(|_| EnvFilter::new("warn")))
        .init();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fieldlink-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::CheckConfig(options) => {
            Config::load(&options.config)?.dialer()?;
            println!("{} is valid", options.config.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::CheckNetwork(CheckOptions { options, json }) => {
            let dialer = Config::load(&options.config)?.dialer()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let report = runtime.block_on(network::check::run(&dialer));
            // A name that is still being resolved blocks a thread; it must not hold up the answer.
            runtime.shutdown_background();
            let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
            std::io::stdout().write_all(text.as_bytes()).context("could not print the verdict")?;
            Ok(report.exit_code().into())
        }
        Command::Foreground(options) => {
            hardening::keep_memory_private()?;
            let config = Config::load(&options.config)?;
            // One thread: the work is small, and a keystroke should not change threads.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let outcome = runtime.block_on(foreground(config));
            // A read of standard input may still block a thread; it must not hold up the end.
            runtime.shutdown_background();
            outcome.map(|()| ExitCode::SUCCESS)
        }
    }
}

async fn foreground(config: Config) -> anyhow::Result<()> {
    let dialer = config.dialer()?;
    let network = Monitor::start(dialer.clone());
    let (commands, command_receiver) = mpsc::channel(16);
    let (access, view) = Access::new(config, dialer, network.handle(), command_receiver)?;
    let mut access = tokio::spawn(access.run());
    let console = tokio::spawn(console::run(view, commands.clone()));
    let ended = tokio::select! {
        ended = &mut access => ended,
        reason = stop_signal() => {
            let _ = commands.send(AccessCommand::Stop(reason?)).await;
            drop(commands);
            console.abort();
            access.await
        }
    };
    network.close().await;
    ended.context("remote access failed")?
}

/// Ctrl-C is the client's; a closed terminal or a stop from outside is not.
async fn stop_signal() -> std::io::Result<Reason> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => Reason::ClientEnded,
        _ = terminate.recv() => Reason::AgentStopped,
        _ = hang_up.recv() => Reason::AgentStopped,
    })
}
