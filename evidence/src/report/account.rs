//! The model of a record: what the account tells, sorted by what readers ask for.

use std::io;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::announcements::Outcome;
use fieldlink_protocol::reason::Reason;

use super::channels::{self, Channel};
use super::checklists::{self, Checklist};
use super::exchanges::{self, Exchange};
use super::gaps::{self, Gap};
use super::health::{self, HealthSeen};
use super::lines;
use super::people::{self, Attendee, Watcher};
use crate::{Device, EVENTS, Entry, Event, FileChange, Files, Head, Stamp, Terms, Transferred};

/// What the account of a session tells. Texts in it are as the record holds them: every rendering cleans them.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The session.
    pub session: SessionId,
    /// Whose record it is.
    pub device: Device,
    /// What the client was told of the session.
    pub terms: Terms,
    /// The last whole line: the receipt stands for its hash.
    pub head: Head,
    /// Earlier ends of the record, before it was opened again for what the client said afterwards: their receipts hold, too.
    pub earlier: Vec<Head>,
    /// Everything that happened, in order.
    pub entries: Vec<Entry>,
    /// When the session began, if it did.
    pub began: Option<Stamp>,
    /// How it ended, if the record tells.
    pub ended: Option<End>,
    /// Engineers, in the order in which they asked to come in.
    pub people: Vec<Attendee>,
    /// Those with a link to watch with.
    pub watchers: Vec<Watcher>,
    /// What the client was asked, with the answers.
    pub exchanges: Vec<Exchange>,
    /// What ran on the device, and what led through it.
    pub channels: Vec<Channel>,
    /// What the device knew of itself before and after.
    pub health: HealthSeen,
    /// Runbooks that were gone through.
    pub checklists: Vec<Checklist>,
    /// Files that were transferred.
    pub transfers: Vec<Transfer>,
    /// What else file transfers changed, with the times.
    pub changes: Vec<(Stamp, FileChange)>,
    /// What became of the case, as the engineer said last.
    pub outcome: Option<Outcome>,
    /// What became of it, as the client said last.
    pub verdict: Option<Verdict>,
    /// What is missing, and what is unusual.
    pub gaps: Vec<Gap>,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Stamp,
    /// Why; it names the party that caused it.
    pub reason: Reason,
    /// Whether only the relay says so.
    pub hearsay: bool,
}

/// A file that was transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// When it was closed.
    pub at: Stamp,
    /// Which file, and its hash.
    pub file: Transferred,
}

/// What the client says of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// "solved", "partly" or "not".
    pub verdict: String,
    /// In their words; may be empty.
    pub words: String,
}

/// Why there is no report of a record.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The account could not be read.
    #[error("could not read {EVENTS} of the record: {0}")]
    Read(#[from] io::Error),
    /// It does not begin as the account of a record does.
    #[error("{EVENTS} does not begin with the first line of a record")]
    NoRecord,
}

impl Account {
    /// What the account in `files` tells. A record that is damaged has a report, too: [`Account::gaps`] says what is wrong.
    pub fn read(files: &dyn Files) -> Result<Self, ReportError> {
        let read = lines::read(files.open(EVENTS)?)?;
        let first = read.entries.first().map(|entry| &entry.event);
        let Some(Event::RecordBegan { session, device, terms, .. }) = first else {
            return Err(ReportError::NoRecord);
        };
        let head = read.head.ok_or(ReportError::NoRecord)?;
        let (session, device, terms) = (*session, device.clone(), terms.clone());
        let gaps = gaps::of(&read);
        let earlier = read.closings.into_iter().filter(|closing| *closing != head).collect();
        let entries = read.entries;
        let last = |pick: fn(&Entry) -> bool| entries.iter().rfind(|entry| pick(entry));
        let began = entries.iter().find(|entry| matches!(entry.event, Event::SessionBegan { .. }));
        Ok(Self {
            session,
            device,
            terms,
            head,
            earlier,
            began: began.map(|entry| entry.at.clone()),
            ended: last(|entry| matches!(entry.event, Event::SessionEnded { .. })).and_then(end),
            people: people::attendees(&entries),
            watchers: people::watchers(&entries),
            exchanges: exchanges::of(&entries),
            channels: channels::of(&entries),
            health: health::of(&entries),
            checklists: checklists::of(&entries),
            transfers: entries.iter().filter_map(transfer).collect(),
            changes: entries.iter().filter_map(change).collect(),
            outcome: entries.iter().rev().find_map(outcome),
            verdict: entries.iter().rev().find_map(verdict),
            gaps,
            entries,
        })
    }

    /// Who has this place in the session.
    pub fn attendee(&self, seat: u64) -> Option<&Attendee> {
        self.people.iter().find(|attendee| attendee.seat == seat)
    }

    /// The engineer with whom the session began, or who asked to come in: the support case is theirs, whoever has the session
    /// later.
    pub fn first(&self) -> Option<&Attendee> {
        self.people.first()
    }

    /// The engineers who led the session, one after the other, or the one who asked to.
    pub fn leaders(&self) -> Vec<&Attendee> {
        let has_led =
            |attendee: &&Attendee| matches!(attendee.role, people::Role::Owner | people::Role::Former);
        let leaders: Vec<_> = self.people.iter().filter(has_led).collect();
        if leaders.is_empty() { self.first().into_iter().collect() } else { leaders }
    }

    /// How long the session lasted, in seconds, by the time since boot, or by the clock if the device was restarted.
    pub fn seconds(&self) -> Option<u64> {
        let (began, ended) = (self.began.as_ref()?, &self.ended.as_ref()?.at);
        let is_same_boot =
            !self.gaps.iter().any(|gap| matches!(gap, Gap::Restarted { .. } | Gap::Died { .. }));
        if is_same_boot {
            return Some(ended.boot_ms.checked_sub(began.boot_ms)? / 1000);
        }
        let millis = gaps::clock_millis(ended)?.checked_sub(gaps::clock_millis(began)?)?;
        u64::try_from(millis / 1000).ok()
    }
}

fn end(entry: &Entry) -> Option<End> {
    let Event::SessionEnded { reason, hearsay } = entry.event else { return None };
    Some(End { at: entry.at.clone(), reason, hearsay })
}

fn transfer(entry: &Entry) -> Option<Transfer> {
    let Event::FileTransferred(file) = &entry.event else { return None };
    Some(Transfer { at: entry.at.clone(), file: file.clone() })
}

fn change(entry: &Entry) -> Option<(Stamp, FileChange)> {
    let Event::FileChanged(change) = &entry.event else { return None };
    Some((entry.at.clone(), change.clone()))
}

fn outcome(entry: &Entry) -> Option<Outcome> {
    if let Event::OutcomeSaid(outcome) = &entry.event { Some(outcome.clone()) } else { None }
}

fn verdict(entry: &Entry) -> Option<Verdict> {
    let Event::VerdictGiven { verdict, words } = &entry.event else { return None };
    Some(Verdict { verdict: verdict.clone(), words: words.clone() })
}
