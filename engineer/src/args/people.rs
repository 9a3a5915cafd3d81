//! Arguments of what is done about who takes part in a session.

use std::path::PathBuf;

use clap::Args;

/// Who is to take part.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("who").required(true)))]
pub struct ShareArguments {
    /// The session: its support ID, if several are open.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Somebody who watches and can do nothing, such as a partner: the client is asked, and a link is printed.
    #[arg(long, value_name = "NAME", group = "who")]
    pub observer: Option<String>,
    /// With --observer: they also get a copy of the report when the session is over. The client agrees to both.
    #[arg(long, requires = "observer")]
    pub report: bool,
    /// A further engineer: a join code is printed, good for one of them and for five minutes. The client is asked when
    /// it is used.
    #[arg(long, group = "who")]
    pub engineer: bool,
}

/// Somebody in a session.
#[derive(Debug, Args)]
pub struct PersonArguments {
    /// The session: its support ID, if several are open.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Who, as `fieldlink-connect status` names them.
    #[arg(required = true, value_name = "NAME")]
    pub name: Vec<String>,
}

/// Joining another engineer's session.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// The join code, as fieldlink-connect share --engineer printed it: all 15 digits, or the first nine to be asked for
    /// the other six. Without it all are asked for.
    #[arg(value_name = "CODE")]
    pub code: Vec<String>,
    /// Only watch.
    #[arg(long)]
    pub observe: bool,
    /// The support case, for the relay's records.
    #[arg(long, value_name = "TICKET", default_value = "joined", hide_default_value = true)]
    pub ticket: String,
    /// Read the last six digits from this descriptor.
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<i32>,
    /// Open no shell: other programs use the session.
    #[arg(long)]
    pub no_shell: bool,
    /// Print what happens as JSON, one object a line, and opens no shell.
    #[arg(long)]
    pub json: bool,
}

/// Watching a session with a link.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// The link, as fieldlink-connect share --observer printed it. Without it it is read from the terminal or from
    /// standard input.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
    /// The relay's own certificate authority (PEM), if it has one.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Print what happens as JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}
