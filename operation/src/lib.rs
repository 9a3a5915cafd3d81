//! The program `fieldlink-operation`, and what it and the agent share.
//!
//! What must not be cut in half, a system update say, is a unit of the scanner's maker. `fieldlink-operation` is that
//! unit's main process, outside every session: it takes the agent's [`request`] from the unit's socket, runs the maker's
//! program, and keeps the [`record`] of it, from which the agent reads how far it is. The agent may be killed, or the
//! device restarted, meanwhile: what stands in the record is all there is to know. [`output`] (pure) cuts what the program
//! prints.

pub mod output;
pub mod record;
pub mod request;
pub mod run;

/// One test after the other: a program that one starts holds the locks of the others, too, from its fork to its exec.
#[cfg(test)]
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
