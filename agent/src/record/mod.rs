//! The record of a session, written as it happens.
//!
//! What happens is told to a recorder, which never waits (`queue.rs`): a thread of its own writes it (`writer.rs`), another makes
//! sure that it reaches the disk (`syncer.rs`), and a third takes the hashes of files that are transferred
//! (`hashing.rs`). What they cannot keep up with is left out of the record, both sides are told, and the record says so.
//!
//! The formats are those of `fieldlink-evidence`; which records there are is the store's matter (`store.rs`).

mod account;
mod aside;
mod changes;
mod channels;
mod device_key;
mod disk;
mod earlier;
mod hashing;
mod queue;
mod reading;
mod recording;
mod reports;
mod settings;
mod store;
mod syncer;
mod terminal;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use account::{Told, let_in_by_pin, told};
pub(crate) use channels::Channels;
pub(crate) use queue::Moment;
pub(crate) use reading::{latest_closed, names, open, receipt, report};
pub(crate) use recording::{ClosedRecord, Recording, RecordingNews};
pub(crate) use reports::{Editions, Fetch, Reports};
pub use settings::RecordSettings;
pub use store::{Deletion, RecordStore, StoreError, StoredRecord};
