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
//! | [`endpoint`] | the four endpoints: agent, engineer, pipe, measure |
//! | [`control`], [`socket`], [`splice`] | control connections, WebSockets, pipes joined |
//! | [`fault`], [`pace`] | what peers do wrong, and too fast |
//! | [`directory`], [`switchboard`] | the rules, and the connections under them |
//! | [`tickets`], [`store`], [`clock`], [`coalesced`] | what is signed, what is remembered, for how long it counts, and how often strangers make it look |
//! | [`cli`], [`revocation`] | the operator's commands, and the one that needs no disk |

pub mod arrivals;
pub mod cli;
pub mod clock;
pub mod coalesced;
pub mod config;
pub mod control;
pub mod directory;
pub mod endpoint;
pub mod fault;
pub mod handshake;
pub mod http;
pub mod listen;
pub mod memory;
pub mod pace;
pub mod permits;
pub mod relay;
pub mod revocation;
pub mod socket;
pub mod splice;
pub mod store;
pub mod switchboard;
pub mod tickets;
pub mod tls;

pub use config::Config;
pub use relay::Relay;
