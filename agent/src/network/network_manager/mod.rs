//! NetworkManager's D-Bus objects (1.36 and later), and one picture of them.

mod picture;
mod proxies;

pub(super) use picture::{Picture, take};
pub(super) use proxies::{NAME, ROOT};
