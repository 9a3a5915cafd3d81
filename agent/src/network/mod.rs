//! The network as it looks from this device, in one verdict.
//!
//! ```text
//! NetworkManager ──▶ watcher ──▶ NetworkState ─┐
//! the tunnel, a probe, a measurement ─▶ Reach ─┼─▶ verdict: N0 … N14, a sentence, an engineer's line
//! the clock ─▶ Clock ──────────────────────────┘
//! ```
//!
//! [`state`] and [`verdict`] are pure. [`watcher`] follows NetworkManager's signals, [`monitor`] runs
//! for as long as the agent does, [`check`] is `fieldlink-agent check-network`.
//!
//! # How the verdict is made
//!
//! `network/` makes one verdict, N0 to N14, of three things: `state.rs` is NetworkManager's picture, `reach.rs`
//! what dialling and measuring found, `clock.rs` what the clock says. `verdict.rs` is the pure function over them;
//! its head says which of them counts when they contradict each other (the relay's answer before all else),
//! `verdict/sentence.rs` has the words. `watcher.rs` is an actor on the system bus: after a signal of an object
//! that the last picture was made of (`network_manager/`), it takes another; NetworkManager and the bus may both go
//! away and come back. `monitor.rs` keeps the verdict of a running agent: it calls `Dialer::network_changed` when
//! the way to the relay is another one (`state::Whereabouts`), measures after registering and after that, and asks
//! the relay itself when NetworkManager says that something is wrong, because a dead registration looks alive for a
//! minute. `check.rs` is `check-network`.

pub mod check;
pub mod clock;
pub mod monitor;
mod network_manager;
pub mod reach;
mod report;
pub mod state;
pub mod verdict;
pub mod watcher;

pub use monitor::Monitor;
pub use state::NetworkState;
pub use verdict::{Code, Verdict};
