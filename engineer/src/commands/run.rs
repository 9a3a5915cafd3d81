//! `run`: one command on a scanner, with its exit code.

use super::connect::{in_living_session, order, prepare};
use crate::args::RunArguments;
use crate::call::parse_id;
use crate::directories::Directories;
use crate::exit::Failure;
use crate::front::{self, with_command};
use crate::holder::{Order, Uses};
use crate::pin_entry::PinEntry;
use crate::platform::{LineInput, Terminal};
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;
use crate::{ssh_client, ssh_config};

/// Runs a command, with the PIN from `pin` if a descriptor was named.
pub(super) async fn run(
    arguments: &RunArguments,
    pin: Option<LineInput>,
    console: &Console,
) -> Result<u8, Failure> {
    let id = parse_id(&arguments.call.id)?;
    if arguments.command.iter().all(|word| word.to_string_lossy().trim().is_empty()) {
        return Err(Failure::usage(say!("no-command")));
    }
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    if runtime.sessions()?.contains(&id) {
        let session = runtime.session(id);
        let ssh = ssh_client::command(&session.join("ssh_config"), &ssh_config::alias(id));
        return in_living_session(with_command(ssh, &arguments.command), &session).await;
    }
    let terminal = Terminal::open().ok();
    let is_attended = terminal.is_some();
    let (call, is_new) = prepare(&arguments.call, terminal, console).await?;
    let pins = if is_new { Some(PinEntry::for_run(pin)?) } else { None };
    let order = Order { attended: is_attended, ..order(call, Uses::Command, pins.as_ref()) };
    front::serve(&order, pins, &arguments.command).await
}
