//! `connect`: calls a scanner, then opens a shell or holds the session for other programs.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::reason::Reason;
use tokio::time::timeout;

use crate::args::{CallArguments, ConnectArguments};
use crate::call::{Call, parse_id};
use crate::config::Directories;
use crate::desk::Desk;
use crate::exit::{Failure, Kind};
use crate::pin_entry::PinEntry;
use crate::platform::{Signal, Terminal};
use crate::progress::{Console, Progress};
use crate::restart::Restart;
use crate::session::{End, NotOpened, Session, Stop, Stops, Way, open};
use crate::ssh_child::{Happened, SshChild, as_shell};
use crate::ssh_client;
use crate::ssh_config::check::{self, Standing};

/// ssh's code for a broken connection.
pub(super) const SSH_FAILED: u8 = 255;
/// How long the reason for a broken connection may take: the session's end, perhaps.
pub(super) const REASON: Duration = Duration::from_millis(500);

pub(super) async fn run(arguments: &ConnectArguments, console: &Console) -> Result<u8, Failure> {
    let terminal = std::io::stdin().is_terminal().then(|| Terminal::open().ok()).flatten();
    let Prepared { desk, call, restart } = prepare(&arguments.call, terminal, console).await?;
    let (mut stops, end) = Stops::new().context("could not watch for signals")?;
    let opened = match restart {
        Some(restart) => open(&desk, &call, Way::Back(restart), console, (&mut stops, end)).await,
        None => {
            let mut pins = PinEntry::for_connect(arguments.call.pin_fd)?;
            open(&desk, &call, Way::New(&mut pins), console, (&mut stops, end)).await
        }
    };
    let session = match opened {
        Ok(session) => session,
        Err(not_opened) => return refuse(not_opened, console),
    };
    session.progress().inspect(|progress| console.tell(progress));
    if arguments.json {
        return hold(session, stops, console).await;
    }
    let mut session = session;
    offer(&mut session, console).await;
    if arguments.no_shell {
        console.say("the session is open; Ctrl-C ends it");
        hold(session, stops, console).await
    } else {
        shell(session, stops, console).await
    }
}

/// What is known before anything is dialled.
pub(super) struct Prepared {
    pub(super) desk: Desk,
    pub(super) call: Call,
    /// The session to come back to, if this program was killed in one.
    pub(super) restart: Option<Restart>,
}

/// Checks everything that can be checked before anything is dialled.
pub(super) async fn prepare(
    arguments: &CallArguments,
    terminal: Option<Terminal>,
    console: &Console,
) -> Result<Prepared, Failure> {
    let id = parse_id(&arguments.id)?;
    let desk = Desk::load(&Directories::from_environment()?)?;
    if let Some(restart) = desk.runtime.abandoned(id)? {
        let (ticket, partner) = (restart.ticket.clone(), restart.partner.clone());
        console.say(&format!(
            "coming back to the session for ticket {ticket}, which this program was killed in"
        ));
        return Ok(Prepared { desk, call: Call { id, ticket, partner }, restart: Some(restart) });
    }
    desk.guesses.check(id)?;
    let call = Call::from_arguments(id, arguments, terminal).await?;
    Ok(Prepared { desk, call, restart: None })
}

/// The exit code of a call that led to no session.
pub(super) fn refuse(not_opened: NotOpened, console: &Console) -> Result<u8, Failure> {
    match not_opened {
        NotOpened::Failed(failure) => Err(failure),
        NotOpened::Stopped(Stop::Signal(signal)) => {
            console.say("stopped before the session began");
            Ok(signal.exit_code())
        }
        NotOpened::Stopped(Stop::Requested) => {
            Err(Failure::new(Kind::SessionOver, "ended before the session began, as you asked"))
        }
    }
}

