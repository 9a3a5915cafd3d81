//! `fieldlink-agent`: remote access as a service, or in the foreground.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fieldlink_agent::args::{Arguments, CheckOptions, Command};
use fieldlink_agent::{config::Config, foreground, network, service};
use fieldlink_daemon::Audience;
use fieldlink_device::hardening;

/// The configuration cannot be used (`EX_CONFIG` of `sysexits.h`): starting again would not help.
const BAD_CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let audience = match arguments.command {
        Command::Service(_) => Audience::Journal,
        _ => Audience::Person,
    };
    let _logging = fieldlink_daemon::to_stderr(audience);
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
            let config = Config::load(&options.config)?;
            let (dialer, words) = (config.dialer()?, config.words());
            let report = on_runtime(network::check::run(&dialer))?;
            let text = if json { format!("{:#}\n", report.to_json(&words)) } else { report.to_text(&words) };
            std::io::stdout().write_all(text.as_bytes()).context("could not print the verdict")?;
            Ok(report.exit_code().into())
        }
        Command::Foreground(options) => {
            hardening::keep_memory_private()?;
            on_runtime(foreground::run(Config::load(&options.config)?))??;
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
