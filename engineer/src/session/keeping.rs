//! Keeping the report of a session that is over, as it comes from the scanner.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::support_id::SupportId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Stops;
use crate::front_link::FrontLink;
use crate::platform;
use crate::progress::{Console, Progress};
use crate::reports::{About, Got, PATIENCE, ReportShelf, Shelved, Writing};
use crate::words::say;

/// What is said about a wait that is shorter would only flicker.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// Who waits for a report, and what can end that.
pub(crate) struct Keeping<'a> {
    /// Tells how far it is.
    pub console: &'a Console,
    /// Whoever has waited enough stops it.
    pub stops: &'a mut Stops,
    /// Need not wait for what the client says later; its exit code.
    pub front: (&'a mut FrontLink, u8),
}

/// Where the report of this session goes.
#[derive(Debug, Clone)]
pub(super) struct ReportPlace {
    pub(super) shelf: ReportShelf,
    pub(super) session: SessionId,
    pub(super) id: SupportId,
    pub(super) ticket: String,
}

impl Keeping<'_> {
    /// Keeps what comes, until all of it is there or nobody waits for it any more, and says where it is. The report, if a
    /// later edition of it may come.
    pub(super) async fn keep(
        &mut self,
        coming: &mut mpsc::Receiver<Got>,
        (place, scanner): (&ReportPlace, String),
    ) -> Option<Shelved> {
        let Self { console, stops, .. } = self;
        let kept = tokio::select! {
            biased;
            kept = timeout(limits::CLOSING, write(coming, console, (place, &scanner))) => kept.unwrap_or(Ok(None)),
            _ = stops.next() => Ok(None),
        };
        console.clear();
        let is_whole = matches!(&kept, Ok(Some(writing)) if writing.is_complete());
        let shelved = kept.and_then(|writing| writing.map(Writing::finish).transpose());
        let message = match shelved {
            Ok(Some(Some(Shelved { page: Some(page), .. }))) if !is_whole => {
                console.tell(&Progress::Report { path: page.display().to_string() });
                return None;
            }
            Ok(Some(Some(shelved))) if shelved.page.is_some() => {
                let path = shelved.page.as_ref().map(|page| page.display().to_string()).unwrap_or_default();
                console.tell(&Progress::Report { path });
                return Some(shelved);
            }
            Ok(Some(_)) => say!("report-incomplete"),
            // It was not wanted, or there is none.
            Ok(None) => return None,
            Err(error) => format!("{error:#}"),
        };
        console.tell(&Progress::ReportNotKept { message });
        None
    }

    /// Lets the front go, and keeps the later edition, if one comes: what the client says about the session.
    pub(super) async fn keep_on(self, coming: &mut mpsc::Receiver<Got>, shelved: &Shelved) {
        let Self { stops, front: (front, code), .. } = self;
        platform::go_to_background();
        front.leave(code).await;
        tokio::select! {
            biased;
            _ = stops.signal() => {}
            // Nobody is there to hear why it was not kept; the edition before is.
            _ = timeout(limits::CLOSING, replace(coming, shelved)) => {}
        }
    }
}

async fn replace(coming: &mut mpsc::Receiver<Got>, shelved: &Shelved) -> anyhow::Result<()> {
    let mut writing = None;
    while let Some(got) = coming.recv().await {
        if got == Got::LastEdition {
            return Ok(());
        }
        let writing = match &mut writing {
            Some(writing) => writing,
            empty => empty.insert(shelved.begin_next()?),
        };
        writing.take(&got)?;
        if writing.is_complete() {
            break;
        }
    }
    writing.map_or(Ok(()), |writing| writing.replace(shelved))
}

/// Writes down what comes. Nothing, if nothing has come.
async fn write(
    coming: &mut mpsc::Receiver<Got>,
    console: &Console,
    (place, scanner): (&ReportPlace, &str),
) -> anyhow::Result<Option<Writing>> {
    let begun = tokio::time::Instant::now();
    let mut next = match timeout(WORTH_SAYING, coming.recv()).await {
        Ok(got) => got,
        Err(_) => {
            console.working(&say!("waiting-for-report"));
            timeout(PATIENCE, coming.recv()).await.ok().flatten()
        }
    };
    let mut writing = None;
    while let Some(got) = next {
        let writing = match &mut writing {
            Some(writing) => writing,
            empty => empty.insert(place.begin(scanner)?),
        };
        writing.take(&got)?;
        if writing.is_complete() {
            break;
        }
        if let Got::Bytes { left, .. } = got
            && begun.elapsed() > WORTH_SAYING
        {
            console.working(&say!("fetching-report", kilobytes = left / 1_000));
        }
        next = timeout(PATIENCE, coming.recv()).await.ok().flatten();
    }
    Ok(writing)
}

impl ReportPlace {
    fn begin(&self, scanner: &str) -> anyhow::Result<Writing> {
        let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (id, ticket, scanner) = (self.id.to_string(), self.ticket.clone(), scanner.to_owned());
        self.shelf.begin(About { session: self.session, id, ticket, scanner, ended })
    }
}
