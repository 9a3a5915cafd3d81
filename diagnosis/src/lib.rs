//! A diagnosis of the device, as one archive: its health, excerpts of the journal and the maker's log files, without the
//! secrets that can be recognised in them, and a list of what was taken.
//!
//! `fieldlink-diagnose` collects it in a unit of its own, as an account that may read the journal and what `agent.toml`
//! lists, and nothing else of the device. Neither a session nor a network is needed. What is on its way to whom stands in
//! `fieldlink_protocol::messages::diagnosis`.

mod archive;
mod collect;
mod contents;
mod excerpt;
mod files;
mod journal;
mod redact;
mod settings;
mod walk;

pub use collect::{Diagnosis, collect};
pub use redact::redact;
pub use settings::DiagnosticsSettings;
