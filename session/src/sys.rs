//! The calls that have no safe form in `nix`, tokio or the standard library.
//!
//! The only module outside the tests that uses `unsafe`; every other crate forbids it.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use tokio::io::unix::AsyncFd;

use crate::wire::TerminalSize;

const HEADER: usize = std::mem::size_of::<libc::cmsghdr>();

/// Takes every descriptor that the kernel wrote into a control buffer.
///
/// `nix` refuses to look into a truncated control buffer, and then the descriptors that did arrive
/// would stay open for ever; so the buffer is read here. It must have been zeroed before the call
/// to `recvmsg`, and be passed here once.
pub(crate) fn adopt_received(control: &[u8]) -> Vec<OwnedFd> {
    received(control)
        .into_iter()
        // SAFETY: the kernel has just installed these descriptors for us; nothing else knows them.
        .map(|raw| unsafe { OwnedFd::from_raw_fd(raw) })
        .collect()
}

/// Lets tokio wait for a descriptor.
pub fn register(descriptor: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open, and stays the same file for as long as it is owned.
    Ok(unsafe { AsyncFd::register(descriptor) }?)
}

/// Sets the size of the terminal behind a PTY master.
pub fn set_terminal_size(master: BorrowedFd<'_>, size: TerminalSize) -> Result<(), Errno> {
    let size = libc::winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: size.pixel_width,
        ws_ypixel: size.pixel_height,
    };
    // SAFETY: TIOCSWINSZ reads one winsize, which outlives the call.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    Errno::result(result).map(drop)
}

/// Marks every descriptor from `first` up as closed on exec. By `/proc`: `close_range` cannot before Linux 5.11.
pub(crate) fn close_on_exec_from(first: RawFd) -> Result<(), Errno> {
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    let entries = std::fs::read_dir("/proc/self/fd").map_err(errno)?;
    let entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(errno)?;
    let numbers = entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|number: &RawFd| *number >= first) {
        // SAFETY: only a flag of the descriptor changes; no memory is passed and none is closed.
        match Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }) {
            // That of the listing itself is closed by now.
            Ok(_) | Err(Errno::EBADF) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives what the C library's allocator keeps free back to the system.
pub fn trim_heap() {
    // SAFETY: it takes no pointer and may be called at any time, on any thread (malloc_trim(3)).
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

// One SCM_RIGHTS header comes first or not at all: the kernel merges them, and no other control
// message is switched on for these sockets.
fn received(control: &[u8]) -> Vec<RawFd> {
    let word = std::mem::size_of::<usize>();
    let Some(length) = control.get(..word).and_then(|bytes| bytes.try_into().ok()) else {
        return Vec::new();
    };
    let length = usize::from_ne_bytes(length).min(control.len());
    let kind = (number(control, word), number(control, word + 4));
    if length < HEADER || kind != (Some(libc::SOL_SOCKET), Some(libc::SCM_RIGHTS)) {
        return Vec::new();
    }
    (HEADER..length).step_by(4).filter_map(|at| number(&control[..length], at)).collect()
}

fn number(bytes: &[u8], at: usize) -> Option<i32> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(i32::from_ne_bytes(four))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_control_buffer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            received(&bytes);
        }
    }

    #[test]
    fn what_is_open_does_not_reach_other_programs() {
        let file = std::fs::File::open("/dev/null").expect("there");
        // SAFETY: the copy is ours alone.
        let open = unsafe { OwnedFd::from_raw_fd(libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 100)) };
        let seen_by_others = || {
            let link = format!("/proc/self/fd/{}", open.as_raw_fd());
            std::process::Command::new("test").args(["-e", &link]).status().expect("it runs").success()
        };
        assert!(seen_by_others());
        close_on_exec_from(open.as_raw_fd()).expect("/proc is there");
        assert!(!seen_by_others());
    }

    #[test]
    fn an_untouched_buffer_holds_nothing() {
        assert!(received(&[0; 64]).is_empty());
    }
}
