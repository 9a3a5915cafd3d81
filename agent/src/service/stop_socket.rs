//! The agent's side of the emergency stop ([`fieldlink_device::emergency_stop`]).

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use fieldlink_daemon::AUDIT;
use fieldlink_device::bus::ErrorCode;
use fieldlink_device::emergency_stop::{DONE, order_of, read_line, word_for};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::authority::Authority;
use super::error::code_of;
use crate::access::Command;

/// Within this time a peer must send its order, and then take the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Such connections at the same time; further ones wait.
const CONNECTIONS: usize = 4;
/// Between two tries to make the socket.
const BIND_AGAIN: Duration = Duration::from_secs(10);
/// After a failed `accept` (no descriptors, say).
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is cancelled.
pub(super) async fn serve(path: &Path, commands: mpsc::Sender<Command>, authority: Authority) {
    let Some(listener) = bound(path).await else { return };
    let mut pressed = JoinSet::new();
    loop {
        if pressed.len() >= CONNECTIONS {
            pressed.join_next().await.into_iter().for_each(note_failure);
        }
        match listener.accept().await {
            // A process that may not stop anything is not even read from.
            Ok((stream, _)) => {
                if let Some(user) = permitted(&stream, &authority) {
                    pressed.spawn(answer(stream, user, commands.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept at the emergency stop");
                tokio::time::sleep(PAUSE).await;
            }
        }
        while let Some(ended) = pressed.try_join_next() {
            note_failure(ended);
        }
    }
}

/// The peer reads no answer then, and tries over the bus.
fn note_failure(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an emergency stop failed by itself");
    }
}

/// The socket, as soon as it can be made: this device's `/run` may be full for a while. Without the directory, in
/// development, there is none.
async fn bound(path: &Path) -> Option<UnixListener> {
    loop {
        let error = match bind(path) {
            Ok(listener) => return Some(listener),
            Err(error) => error,
        };
        tracing::warn!(%error, path = %path.display(), "there is no emergency stop");
        if error.kind() == io::ErrorKind::NotFound {
            return None;
        }
        tokio::time::sleep(BIND_AGAIN).await;
    }
}

/// Replaces the socket of a run before. The directory and [`permitted`] decide which processes may use it.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// The account at the other end, by the kernel's word, if it may end a session.
fn permitted(stream: &UnixStream, authority: &Authority) -> Option<u32> {
    let peer = stream.peer_cred().ok()?;
    let process = peer.pid().and_then(|pid| u32::try_from(pid).ok());
    authority.may_stop(peer.uid(), process).then_some(peer.uid())
}

async fn answer(mut stream: UnixStream, user: u32, commands: mpsc::Sender<Command>) {
    let Ok(Ok(word)) = timeout(PATIENCE, read_line(&mut stream)).await else { return };
    let told = match order_of(&word) {
        None => word_for(ErrorCode::InvalidArgument),
        Some(order) => {
            tracing::info!(target: AUDIT, user, word, "emergency stop");
            Command::ask(&commands, order)
                .await
                .map_or_else(|refusal| word_for(code_of(refusal)), |()| DONE.to_owned())
        }
    };
    // A peer that has gone needs no answer.
    let _ = timeout(PATIENCE, stream.write_all(format!("{told}\n").as_bytes())).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rules::Refusal;
    use crate::service::powers::DevicePowers;
    use fieldlink_device::emergency_stop::{StopError, press};
    use fieldlink_device::order::Order;

    /// What comes of a press, and whether an order arrived. `user` sits at the device.
    async fn press_once(
        (support, user): (u32, u32),
        outcome: Result<(), Refusal>,
    ) -> (Result<(), StopError>, bool) {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, seats) = (directory.path().join("socket"), directory.path().join("seats"));
        std::fs::write(&path, "of a run before").expect("writable");
        std::fs::create_dir(&seats).expect("writable");
        std::fs::write(seats.join("seat0"), format!("ACTIVE=1\nACTIVE_UID={user}\n")).expect("writable");
        let (commands, mut orders) = mpsc::channel(1);
        let (authority, at) =
            (Authority::of(Some(support), Arc::new(DevicePowers::with_seats(&seats))), path.clone());
        let serving = tokio::spawn(async move { serve(&at, commands, authority).await });
        while !std::fs::metadata(&path).is_ok_and(|found| found.permissions().mode() & 0o777 == 0o666) {
            tokio::task::yield_now().await;
        }
        let carrying_out = tokio::spawn(async move {
            let Some(command) = orders.recv().await else { return false };
            if let Some(reply) = command.reply {
                let _ = reply.send(outcome);
            }
            matches!(command.order, Order::End)
        });
        let pressed = press(&path, "end").await;
        serving.abort();
        (pressed, carrying_out.await.expect("no panic"))
    }

    #[tokio::test]
    async fn whoever_sits_there_ends_the_session_and_nobody_else() {
        let me = nix::unistd::getuid().as_raw();
        let (pressed, is_ended) = press_once((me + 1, me), Ok(())).await;
        assert!(pressed.is_ok() && is_ended, "{pressed:?}");
        let (pressed, _) = press_once((me + 1, me), Err(Refusal::NoSession)).await;
        assert!(matches!(pressed, Err(StopError::Refused(ErrorCode::NoSession))));
        for (support, in_front) in [(me, me), (me + 1, me + 2)] {
            let (pressed, is_ended) = press_once((support, in_front), Ok(())).await;
            assert!(matches!(pressed, Err(StopError::Unreachable(_))) && !is_ended, "{pressed:?}");
        }
    }
}
