//! Fieldlink's agent: remote access to a scanner, as its user allows it.
//!
//! [`access`] owns everything that runs; [`rules`] (pure) decides. The way of a call through the
//! modules: [`tunnel`] registers with the relay, [`session::pairing`] runs OPAQUE,
//! [`session::control`] is the sealed channel, [`session`] holds what a session needs; the crate `ssh` serves the engineer's
//! SSH connections, and talks to `fieldlink-session`. Beside all that, [`network`] says how good the network is.

pub mod access;
pub mod args;
mod battery;
mod bus_names;
mod carry_on;
mod clock;
pub mod config;
pub mod diagnosis;
mod engineers;
pub mod foreground;
pub mod health;
pub mod live;
mod maker_socket;
mod memory;
pub mod network;
mod observer;
pub mod operation;
pub mod record;
mod rules;
mod runbooks;
pub mod service;
mod session;
mod state_files;
mod task;
mod tunnel;
mod view;
