//! The report of a session that is over, for those who fetch it while the session stays for that.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use fieldlink_device::words::Language;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::report::{Piece, ReportForm, ReportPiece, ReportWanted};
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reading;
use super::store::RecordStore;

/// The report of one session: made once its record is closed, once for everybody, so that all get the same bytes.
pub(crate) struct Reports {
    store: Arc<RecordStore>,
    session: SessionId,
    /// The device's.
    language: Language,
    editions: watch::Receiver<Editions>,
    /// For as long as the session stays: there are few editions, forms and languages, and the length of each is bounded.
    made: Mutex<HashMap<(u32, ReportForm, Language), Arc<File>>>,
    /// Those who read besides the engineers: as long as there is one, the session stays.
    pub(crate) readers: TaskTracker,
    /// None of these is to read any more.
    pub(crate) over: CancellationToken,
}

/// What there is of it. With each edition, the record is closed and signed by whoever signs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Editions {
    /// So many.
    pub(crate) made: u32,
    /// There will be no other.
    pub(crate) are_all: bool,
}

impl Reports {
    /// Of a session whose record is being written. The sender tells of its editions.
    pub(crate) fn new(
        store: Arc<RecordStore>,
        session: SessionId,
        language: Option<Language>,
    ) -> (Arc<Self>, watch::Sender<Editions>) {
        let (tell, editions) = watch::channel(Editions::default());
        let (made, readers, over) = (Mutex::default(), TaskTracker::new(), CancellationToken::new());
        readers.close();
        let language = language.unwrap_or_default();
        (Arc::new(Self { store, session, language, editions, made, readers, over }), tell)
    }

    /// A piece of it, once that edition is made. Safe to cancel.
    pub(crate) async fn piece(
        &self,
        ReportWanted { form, language, edition, offset }: &ReportWanted,
    ) -> ReportPiece {
        let is_made = async {
            let mut editions = self.editions.clone();
            // Nobody is left to make another.
            let known = editions.wait_for(|it| it.made > *edition || it.are_all).await.map(|it| it.made);
            known.unwrap_or_else(|_| self.editions.borrow().made) > *edition
        };
        let is_made = is_made.await;
        let language = language.as_deref().and_then(language_of).unwrap_or(self.language);
        let made = if is_made { self.made((*edition, *form, language)).await } else { None };
        made.and_then(|file| read(&file, *form, *offset)).unwrap_or(ReportPiece::Missing { form: *form })
    }

    async fn made(&self, key: (u32, ReportForm, Language)) -> Option<Arc<File>> {
        let (_, form, language) = key;
        let mut made = self.made.lock().await;
        if let Some(file) = made.get(&key) {
            return Some(file.clone());
        }
        let (store, session) = (self.store.clone(), self.session);
        let making = spawn_blocking(move || reading::report(&store, session, language, form));
        let file = match making.await {
            Ok(Ok(file)) => Arc::new(file),
            failed => {
                tracing::warn!(%session, ?form, ?failed, "there is no report to fetch");
                return None;
            }
        };
        made.insert(key, file.clone());
        Some(file)
    }
}

/// The language of a tag (BCP 47), if there are words in it: its first part names it.
fn language_of(tag: &str) -> Option<Language> {
    tag.split('-').next().and_then(Language::from_code)
}

/// It is in memory: nothing waits.
fn read(file: &File, form: ReportForm, offset: u64) -> Option<ReportPiece> {
    let total = file.metadata().ok()?.len();
    if total > limits::REPORT || offset > total {
        return None;
    }
    let length = (total - offset).min(limits::REPORT_PIECE as u64);
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(ReportPiece::Bytes { form, offset, total, bytes: Piece(bytes) })
}
