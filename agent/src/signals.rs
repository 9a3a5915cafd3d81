//! The signals that stop the agent.

use tokio::signal::unix::{SignalKind, signal};

/// Which one it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// `SIGINT`: Ctrl-C in a terminal.
    Interrupt,
    /// `SIGTERM`: from outside.
    Terminate,
    /// `SIGHUP`: the terminal is gone. It stops the service, too, which has none to lose.
    HangUp,
}

/// Waits for one. From the first poll on they do nothing by themselves.
pub(crate) async fn stop() -> std::io::Result<StopSignal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => StopSignal::Interrupt,
        _ = terminate.recv() => StopSignal::Terminate,
        _ = hang_up.recv() => StopSignal::HangUp,
    })
}
