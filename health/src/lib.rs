//! A device's health as people read it: sentences, a table for a terminal, and one line for programs.
//!
//! The same on both sides of a call, so that what the client reads out is what the engineer sees. What health is and what
//! of it is worth a warning stands in `fieldlink_protocol::health`, how it is collected in the agent.

mod changes;
mod table;
mod words;

pub use table::{to_json, to_text};
pub use words::Words;
