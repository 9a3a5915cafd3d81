//! `runbook`: goes through a list of steps, each of which does what the command of its name does.

mod file;
mod report;
mod session;
mod steps;
mod walk;

use std::path::Path;

use anyhow::Context;

use self::file::Written;
use self::report::Report;
use self::session::Contact;
use self::walk::Walk;
use super::choosing::choose;
use crate::args::RunbookArguments;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::RunbookNews;
use crate::platform::Signals;
use crate::printing::print_answer;
use crate::progress::Console;
use crate::runbook_file::KeptRunbook;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

/// Goes through a runbook in the session that is named, or the only one.
pub(super) async fn run(arguments: RunbookArguments, console: &Console) -> Result<u8, Failure> {
    let written = arguments.path.as_deref().map(Written::read).transpose()?;
    let report = Report::new(arguments.json);
    let kept = match &written {
        Some(written) => {
            let kept = written.begin(&arguments)?;
            if arguments.dry_run {
                report.plan(written);
                return Ok(0);
            }
            Some(kept)
        }
        None => None,
    };
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, arguments.id.as_slice())?;
    let contact = Contact::new(runtime, id);
    if arguments.give_up {
        return give_up(&contact).await;
    }
    let kept = match kept {
        Some(kept) => kept,
        None => resumed(&arguments, contact.directory())?,
    };
    let mut walk = Walk::new(contact, kept, report, console)?;
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let outcome = tokio::select! {
        biased;
        signal = signals.next() => Ok(signal.exit_code()),
        outcome = walk.run() => outcome,
    };
    console.clear();
    walk.say_where_it_waits();
    outcome
}

/// What is kept in the session's directory.
fn resumed(arguments: &RunbookArguments, directory: &Path) -> Result<KeptRunbook, Failure> {
    let kept = KeptRunbook::load(directory);
    let mut kept = kept.ok_or_else(|| Failure::new(Kind::Failed, say!("runbook-not-kept")))?;
    if let Some(language) = &arguments.language {
        kept.language = Some(language.clone());
    }
    kept.files.extend(file::absolute(&arguments.files)?);
    Ok(kept)
}

async fn give_up(contact: &Contact) -> Result<u8, Failure> {
    if KeptRunbook::load(contact.directory()).is_none() {
        return Err(Failure::new(Kind::Failed, say!("runbook-not-kept")));
    }
    contact.tell(RunbookNews::GivenUp).await?;
    KeptRunbook::remove(contact.directory());
    print_answer(&say!("runbook-given-up"));
    Ok(0)
}
