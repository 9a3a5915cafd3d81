//! The maker's probes: asked all at once, each bounded in time, lines and bytes. `docs/PROBES.md` describes what they write.
//!
//! A probe writes lines of JSON and hangs up. It is sent nothing. Whatever it says is cut off at the bounds and made
//! harmless, and what is wrong with it is told in its place.

use std::path::PathBuf;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::health::{Probe, ProbeFault, Reading};
use futures_util::future::join_all;
use nix::sys::socket::SockType;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::config::ProbeSettings;
use crate::maker_socket::{self, SocketFault};

/// Asks all of them at the same time.
pub(super) async fn collect(probes: &[ProbeSettings]) -> Vec<Probe> {
    join_all(probes.iter().map(ask)).await
}

async fn ask(probe: &ProbeSettings) -> Probe {
    let mut readings = Vec::new();
    let asked = timeout(limits::PROBE_PATIENCE, read(probe.socket(), &mut readings)).await;
    let fault = match asked {
        Ok(Ok(())) if readings.is_empty() => Some(ProbeFault::Silent),
        Ok(outcome) => outcome.err(),
        Err(_) => Some(ProbeFault::Slow),
    };
    if let Some(fault) = fault {
        tracing::debug!(probe = probe.name, ?fault, "a probe did not say all");
    }
    Probe { name: probe.name.clone(), readings, fault }
}

/// Reads into `readings` until the probe hangs up. What it said before a fault counts.
async fn read(socket: PathBuf, readings: &mut Vec<Reading>) -> Result<(), ProbeFault> {
    let mut lines = BufReader::new(connect(socket)?.take(limits::PROBE_BYTES as u64 + 1));
    let mut all = 0;
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut lines).take(limits::PROBE_LINE as u64 + 1);
        let count = bounded.read_until(b'\n', &mut line).await.map_err(|_| ProbeFault::Unreachable)?;
        if count == 0 {
            return Ok(());
        }
        all += count;
        let is_full = readings.len() >= limits::PROBE_READINGS;
        if is_full || count > limits::PROBE_LINE || all > limits::PROBE_BYTES {
            return Err(ProbeFault::TooLong);
        }
        readings.push(Reading::from_line(&line).ok_or(ProbeFault::Malformed)?);
    }
}

fn connect(socket: PathBuf) -> Result<UnixStream, ProbeFault> {
    let connection = maker_socket::open(&socket, SockType::Stream).map_err(|fault| {
        tracing::debug!(%fault, "could not ask a probe");
        match fault {
            SocketFault::Exposed(_) | SocketFault::Foreign(_) => ProbeFault::Exposed,
            SocketFault::Unreachable { .. } => ProbeFault::Unreachable,
        }
    })?;
    UnixStream::from_std(connection.into()).map_err(|_| ProbeFault::Unreachable)
}
