//! Arguments of `operation`.

use std::path::PathBuf;

use clap::Args;

/// Which operation, and what goes with it.
#[derive(Debug, Args)]
pub struct OperationArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Follow the operation that runs, or say how the last one ended; starts nothing
    #[arg(long, conflicts_with_all = ["name", "file"])]
    pub follow: bool,
    /// What the scanner says, as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// The operation's name; without one, the operations of this scanner are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// What goes with it, an update say; the scanner's unit verifies it
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}
