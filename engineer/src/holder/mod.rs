//! Two processes make one `fieldlink-connect`. The *front* is what the engineer started: the terminal, the
//! prompts and ssh are its own, and job control may stop it at any time. The *holder* is its child, in a
//! process group of its own where neither Ctrl-C nor Ctrl-Z reaches it: it opens the session and holds it.
//!
//! They speak lines of JSON over a socket, which is the holder's standard input. The holder asks for the PIN
//! and has ssh started and stopped. A front that is gone without a word (its terminal was closed, or it was
//! killed) leaves a session that can be come back to.

mod front;
mod held;
mod process;
pub(crate) mod wire;

pub(crate) use front::{Ended, Event, Holder};
pub(crate) use process::run;
pub(crate) use wire::{Order, ToFront, ToHolder, Uses};
