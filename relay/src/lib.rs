//! The relay: agents and engineers dial it, it pairs them and splices their pipes.
//!
//! It sees sizes and times, never content. Who may do what is decided by the pure [`directory`];
//! the [`switchboard`] puts connections under it; the rest is how connections get there.
//!
//! | module | is |
//! |---|---|
//! | [`config`] | `relay.toml` |
//! | [`relay`] | bind, serve, drain |
//! | [`tls`], [`http`], [`handshake`] | from a TCP connection to an endpoint, or a refusal |
//! | [`arrivals`], [`permits`], [`memory`] | how many there may be, and what they cost |
//! | [`agent`], [`engineer`], [`pipe`], [`measure`] | the four endpoints |
//! | [`control`], [`socket`], [`splice`] | control connections, WebSockets, pipes joined |
//! | [`fault`], [`pace`] | what peers do wrong, and too fast |
//! | [`directory`], [`switchboard`] | the rules, and the connections under them |
//! | [`tickets`], [`store`], [`coalesced`] | what is signed, what is remembered, and how often strangers make it look |
//! | [`cli`] | the operator's commands |

pub mod agent;
pub mod arrivals;
pub mod cli;
pub mod coalesced;
pub mod config;
pub mod control;
pub mod directory;
pub mod engineer;
pub mod fault;
pub mod handshake;
pub mod http;
pub mod measure;
pub mod memory;
pub mod pace;
pub mod permits;
pub mod pipe;
pub mod relay;
pub mod socket;
pub mod splice;
pub mod store;
pub mod switchboard;
pub mod tickets;
pub mod tls;

pub use config::Config;
pub use relay::Relay;
