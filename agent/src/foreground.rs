//! Remote access in a terminal, without the bus: for development.

use std::path::PathBuf;

use anyhow::Context;
use fieldlink_daemon::{StopSignal, StopSignals};
use fieldlink_device::console::{self, Feed, InputEnd};
use fieldlink_device::order::Order;
use fieldlink_protocol::reason::Reason;
use tokio::sync::mpsc;

use crate::access::{Access, Command};
use crate::config::Config;
use crate::network::Monitor;
use crate::record::RecordStore;
use crate::session::SessionDeps;
use crate::state_files::StateFiles;

/// Orders that the console may be ahead with.
const ORDERS: usize = 16;

/// Starts remote access and shows it, until it fails or is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let (dialer, words) = (config.dialer()?, config.words());
    let network = Monitor::start(dialer.clone());
    let (commands, queue) = mpsc::channel(ORDERS);
    let (sender, orders) = mpsc::channel(ORDERS);
    let mut around = SessionDeps::new(&config, dialer, config.child_launch()?);
    around.records = RecordStore::of_agent(own_state_directory(), &config.record);
    let (access, handle) =
        Access::new(config, around, network.handle(), queue, (StateFiles::nowhere(), None))?;
    let mut access = tokio::spawn(access.run());
    let notifications = handle.notifications.subscribe();
    let feed = Feed { view: handle.view, notifications, orders: sender };
    let _ = commands.send(Command::of(Order::Start)).await;
    let console = tokio::spawn(console::run(words, feed, InputEnd::GoOn));
    let giving = tokio::spawn(give(orders, commands.clone()));
    let mut signals = StopSignals::listen()?;
    let ended = tokio::select! {
        ended = &mut access => ended,
        signal = signals.next() => {
            // Ctrl-C is the client's; a closed terminal or a stop from outside is not.
            let reason = if signal == StopSignal::Interrupt { Reason::ClientEnded } else { Reason::AgentStopped };
            let _ = commands.send(Command::of(Order::Shutdown(reason))).await;
            // The console must not offer to start it again: this program ends.
            console.abort();
            access.await
        }
    };
    console.abort();
    giving.abort();
    network.close().await;
    ended.context("remote access failed")?
}

/// Where a program of somebody's own keeps its state (the XDG Base Directory Specification).
fn own_state_directory() -> Option<PathBuf> {
    let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")))?;
    Some(state.join("fieldlink-agent"))
}

/// Passes on what the console orders; what comes of it shows in the view.
async fn give(mut orders: mpsc::Receiver<Order>, commands: mpsc::Sender<Command>) {
    while let Some(order) = orders.recv().await {
        if commands.send(Command::of(order)).await.is_err() {
            return;
        }
    }
}
