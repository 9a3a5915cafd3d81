//! What the end-to-end tests, the demo and the benchmarks are made of: real programs, real sockets,
//! a private certificate authority, and a relay that can be made to misbehave.

pub mod cable;
pub mod certificates;
pub mod container;
pub mod engineer;
pub mod fuzzing;
pub mod home;
pub mod lab;
pub mod meddler;
pub mod network_lab;
pub mod programs;
pub mod proxy;
pub mod raw;
pub mod relay;
pub mod scanner;
pub mod service;
pub mod terminal;
mod tun;

pub use cable::Cable;
pub use engineer::{Call, Engineer};
pub use home::Home;
pub use lab::{Lab, Namespace};
pub use proxy::{ProxyKind, ProxyServer};
pub use relay::{Relay, RelayOptions};
pub use scanner::{Scanner, ScannerOptions};
pub use service::Service;

use std::time::Duration;

/// How long anything that should happen may take before a test gives up. Never slept through.
pub const PATIENCE: Duration = Duration::from_secs(20);
