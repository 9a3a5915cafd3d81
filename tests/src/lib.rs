//! What the tests and the benchmarks are made of, beside the programs (`fieldlink_testbed`): laboratories of hosts
//! and cables, containers, proxies, and a relay that can be made to misbehave.

pub mod cable;
pub mod company;
pub mod container;
pub mod diagnosis;
pub mod disk;
pub mod fuzzing;
pub mod lab;
pub mod let_in;
pub mod maker;
pub mod meddler;
pub mod memory;
pub mod network_lab;
pub mod polkit;
pub mod proxy;
pub mod raw;
pub mod record;
pub mod service;
pub mod terminal;
mod tun;
pub mod two_ways;

pub use cable::Cable;
pub use fieldlink_testbed::{
    Authority, Call, Engineer, Home, PATIENCE, Relay, RelayOptions, Scanner, ScannerOptions, certificates,
    engineer, home, programs, relay, scanner,
};
pub use lab::{Lab, Namespace};
pub use maker::Maker;
pub use polkit::Polkit;
pub use proxy::{ProxyKind, ProxyServer};
pub use service::Service;
pub use two_ways::TwoWays;
