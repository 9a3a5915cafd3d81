//! The holder's end: opens the session that the front wants, holds it, and ends it.

use anyhow::Context;

use super::held::Held;
use super::wire::{Order, Receiver, Sender, Uses};
use crate::context::CallContext;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::front_link::FrontLink;
use crate::platform;
use crate::platform::Signal;
use crate::progress::{Console, Progress};
use crate::session::{NotOpened, OpenMode, Stop, Stops, open};

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

async fn meet() -> anyhow::Result<(Order, FrontLink, (Stops, tokio::sync::mpsc::Sender<()>))> {
    let (reader, writer) = platform::inherited_socket()?.into_split();
    let (sender, mut receiver) = (Sender::new(writer), Receiver::new(reader));
    let order: Order = receiver.next().await.context("no order came")?;
    let stops = Stops::new(platform::inherited_socket()?)?;
    let (attended, asks_again) = (order.attended, order.asks_again);
    Ok((order, FrontLink::new((sender, receiver), attended, asks_again), stops))
}

async fn hold(
    order: &Order,
    front: &mut FrontLink,
    (mut stops, end): (Stops, tokio::sync::mpsc::Sender<()>),
    console: &Console,
) -> Result<u8, Failure> {
    let context = CallContext::load(&Directories::from_environment()?)?;
    let call = order.call();
    let way = match context.runtime.abandoned(call.id)? {
        Some(restart) => OpenMode::Back(restart),
        None => OpenMode::New(front),
    };
    let session = match open(&context, &call, way, console, (&mut stops, end)).await {
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
