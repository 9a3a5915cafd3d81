//! What programs have in common that run for long, and that others can cause work of: a log that nobody can flood or
//! forge, a word to systemd that waits for nobody, and the signals that stop them.

mod log;
mod signals;
pub mod systemd;

pub use log::*;
pub use signals::{StopSignal, StopSignals};
