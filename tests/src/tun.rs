//! Opens TUN devices. There is no way to ask the kernel for one without this one unsafe call.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

use nix::libc::{IFF_NO_PI, IFF_TUN, c_int, c_short};

nix::ioctl_write_ptr!(set_interface, b'T', 202, c_int);

/// The kernel's `struct ifreq`, as far as this request reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: c_short,
    rest: [u8; 22],
}

/// A device called `name`, which is gone when the file is closed.
pub(crate) fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?;
    let mut request = Request { name: [0; 16], flags: (IFF_TUN | IFF_NO_PI) as c_short, rest: [0; 22] };
    let bytes = name.as_bytes();
    if bytes.len() >= request.name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name is too long for a device"));
    }
    request.name[..bytes.len()].copy_from_slice(bytes);
    // SAFETY: the kernel reads one ifreq (40 bytes) at the pointer, which outlives the call; the type in
    // the macro only makes up the request's number, which is defined with an int.
    unsafe { set_interface(file.as_raw_fd(), (&raw const request).cast()) }?;
    Ok(file)
}
