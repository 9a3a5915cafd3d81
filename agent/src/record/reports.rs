//! The report of a session that is over, for those who fetch it while the session stays for that.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use fieldlink_device::words::Language;
use fieldlink_evidence::Head;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::report::{Piece, ReportForm, ReportPiece, ReportWanted};
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

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
    made: Mutex<HashMap<Edition, Arc<File>>>,
    /// Those who read besides the engineers: as long as there is one, the session stays.
    pub(crate) readers: TaskTracker,
    /// None of these is to read any more.
    pub(crate) over: CancellationToken,
}

/// What there is of it. With each edition, the record is closed and signed by whoever signs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Editions {
    /// How the record ends with each.
    pub(crate) ends: Vec<Head>,
    /// There will be no other.
    pub(crate) are_all: bool,
}

/// A report that is made once: of the record that ends there, as it was then.
type Edition = (u64, ReportForm, Language);

/// What a report is fetched from. As long as there is one of these, the session stays.
#[derive(Clone)]
pub(crate) struct Fetch {
    pub(crate) reports: Arc<Reports>,
    _reader: TaskTrackerToken,
}

impl Fetch {
    /// One more reader.
    pub(crate) fn of(reports: Arc<Reports>) -> Self {
        Self { _reader: reports.readers.token(), reports }
    }
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
        let end = self.end_of(*edition as usize).await;
        let language = language.as_deref().and_then(language_of).unwrap_or(self.language);
        let made = match end {
            Some(end) => self.made((end.seq, *form, language)).await,
            None => None,
        };
        made.and_then(|file| read(&file, *form, *offset)).unwrap_or(ReportPiece::Missing { form: *form })
    }

    /// How the record ends with this edition, once it does; none if there is none of that.
    async fn end_of(&self, edition: usize) -> Option<Head> {
        let mut editions = self.editions.clone();
        let known = editions.wait_for(|it| it.ends.len() > edition || it.are_all).await;
        match known {
            Ok(editions) => editions.ends.get(edition).copied(),
            // Nobody is left to make another.
            Err(_) => self.editions.borrow().ends.get(edition).copied(),
        }
    }

    async fn made(&self, key: Edition) -> Option<Arc<File>> {
        let (last, form, language) = key;
        let mut made = self.made.lock().await;
        if let Some(file) = made.get(&key) {
            return Some(file.clone());
        }
        let (store, session) = (self.store.clone(), self.session);
        let making = spawn_blocking(move || reading::edition(&store, session, last, (language, form)));
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
