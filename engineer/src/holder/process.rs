//! The holder's end: opens the session that the front wants, holds it, and ends it.

use super::held::Held;
use super::wire::{Order, Receiver, Sender, Uses};
use crate::context::CallContext;
use crate::directories::Directories;
use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::front_link::FrontLink;
use crate::platform;
use crate::platform::Signal;
use crate::progress::{Console, Progress};
use crate::session::{NotOpened, OpenMode, Stop, Stops, open};
use crate::words::say;
use fieldlink_protocol::reason::Reason;

/// Between two tries to reach the relay while the scanner restarts.
const DIALLED_AGAIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Runs a holder to its end, which is the exit code of the whole.
pub(crate) async fn run() -> u8 {
    let Some((order, mut front, stops)) = meet().await else {
        Console::new(false).say(&say!("program-says", message = say!("hold-started-by-hand")));
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

/// The front's order, the link to it, and what stops the session; `None` if no front has started this program.
async fn meet() -> Option<(Order, FrontLink, (Stops, tokio::sync::mpsc::Sender<()>))> {
    let (reader, writer) = platform::inherited_socket().ok()?.into_split();
    let (sender, mut receiver) = (Sender::new(writer), Receiver::new(reader));
    let order: Order = receiver.next().await?;
    let stops = Stops::new(platform::inherited_socket().ok()?).ok()?;
    let (attended, asks_again) = (order.attended, order.asks_again);
    Some((order, FrontLink::new((sender, receiver), attended, asks_again), stops))
}

async fn hold(
    order: &Order,
    front: &mut FrontLink,
    (mut stops, end): (Stops, tokio::sync::mpsc::Sender<()>),
    console: &Console,
) -> Result<u8, Failure> {
    let context = CallContext::load(&Directories::from_environment()?)?;
    let call = order.call();
    let (mut is_first, mut is_back) = (true, false);
    loop {
        let kept = context.runtime.abandoned(call.id)?;
        if is_back && kept.is_none() {
            let end = End::new(Reason::NotBack, Told::Here);
            return Err(Failure::new(Kind::SessionOver, end.sentence()));
        }
        is_back = true;
        let waits = kept.as_ref().is_some_and(|restart| restart.restarting);
        let way = match kept {
            Some(restart) => OpenMode::Back(restart, front),
            None => OpenMode::New(front),
        };
        let session = match open(&context, &call, way, console, (&mut stops, end.clone())).await {
            Ok(session) => session,
            // The network of this computer may be away while the scanner is, and the relay.
            Err(NotOpened::Failed(failure)) if waits && may_pass(&failure) => {
                if context.runtime.abandoned(call.id)?.is_none() {
                    return Err(failure);
                }
                tokio::time::sleep(DIALLED_AGAIN).await;
                continue;
            }
            Err(not_opened) => return refuse(not_opened, console),
        };
        session.progress().inspect(|progress| console.tell(progress));
        if order.uses == Uses::Shell && is_first {
            console.say(&say!("shells-are-killed"));
        }
        is_first = false;
        let mut restarts = false;
        let held = Held { session, stops: &mut stops, console, front: &mut *front, restarts: &mut restarts };
        let code = keep(held, order, console).await?;
        if !restarts {
            return Ok(code);
        }
        if order.uses == Uses::Command {
            // A command that was cut off is not begun anew by itself.
            return Err(Failure::new(
                Kind::SessionOver,
                say!("command-cut-by-restart", id = call.id.to_string()),
            ));
        }
    }
}

/// Whether another try may go better.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::RelayUnreachable | Kind::NotAvailable | Kind::Busy)
}

/// Keeps the session as it is used, until it is over or the scanner restarts.
async fn keep(held: Held<'_>, order: &Order, console: &Console) -> Result<u8, Failure> {
    match order.uses {
        Uses::Others if order.json => held.hold().await,
        Uses::Others => {
            let mut held = held;
            held.offer().await;
            console.say(&say!("session-is-open"));
            held.hold().await
        }
        Uses::View => held.view().await,
        Uses::Shell => held.shell().await,
        Uses::Command => held.command().await,
    }
}

/// The exit code of a call that led to no session.
fn refuse(not_opened: NotOpened, console: &Console) -> Result<u8, Failure> {
    match not_opened {
        NotOpened::Failed(failure) => Err(failure),
        NotOpened::Stopped(Stop::FrontGone) => Ok(Signal::HangUp.exit_code()),
        NotOpened::Stopped(Stop::Signal(signal)) => {
            console.say(&say!("stopped-before"));
            Ok(signal.exit_code())
        }
        NotOpened::Stopped(Stop::Requested) => Err(Failure::new(Kind::SessionOver, say!("ended-before"))),
    }
}
