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
