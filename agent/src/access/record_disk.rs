//! The records on the disk.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::record::RecordStore;

/// The records: what is done with them is done one after the other.
#[derive(Clone)]
pub(super) struct RecordDisk {
    pub(super) store: Arc<RecordStore>,
    turn: Arc<Mutex<()>>,
}

impl RecordDisk {
    pub(super) fn new(store: Arc<RecordStore>) -> Self {
        Self { store, turn: Arc::default() }
    }

    /// The records.
    pub(super) fn store(&self) -> &RecordStore {
        &self.store
    }

    /// Does something with them, after what was to be done before.
    pub(super) async fn run(&self, work: impl FnOnce(&RecordStore) + Send + 'static) {
        let _turn = self.turn.lock().await;
        let store = self.store.clone();
        let done = spawn_blocking(move || work(&store)).await;
        done.unwrap_or_else(|error| tracing::error!(%error, "work on the records failed by itself"));
    }
}
