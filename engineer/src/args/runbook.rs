//! Arguments of `runbook`.

use std::path::PathBuf;

use clap::Args;

/// Which runbook, and how.
#[derive(Debug, Args)]
pub struct RunbookArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Begin with this step; those before it are skipped
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// Show what would be done, and whether the file is good; needs no session
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with the runbook that is under way in the session, at the step where it was
    #[arg(long, conflicts_with_all = ["path", "from", "dry_run", "give_up"])]
    pub resume: bool,
    /// Give up the runbook that is under way in the session
    #[arg(long, conflicts_with_all = ["path", "from", "dry_run", "language", "files", "json"])]
    pub give_up: bool,
    /// The language that the client is asked in: en or de; without it English, and their own once an answer has told it
    #[arg(long, value_name = "CODE", value_parser = ["en", "de"])]
    pub language: Option<String>,
    /// The file that goes with the operation of a step, as STEP=PATH; may be given several times
    #[arg(long = "file", value_name = "STEP=PATH", value_parser = step_and_path)]
    pub files: Vec<(String, PathBuf)>,
    /// What is done and what came of it, as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// The runbook; its signature lies beside it, as FILE.sig
    #[arg(value_name = "FILE", required_unless_present_any = ["resume", "give_up"])]
    pub path: Option<PathBuf>,
}

fn step_and_path(text: &str) -> Result<(String, PathBuf), String> {
    let named = text.split_once('=').filter(|(step, path)| !step.is_empty() && !path.is_empty());
    named.map(|(step, path)| (step.to_owned(), path.into())).ok_or_else(|| "name it as STEP=PATH".to_owned())
}
