//! The reports of sessions: fetched from the scanner when a session is over, and kept here.
//!
//! [`Fetching`] is pure: it says what to ask for and takes what comes; the control channel and whoever watches move it.

mod fetching;
mod shelf;

use std::time::Duration;

pub(crate) use fetching::{Fetching, Got};
pub(crate) use shelf::{About, Kept, ReportShelf, Shelved, Writing};

/// How long nothing may come of a report before nobody waits for it any more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(75);