/// Says how other programs can use the session.
async fn offer(session: &mut Session, console: &Console) {
    let (config, alias) = (session.ssh_config(), session.alias());
    let standing = tokio::select! {
        biased;
        // The end is told by whoever comes next.
        _ = session.ended(console) => return,
        standing = check::check(&config, &alias) => standing,
    };
    let own = format!("ssh -F {} scanner", config.display());
    console.say(&match standing {
        Ok(Standing::Confirmed) => {
            format!(
                "from other terminals: ssh {} (scp, sftp, rsync, git … likewise)",
                session.names().join(", or ")
            )
        }
        Ok(Standing::NotIncluded) => {
            format!(
                "from other terminals: {own}\n(for plain ssh, see: fieldlink-connect ssh-config --install)"
            )
        }
        Ok(Standing::Weakened(differences)) => format!(
            "from other terminals: {own}\n(plain ssh would do something else: {})",
            check::advice(&differences)
        ),
        Err(error) => format!("from other terminals: {own}\n({error:#})"),
    });
}

/// Holds the session until it ends or someone ends it.
async fn hold(mut session: Session, mut stops: Stops, console: &Console) -> Result<u8, Failure> {
    tokio::select! {
        biased;
        end = session.ended(console) => over(session, &end, console).await,
        stop = stops.next() => stopped(session, stop, console).await,
    }
}

/// Opens a shell in this terminal, and ends the session with it.
async fn shell(mut session: Session, mut stops: Stops, console: &Console) -> Result<u8, Failure> {
    console.hush(true);
    let command = as_shell(ssh_client::command(&session.ssh_config(), &session.alias()));
    let mut ssh = SshChild::spawn(command)?;
    let happened = ssh.follow(&mut session, &mut stops, console).await?;
    let code = match happened {
        Happened::Exited(code) => code,
        Happened::Over(end) => {
            ssh.stop().await;
            console.hush(false);
            return over(session, &end, console).await;
        }
        Happened::Stopped(stop) => {
            let ended = session.end(reason(stop)).await?;
            ssh.stop().await;
            console.hush(false);
            console.tell(&Progress::ended(&ended));
            return Ok(code_of(stop));
        }
    };
    drop(ssh);
    console.hush(false);
    after_shell(session, stops, code, console).await
}

/// A shell has ended with `code`. Other connections keep the session, and so does nothing else.
async fn after_shell(
    mut session: Session,
    mut stops: Stops,
    code: u8,
    console: &Console,
) -> Result<u8, Failure> {
    if code == SSH_FAILED
        && let Ok(end) = timeout(REASON, session.ended(console)).await
    {
        return over(session, &end, console).await;
    }
    let open = session.other_connections();
    if open > 0 {
        console.say(&format!(
            "the shell is closed; {open} connections are still open, the session goes on until they \
             close; Ctrl-C ends it"
        ));
        tokio::select! {
            biased;
            end = session.unused(console) => if let Some(end) = end {
                return over(session, &end, console).await;
            },
            _ = stops.next() => {}
        }
    }
    let ended = session.end(Reason::EngineerEnded).await?;
    console.tell(&Progress::ended(&ended));
    Ok(code)
}

/// The session ended, and not by this engineer.
pub(super) async fn over(session: Session, end: &End, console: &Console) -> Result<u8, Failure> {
    let cleared = session.clear_up(end).await;
    console.tell(&Progress::ended(end));
    cleared?;
    Ok(Kind::SessionOver.code())
}

async fn stopped(session: Session, stop: Stop, console: &Console) -> Result<u8, Failure> {
    let ended = session.end(reason(stop)).await?;
    console.tell(&Progress::ended(&ended));
    Ok(code_of(stop))
}

pub(super) fn reason(stop: Stop) -> Reason {
    match stop {
        Stop::Requested | Stop::Signal(Signal::Interrupt) => Reason::EngineerEnded,
        Stop::Signal(Signal::Terminate | Signal::HangUp) => Reason::EngineerStopped,
    }
}

/// Ctrl-C and `end` are how a session is meant to end.
pub(super) fn code_of(stop: Stop) -> u8 {
    match stop {
        Stop::Requested | Stop::Signal(Signal::Interrupt) => 0,
        Stop::Signal(signal) => signal.exit_code(),
    }
}
