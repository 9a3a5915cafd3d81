//! Arguments of `diagnose`.

use std::path::PathBuf;

use clap::Args;

/// Of which session, and where the file goes.
#[derive(Debug, Args)]
pub struct DiagnoseArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// To this file, or into this directory; without it, here
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
}
