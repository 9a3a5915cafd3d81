//! What programs have in common that run for long, and that others can cause work of: a log that nobody can flood or
//! forge, and a word to systemd that waits for nobody.

mod log;
pub mod systemd;

pub use log::*;
