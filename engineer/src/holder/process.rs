//! The holder's end: opens the session that the front wants, holds it, and ends it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::pin::Pin;
use tokio::time::timeout;

use super::held::Held;
use super::wire::{Order, Receiver, Sender, ToFront, ToHolder, Uses};
use crate::desk::Desk;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::platform;
use crate::platform::Signal;
use crate::progress::{Console, Progress};
use crate::session::{NotOpened, Stop, Stops, Way, open};

/// How long the front may take to stop ssh. A front that is stopped itself does not answer.
const FAREWELL: Duration = Duration::from_secs(3);

/// The front, as its holder sees it.
pub(crate) struct Front {
    sender: Sender,
    receiver: Receiver,
    attended: bool,
    asks_again: bool,
}

/// How an ssh of the front's ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct SshEnd {
    pub(super) code: u8,
    pub(super) failed: bool,
}

/// Runs a holder to its end, which is the exit code of the whole.
pub async fn run() -> u8 {
    let Ok((order, mut front, stops)) = meet().await else {
        Console::new(false).say("fieldlink-connect: only fieldlink-connect itself starts hold");
        return Kind::Usage.code();
    };
    let console = Console::new(order.json);
    match hold(&order, &mut front, stops, &console).await {
        Ok(code) => code,
        Err(failure) => {
            console.tell(&Progress::failed(&failure));
            failure.kind.code()
        }
    }
}

async fn meet() -> anyhow::Result<(Order, Front, (Stops, tokio::sync::mpsc::Sender<()>))> {
    let (reader, writer) = platform::inherited_socket()?.into_split();
    let (sender, mut receiver) = (Sender::new(writer), Receiver::new(reader));
    let order: Order = receiver.next().await.context("no order came")?;
    let stops = Stops::new(platform::inherited_socket()?)?;
    let (attended, asks_again) = (order.attended, order.asks_again);
    Ok((order, Front { sender, receiver, attended, asks_again }, stops))
}

async fn hold(
    order: &Order,
    front: &mut Front,
    (mut stops, end): (Stops, tokio::sync::mpsc::Sender<()>),
    console: &Console,
) -> Result<u8, Failure> {
    let desk = Desk::load(&Directories::from_environment()?)?;
    let call = order.call();
    let way = match desk.runtime.abandoned(call.id)? {
        Some(restart) => Way::Back(restart),
        None => Way::New(front),
    };
    let session = match open(&desk, &call, way, console, (&mut stops, end)).await {
        Ok(session) => session,
        Err(not_opened) => return refuse(not_opened, console),
    };
    session.progress().inspect(|progress| console.tell(progress));
    let held = Held { session, stops, console };
    match order.uses {
        Uses::Others if order.json => held.hold().await,
        Uses::Others => {
            let mut held = held;
            held.offer().await;
            console.say("the session is open; Ctrl-C ends it");
            held.hold().await
        }
        Uses::Shell => {
            let mut held = held;
            held.offer().await;
            held.shell(front).await
        }
        Uses::Command => held.command(front).await,
    }
}

/// The exit code of a call that led to no session.
fn refuse(not_opened: NotOpened, console: &Console) -> Result<u8, Failure> {
    match not_opened {
        NotOpened::Failed(failure) => Err(failure),
        NotOpened::Stopped(Stop::FrontGone) => Ok(Signal::HangUp.exit_code()),
        NotOpened::Stopped(Stop::Signal(signal)) => {
            console.say("stopped before the session began");
            Ok(signal.exit_code())
        }
        NotOpened::Stopped(Stop::Requested) => {
            Err(Failure::new(Kind::SessionOver, "ended before the session began, as you asked"))
        }
    }
}

impl Front {
    /// The next PIN. Safe to cancel.
    pub(crate) async fn pin(&mut self) -> Result<Pin, Failure> {
        self.sender.send(&ToFront::Pin).await;
        match self.receiver.next().await {
            Some(ToHolder::Pin { digits }) => {
                Pin::parse(&digits).map_err(|error| Failure::usage(error.to_string()))
            }
            Some(ToHolder::NoPin { code, message }) => Err(Failure::new(Kind::of_code(code), message)),
            _ => Err(Failure::usage("no PIN came")),
        }
    }

    /// Has ssh started with the file `config`, for the host `alias`.
    pub(super) async fn start_ssh(&mut self, config: PathBuf, alias: String) {
        self.sender.send(&ToFront::Ssh { config, alias }).await;
    }

    /// Whether a person is there, who can end a session that is left over.
    pub(super) fn is_attended(&self) -> bool {
        self.attended
    }

    /// Whether a wrong PIN can be typed again.
    pub(crate) fn asks_again(&self) -> bool {
        self.asks_again
    }

    /// Waits for the end of the front's ssh. Safe to cancel. A front that is gone never tells; that is
    /// noticed elsewhere.
    pub(super) async fn ssh_end(&mut self) -> SshEnd {
        loop {
            match self.receiver.next().await {
                Some(ToHolder::SshEnded { code, failed }) => return SshEnd { code, failed },
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    pub(super) async fn stop_ssh(&mut self) {
        self.sender.send(&ToFront::NoSsh).await;
        let _ = timeout(FAREWELL, self.ssh_end()).await;
    }
}
