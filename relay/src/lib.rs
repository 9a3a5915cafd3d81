//! The relay: agents and engineers dial it, it pairs them and splices their pipes.
//!
//! It sees sizes and times, never content. Who may do what is decided by the pure [`directory`];
//! the [`switchboard`] puts connections under it; the rest is how connections get there.
//!
//! | module | is |
//! |---|---|
//! | [`config`] | `relay.toml` |
//! | [`relay`], [`listen`] | bind, serve, drain |
//! | [`tls`], [`http`], [`handshake`] | from a TCP connection to an endpoint, or a refusal |
//! | [`arrivals`], [`permits`], [`memory`] | how many there may be, and what they cost |
//! | [`endpoint`] | the five endpoints: agent, engineer, pipe, measure, observer |
//! | [`control`], [`socket`], [`splice`] | control connections, WebSockets, pipes joined |
//! | [`anchors`] | what is signed of the accounts of sessions |
//! | [`time_stamps`] | what another authority says of their ends |
//! | [`fault`], [`pace`] | what peers do wrong, and too fast |
//! | [`directory`], [`switchboard`] | the rules, and the connections under them |
//! | [`tickets`], [`store`], [`clock`], [`coalesced`] | what is signed, what is remembered, for how long it counts, and how often strangers make it look |
//! | [`cli`], [`revocation`] | the operator's commands, and the one that needs no disk |

pub mod anchors;
pub mod arrivals;
pub mod cli;
mod clock;
mod coalesced;
pub mod config;
mod control;
mod directory;
mod endpoint;
mod fault;
mod handshake;
mod http;
mod listen;
pub mod memory;
mod pace;
mod permits;
pub mod relay;
mod revocation;
mod socket;
mod splice;
pub mod store;
mod switchboard;
mod tickets;
pub mod time_stamps;
mod tls;

pub use config::Config;
pub use relay::Relay;
