//! `fieldlink-diagnose`: the main process of a unit that collects a diagnosis. See `fieldlink_diagnosis`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write, stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fieldlink_diagnosis::{Diagnosis, DiagnosticsSettings, collect};
use fieldlink_protocol::messages::diagnosis::{Request, Told};
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_protocol::{limits, text};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

/// Whoever takes nothing for so long does not want it any more, in seconds: one is collected at a time.
const STANDSTILL: i64 = 10 * 60;

/// Collects a diagnosis of this device for fieldlink-agent
///
/// The unit fieldlink-diagnose@.service starts it for each diagnosis. Standard input is a connection on which the agent says
/// in one line how the device is; standard output, the same connection, gets how far it is, line by line, and then the
/// archive.
#[derive(Debug, Parser)]
#[command(name = "fieldlink-diagnose", version)]
struct Arguments {
    /// The agent's configuration: its section on diagnostics says what is taken
    #[arg(long, value_name = "FILE", default_value = "/etc/fieldlink/agent.toml")]
    config: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldlink-diagnose: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { config }: &Arguments) -> anyhow::Result<()> {
    // Without a buffer of its own: what follows a line is no line.
    let out: OwnedFd = stdout().as_fd().try_clone_to_owned().context("there is nobody to tell")?;
    // Where it is no socket, somebody tries this by hand.
    let _ = setsockopt(&out, sockopt::SendTimeout, &TimeVal::seconds(STANDSTILL));
    let mut out = File::from(out);
    let request = match request_from(stdin()) {
        Ok(request) => request,
        Err(error) => return Err(refuse(&mut out, error)),
    };
    let settings = DiagnosticsSettings::load(config);
    let collected = collect(request, settings, |done, of| tell(&mut out, &Told::Progress { done, of }));
    let Diagnosis { name, mut file } = match collected {
        Ok(diagnosis) => diagnosis,
        Err(error) => {
            return Err(refuse(&mut out, anyhow::Error::from(error).context("could not collect it")));
        }
    };
    let bytes = file.metadata().context("could not read the archive")?.len();
    tell(&mut out, &Told::Archive { name, bytes }).context("could not give it away")?;
    io::copy(&mut file, &mut out).map(drop).context("could not give it away")
}

/// Says why there is none, if somebody is there to hear it.
fn refuse(out: &mut File, error: anyhow::Error) -> anyhow::Error {
    let why = text::clean_to_fit(&format!("{error:#}"), limits::DIAGNOSIS_FAULT);
    let _ = tell(out, &Told::Failed { why });
    error
}

fn request_from(connection: impl Read) -> anyhow::Result<Request> {
    let mut line = Vec::new();
    let most = limits::CONTROL_MESSAGE as u64 + 1;
    BufReader::new(connection.take(most))
        .read_until(b'\n', &mut line)
        .context("could not read the request")?;
    decode(line.trim_ascii_end()).context("could not use the request")
}

fn tell(out: &mut File, told: &Told) -> io::Result<()> {
    writeln!(out, "{}", encode(told))
}
