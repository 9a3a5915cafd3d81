//! `serve`: the relay as a process.

use std::io::Write;

use anyhow::Context;
use fieldlink_daemon::StopSignals;
use fieldlink_daemon::systemd::{self, NotifyState};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use super::BadConfiguration;
use crate::config::Config;
use crate::relay::{Relay, RelayError};
use crate::store::StoreError;

/// Descriptors for other things than connections.
const OTHER_FILES: u64 = 64;

/// Runs the relay until a signal stops it.
pub(super) fn serve(config: Config, print_address: bool) -> anyhow::Result<()> {
    raise_file_limit(config.limits.all_connections());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the relay's threads")?;
    let result = runtime.block_on(run(config, print_address));
    // Everything was waited for but the resolution of the authority's name, which is the system's, cannot be cancelled, and
    // may take half a minute.
    runtime.shutdown_background();
    result
}

async fn run(config: Config, print_address: bool) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let mut signals = StopSignals::listen().context("could not listen for signals")?;
    let relay = Relay::bind(config).await.map_err(judge)?;
    if print_address {
        let mut stdout = std::io::stdout();
        for address in relay.local_addresses() {
            writeln!(stdout, "listening on {address}").context("could not print the address")?;
        }
        stdout.flush().context("could not print the address")?;
    }
    let addresses: Vec<_> = relay.local_addresses().iter().map(ToString::to_string).collect();
    let status = format!("Listening on {}", addresses.join(", "));
    notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    let serving = relay.run(shutdown.clone());
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => return result.map(|_| ()).map_err(Into::into),
        signal = signals.next() => tracing::info!(?signal, "told to stop: closing every connection"),
    }
    notify(&[NotifyState::Stopping]);
    shutdown.cancel();
    let cut = serving.await?;
    if cut > 0 {
        tracing::warn!(cut, "some connections did not close in time and were cut");
    }
    Ok(())
}

/// Tells what a restart might mend from what it does not.
fn judge(error: RelayError) -> anyhow::Error {
    match error {
        RelayError::Store(newer @ StoreError::Newer { .. }) => BadConfiguration::Store(newer).into(),
        other => other.into(),
    }
}

/// Reports to systemd; without systemd it does nothing.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = systemd::notify(state) {
        tracing::warn!(%error, "could not tell systemd");
    }
}

/// Every connection needs a descriptor. The soft limit, often 1024, is raised as far as it may be.
fn raise_file_limit(connections: u64) {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map(|()| hard));
    match raised {
        Ok(limit) if limit < connections + OTHER_FILES => {
            tracing::info!(
                limit,
                connections,
                "the limit of open files permits fewer connections than the configured limits (ulimit -n, LimitNOFILE=)"
            );
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "could not raise the limit of file descriptors");
        }
    }
}
