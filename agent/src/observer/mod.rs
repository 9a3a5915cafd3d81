//! Those who only watch: each connection of theirs has a task, which shows them what happens and hears nothing but who
//! they are.
//!
//! An observer's pipe begins with an OPAQUE run on the link's key (`exchange.rs`), so the relay, which passes the pipe on
//! and hands out the ticket, learns nothing from the link, nor does somebody who finds the link later. The link is for the
//! first device that shows one of its own (`device.rs`). Nothing waits for an observer: what terminals show is taken from
//! what is kept of them (`live`), and of what else happens one that is slow misses some.

mod device;
mod exchange;
mod feed;
mod stream;

pub(crate) use device::Device;
pub(crate) use feed::feed;
pub(crate) use stream::{ObserverNews, Over, Stream};
