//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// Which report, and how.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The session: its ticket, its support ID, or its own ID or the beginning of that; without it, the latest
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
    /// Put it into this file, as a page that stands by itself unless another form is chosen
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// As a text for the support case
    #[arg(long, conflicts_with = "json")]
    pub text: bool,
    /// As one JSON object for programs
    #[arg(long)]
    pub json: bool,
    /// List the reports that are kept here
    #[arg(long, conflicts_with_all = ["session", "output", "text"])]
    pub list: bool,
}
