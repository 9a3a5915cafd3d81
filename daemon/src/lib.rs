//! What long-running programs share that untrusted peers can cause work for: a log that peers can neither flood nor
//! forge, notifications to systemd that hold nothing up, and the signals that stop the program.

mod log;
mod signals;
pub mod systemd;

pub use log::*;
pub use signals::{StopSignal, StopSignals};
