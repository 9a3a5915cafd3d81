//! Arguments of `health`.

use clap::Args;

/// Of which session, and how it is shown.
#[derive(Debug, Args)]
pub struct HealthArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Show it again every few seconds
    #[arg(long)]
    pub watch: bool,
    /// Only what is worth a warning; exit code 0: nothing is, 3: something is, 4: something is to be mended
    #[arg(long, conflicts_with_all = ["watch", "json"])]
    pub check: bool,
    /// As JSON, one object a line
    #[arg(long)]
    pub json: bool,
}
