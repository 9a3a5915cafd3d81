//! Descriptors that the caller of this program left open, known by their numbers alone.
//!
//! The only module of this crate that uses `unsafe`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

/// Takes over the descriptor `number`, whatever it leads to. No child inherits it, because it may carry a
/// secret.
pub(super) fn take(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: it touches no memory, and a number that is not open is an error.
    let copy = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just made this descriptor for us; nothing else knows it.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    nix::unistd::close(number)?;
    Ok(copy)
}
