//! `connect`: calls a scanner, then opens a shell or holds the session for other programs.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use fieldlink_protocol::support_id::SupportId;
use tokio::time::timeout;

use crate::args::{CallArguments, ConnectArguments};
use crate::call::{Call, parse_id};
use crate::context::CallContext;
use crate::directories::Directories;
use crate::exit::{Failure, Kind, SSH_FAILED};
use crate::front;
use crate::holder::{Order, Uses};
use crate::local_socket::client;
use crate::pin_entry::{PinEntry, PinForm};
use crate::platform::{LineInput, Signal, Signals, Terminal};
use crate::progress::Console;
use crate::runtime_dir::{RuntimeDirectory, already_open};
use crate::session::REASON;
use crate::ssh_child::SshChild;
use crate::words::say;
use crate::{ssh_client, ssh_config};

/// Connects, with the PIN from `pin` if a descriptor was named.
pub(super) async fn run(
    arguments: &ConnectArguments,
    pin: Option<LineInput>,
    console: &Console,
) -> Result<u8, Failure> {
    let id = parse_id(&arguments.call.id)?;
    let is_attended = std::io::stdin().is_terminal();
    let uses = if arguments.no_shell || arguments.json { Uses::Others } else { Uses::Shell };
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    if runtime.sessions()?.contains(&id) {
        return another_shell(&runtime, id, uses, console).await;
    }
    let terminal = is_attended.then(|| Terminal::open().ok()).flatten();
    let (call, is_new) = prepare(&arguments.call, terminal, console).await?;
    let pins = if is_new { Some(PinEntry::for_connect(PinForm::Pin, pin)?) } else { None };
    let order = order(call, uses, pins.as_ref());
    let order = Order { json: arguments.json, attended: is_attended, ..order };
    front::serve(&order, pins, &[]).await
}

/// What a holder is asked for.
pub(super) fn order(call: Call, uses: Uses, pins: Option<&PinEntry>) -> Order {
    let Call { id, ticket, partner, joining } = call;
    let asks_again = pins.is_some_and(PinEntry::is_interactive);
    Order { id, ticket, partner, joining, uses, json: false, attended: false, asks_again }
}

/// Checks everything that a person can put right at once, before a holder is started. Gives the call, and
/// whether it is a new one rather than one to come back to.
pub(super) async fn prepare(
    arguments: &CallArguments,
    terminal: Option<Terminal>,
    console: &Console,
) -> Result<(Call, bool), Failure> {
    let id = parse_id(&arguments.id)?;
    let context = CallContext::load(&Directories::from_environment()?)?;
    if let Some(restart) = context.runtime.abandoned(id)? {
        let (ticket, partner, joining) = (restart.ticket, restart.partner, restart.joining);
        console.say(&say!("coming-back", ticket = &ticket));
        return Ok((Call { id, ticket, partner, joining }, false));
    }
    check(&context, id, console)?;
    Ok((Call::from_arguments(id, arguments, terminal).await?, true))
}

/// Whether the engineer may call at all: not too many wrong guesses, and a certificate that holds.
pub(super) fn check(context: &CallContext, id: SupportId, console: &Console) -> Result<(), Failure> {
    context.guesses.check(id)?;
    if let Some(own) = context.own_certificate()? {
        own.check()?;
        own.warning().inspect(|warning| console.say(&say!("program-says", message = warning)));
    }
    Ok(())
}

/// Another shell in the session to `id`, which is open.
pub(super) async fn another_shell(
    runtime: &RuntimeDirectory,
    id: SupportId,
    uses: Uses,
    console: &Console,
) -> Result<u8, Failure> {
    if uses != Uses::Shell {
        return Err(already_open(id));
    }
    console.say(&say!("another-shell"));
    let session = runtime.session(id);
    let ssh = ssh_client::command(&session.join("ssh_config"), &ssh_config::alias(id));
    in_living_session(ssh, &session).await
}

/// Runs an ssh in the session that another holder has in the directory `session`. If the session ends
/// meanwhile, that is what the engineer reads.
pub(super) async fn in_living_session(ssh: std::process::Command, session: &Path) -> Result<u8, Failure> {
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let mut end = Box::pin(client::wait_for_end(session.join("control.sock")));
    let mut told = None;
    let mut ssh = SshChild::spawn(ssh)?;
    let exit = loop {
        tokio::select! {
            biased;
            signal = signals.next() => if signal != Signal::Interrupt {
                ssh.stop().await;
                return Ok(signal.exit_code());
            },
            message = &mut end, if told.is_none() => told = Some(message),
            exit = ssh.exited() => break exit?,
        }
    };
    drop(ssh);
    if exit.code == SSH_FAILED && told.is_none() {
        told = timeout(REASON, end).await.ok();
    }
    if let Some(message) = told {
        return Err(Failure::new(Kind::SessionOver, message));
    }
    Ok(exit.code)
}
