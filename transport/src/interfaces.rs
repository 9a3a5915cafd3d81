//! The network interfaces of this computer, as far as whoever follows them has told.

use std::sync::Arc;

/// The interfaces that lead outside, by their names. None is known where nobody follows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The one that connections take by themselves.
    pub primary: Option<Arc<str>>,
    /// Another one that has a way of its own.
    pub second: Option<Arc<str>>,
}
