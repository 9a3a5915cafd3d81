//! `diagnose`: fetches diagnostics of the scanner, as `fieldlink diagnose` saves them there.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldlink_fetching::{FetchError, Place, Step, bar, fetch};
use fieldlink_protocol::messages::diagnosis::SUBSYSTEM;
use fieldlink_protocol::text;

use super::subsystem::Subsystem;
use crate::args::DiagnoseArguments;
use crate::exit::{Failure, Kind};
use crate::platform::Signals;
use crate::printing::print_answer;
use crate::progress::Console;
use crate::words::say;

/// Fetches them, of the session that is named, or the only one.
pub(super) async fn run(
    DiagnoseArguments { id, output }: DiagnoseArguments,
    console: &Console,
) -> Result<u8, Failure> {
    let path = output.unwrap_or_else(|| PathBuf::from("."));
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    // Before the client is asked, and anything is collected.
    let place = Place::open(&path).map_err(|error| unwritable(&path, &error))?;
    let mut channel = Subsystem::open(SUBSYSTEM, id)?;
    console.working(&say!("diagnosis-asked-for"));
    let fetched = tokio::select! {
        biased;
        signal = signals.next() => {
            console.clear();
            return Ok(signal.exit_code());
        }
        // The client takes the time that they take; ssh ends by itself.
        fetched = fetch(&mut channel.stdout, place, None, |step| console.working(&shown(step))) => fetched,
    };
    console.clear();
    match fetched {
        Ok(path) => {
            print_answer(&say!("diagnosis-saved", path = path.display()));
            Ok(0)
        }
        Err(FetchError::Nothing) => {
            // Whoever may not have them is told by ssh.
            let said = channel.complaint().await;
            Err(Failure::new(Kind::Failed, say!("no-diagnosis", said = said)))
        }
        Err(FetchError::Write { error, .. }) => Err(unwritable(&path, &error)),
        Err(FetchError::Told(why)) => {
            Err(Failure::new(Kind::Failed, say!("no-diagnosis", said = text::sentence(&why))))
        }
        Err(error) => Err(Failure::new(Kind::Failed, say!("no-diagnosis", said = error.to_string()))),
    }
}

fn shown(step: Step) -> String {
    match step {
        Step::Collecting { .. } => say!("diagnosis-collecting", bar = bar(step)),
        Step::Saving { .. } => say!("diagnosis-saving", bar = bar(step)),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = say!("could-not-write", path = path.display());
    Failure::new(Kind::Failed, format!("{message}: {error}"))
}
