//! The real program, without an agent.
#![cfg(unix)]

mod engineer;
mod offline;
mod relay_answers;
mod surroundings;
