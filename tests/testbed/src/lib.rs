//! Fieldlink's programs as a test, the demo or a benchmark starts them: a relay with a private certificate
//! authority, scanners, engineers, and the hosts that they run on.

pub mod authority;
pub mod certificates;
pub mod engineer;
pub mod home;
pub mod namespace;
pub mod programs;
pub mod relay;
pub mod scanner;

pub use authority::Authority;
pub use engineer::{Call, Engineer};
pub use home::Home;
pub use namespace::Namespace;
pub use relay::{Relay, RelayOptions};
pub use scanner::{Scanner, ScannerOptions};

use std::time::Duration;

/// How long anything that should happen may take before a test gives up. Never slept through.
pub const PATIENCE: Duration = Duration::from_secs(20);
