//! `fieldlink-agent`: remote access as a service, or in the foreground.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fieldlink_agent::access::{Access, Command as AccessCommand, Order};
use fieldlink_agent::console::{self, Feed, InputEnd};
use fieldlink_agent::marks::Marks;
use fieldlink_agent::network::{self, Monitor};
use fieldlink_agent::service_cli::{Arguments, CheckOptions, Command};
use fieldlink_agent::{config::Config, hardening, service};
use fieldlink_logging::Audience;
use fieldlink_protocol::reason::Reason;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// The configuration cannot be used (`EX_CONFIG` of `sysexits.h`): starting again would not help.
const BAD_CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let audience = match arguments.command {
        Command::Service(_) => Audience::Journal,
        _ => Audience::Person,
    };
    let _logging = fieldlink_logging::to_stderr(audience);
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::CheckConfig(options) => {
            let config = Config::load(&options.config)?;
            config.dialer()?;
            let advice = config.advice().map_or_else(String::new, |advice| format!("but note: {advice}\n"));
            let text = format!("{} is valid\n{advice}", options.config.display());
            std::io::stdout().write_all(text.as_bytes()).context("could not print the outcome")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::CheckNetwork(CheckOptions { options, json }) => {
            let dialer = Config::load(&options.config)?.dialer()?;
            let report = on_runtime(network::check::run(&dialer))?;
            let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
            std::io::stdout().write_all(text.as_bytes()).context("could not print the verdict")?;
            Ok(report.exit_code().into())
        }
        Command::Foreground(options) => {
            hardening::keep_memory_private()?;
            on_runtime(foreground(Config::load(&options.config)?))??;
            Ok(ExitCode::SUCCESS)
        }
        Command::Service(options) => {
            hardening::keep_memory_private()?;
            let config = match usable_config(&options.config) {
                Ok(config) => config,
                Err(error) => {
                    complain(&error);
                    return Ok(BAD_CONFIGURATION.into());
                }
            };
            on_runtime(service::run(config))??;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A message that cannot be written changes no exit code.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "fieldlink-agent: {error:#}");
}

/// One thread: the work is small, and a keystroke should not change threads.
fn on_runtime<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // A read of standard input, or of a name, may still block a thread; it must not hold up the end.
    runtime.shutdown_background();
    Ok(outcome)
}

fn usable_config(path: &Path) -> anyhow::Result<Config> {
    let config = Config::load(path)?;
    config.dialer()?;
    Ok(config)
}

async fn foreground(config: Config) -> anyhow::Result<()> {
    let dialer = config.dialer()?;
    let network = Monitor::start(dialer.clone());
    let (commands, orders) = mpsc::channel(16);
    let around = config.surroundings(dialer, config.child_launch()?);
    let (access, outlook) = Access::new(config, around, network.handle(), orders, (Marks::nowhere(), None))?;
    let mut access = tokio::spawn(access.run());
    let happenings = outlook.happenings.subscribe();
    let feed = Feed { view: outlook.view, happenings, commands: commands.clone() };
    let _ = commands.send(AccessCommand::of(Order::Start)).await;
    let console = tokio::spawn(console::run(feed, InputEnd::GoOn));
    let ended = tokio::select! {
        ended = &mut access => ended,
        reason = stop_signal() => {
            let _ = commands.send(AccessCommand::of(Order::Shutdown(reason?))).await;
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
