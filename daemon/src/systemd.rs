//! Notifications to systemd (`sd_notify(3)`) that block for a tenth of a second at most: a manager that takes nothing
//! for a while must not stop a program that others talk to.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread::sleep;
use std::time::Duration;

pub use sd_notify::{NotifyState, watchdog_enabled};

/// Where systemd listens, if it started this program.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Tries for what is said once, and the pause between them. The next tick or status says the others again.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// Notifies systemd, if it started this program. Fails with `WouldBlock` if systemd takes nothing.
pub fn notify(states: &[NotifyState<'_>]) -> io::Result<()> {
    std::env::var_os(SOCKET).map_or(Ok(()), |address| send(&address, states))
}

fn send(address: &OsStr, states: &[NotifyState<'_>]) -> io::Result<()> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let message: String = states.iter().map(|state| format!("{state}\n")).collect();
    let is_said_again =
        states.iter().all(|state| matches!(state, NotifyState::Watchdog | NotifyState::Status(_)));
    let mut tries = if is_said_again { 1 } else { TRIES };
    loop {
        tries -= 1;
        match socket.send_to_addr(message.as_bytes(), &address) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries > 0 => sleep(PAUSE),
            sent => return sent.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Instant;

    use super::*;

    /// Much longer than all tries together take, even on a busy machine.
    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_manager_that_reads_nothing_holds_nobody_up() {
        let name = format!("fieldlink-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("a socket");
        let told = OsString::from(format!("@{name}"));
        send(&told, &[NotifyState::Ready, NotifyState::Status("well")]).expect("there is room");
        let mut message = [0; 64];
        let length = manager.recv(&mut message).expect("told");
        assert_eq!(&message[..length], b"READY=1\nSTATUS=well\n");
        let began = Instant::now();
        let full = (0..10_000).find_map(|_| send(&told, &[NotifyState::Watchdog]).err()).expect("full");
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        let full = send(&told, &[NotifyState::Stopping]).expect_err("full still");
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    }
}
