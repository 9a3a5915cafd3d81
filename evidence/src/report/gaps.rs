//! What is missing in a record, and what is unusual about it.

use chrono::DateTime;

use super::lines::Lines;
use crate::{Entry, Event, Resumption, Stamp, Stop};

/// Differences between the clocks that are not worth a word: writing takes time, and so does keeping a clock right.
const TOLERATED_MILLIS: i64 = 2_000;

/// Something that a reader has to know before they rely on a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// The agent was killed, or the power was cut, and the record goes on later.
    Died {
        /// When it goes on.
        at: Stamp,
    },
    /// The device was restarted, as the client had agreed.
    Restarted {
        /// When the record goes on.
        at: Stamp,
    },
    /// What terminals show is not recorded from here on.
    RecordingStopped {
        /// When.
        at: Stamp,
        /// Why.
        why: Stop,
    },
    /// What channels did is not told from here on: there were too many.
    ChannelsUnrecorded {
        /// When.
        at: Stamp,
    },
    /// Lines on what channels did are left out.
    EventsLost {
        /// Until when.
        at: Stamp,
        /// How many.
        count: u64,
    },
    /// What a file transfer did is not told from here on.
    TransfersLost {
        /// When.
        at: Stamp,
        /// The channel.
        channel: u64,
    },
    /// The device's clock was set.
    ClockStep {
        /// The time that it showed afterwards.
        at: Stamp,
        /// By so many seconds; negative: back.
        seconds: i64,
    },
    /// Lines that are none of an account.
    Unreadable {
        /// How many.
        lines: u64,
    },
    /// Lines of events that this version does not know.
    Unknown {
        /// How many.
        lines: u64,
    },
    /// A line does not continue the chain.
    Broken {
        /// The first such line, counted from 0.
        line: u64,
    },
    /// The account is longer than a report reads.
    Cut {
        /// The last line that was read, counted from 0.
        line: u64,
    },
    /// The account does not end with the line that closes it.
    Unclosed,
}

/// Those of an account.
pub(super) fn of(read: &Lines) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    gaps.extend(read.broken.map(|line| Gap::Broken { line }));
    gaps.extend(read.cut.map(|line| Gap::Cut { line }));
    gaps.extend(Some(read.unreadable).filter(|lines| *lines > 0).map(|lines| Gap::Unreadable { lines }));
    let unknown = read.entries.iter().filter(|entry| entry.event == Event::Unknown).count() as u64;
    gaps.extend(Some(unknown).filter(|lines| *lines > 0).map(|lines| Gap::Unknown { lines }));
    gaps.extend(read.entries.iter().filter_map(told));
    gaps.extend(clock_steps(&read.entries));
    let is_closed = matches!(read.entries.last(), Some(Entry { event: Event::RecordClosed { .. }, .. }));
    if !is_closed && read.cut.is_none() {
        gaps.push(Gap::Unclosed);
    }
    gaps
}

/// What an event says is missing, or is unusual about the record. Each event is named, so that the compiler asks about a new
/// one; hence longer than other functions.
#[deny(clippy::wildcard_enum_match_arm)]
fn told(entry: &Entry) -> Option<Gap> {
    let at = entry.at.clone();
    match &entry.event {
        Event::RecordResumed { why: Resumption::Died, .. } => Some(Gap::Died { at }),
        Event::RecordResumed { why: Resumption::Restarted, .. } => Some(Gap::Restarted { at }),
        Event::RecordingStopped { why } => Some(Gap::RecordingStopped { at, why: *why }),
        Event::ChannelsUnrecorded {} => Some(Gap::ChannelsUnrecorded { at }),
        Event::EventsLost { count } => Some(Gap::EventsLost { at, count: *count }),
        Event::TransfersLost { channel } => Some(Gap::TransfersLost { at, channel: *channel }),
        // The client's word afterwards: nothing happened before.
        Event::RecordResumed { why: Resumption::Verdict, .. }
        // Lines of those are counted, not told.
        | Event::Unknown
        | Event::RecordBegan { .. }
        | Event::Anchored { .. }
        | Event::RecordClosed { .. }
        | Event::ConsentAsked { .. }
        | Event::LetInByPin { .. }
        | Event::ConsentGiven { .. }
        | Event::SessionBegan { .. }
        | Event::SessionEnded { .. }
        | Event::Interrupted { .. }
        | Event::Resumed { .. }
        | Event::RelayLost { .. }
        | Event::RelayBack { .. }
        | Event::EngineerReturned { .. }
        | Event::Asked { .. }
        | Event::Answered { .. }
        | Event::LeaveAsked { .. }
        | Event::LeaveAnswered { .. }
        | Event::Withdrawn { .. }
        | Event::Extended { .. }
        | Event::TimeLeft { .. }
        | Event::Transfers { .. }
        | Event::Chat { .. }
        | Event::Noted { .. }
        | Event::QuietBegan { .. }
        | Event::QuietOver { .. }
        | Event::Called { .. }
        | Event::ClientIs { .. }
        | Event::BatteryLow { .. }
        | Event::HealthRead { .. }
        | Event::HealthWarned(_)
        | Event::OutcomeSaid(_)
        | Event::VerdictGiven { .. }
        | Event::JoinCodeDrawn { .. }
        | Event::JoinFailed { .. }
        | Event::GuestLetIn { .. }
        | Event::EngineerJoined { .. }
        | Event::EngineerLeft { .. }
        | Event::HandedOver { .. }
        | Event::ObserverInvited { .. }
        | Event::ObserverIs { .. }
        | Event::ObserverOver { .. }
        | Event::Operation { .. }
        | Event::OperationRefused { .. }
        | Event::Restarts { .. }
        | Event::CarryOnOffered { .. }
        | Event::CarryOnAgreed { .. }
        | Event::Runbook { .. }
        | Event::RunbookRefused { .. }
        | Event::ChannelOpened { .. }
        | Event::ChannelRefused { .. }
        | Event::TerminalBegan { .. }
        | Event::TerminalSealed { .. }
        | Event::FileTransferred(_)
        | Event::FileChanged(_)
        | Event::ChannelOver { .. } => None,
    }
}

/// Where the wall clock was set: between two lines of the same run of the agent, in the order in which they happened, which
/// is not quite that in which they were written.
fn clock_steps(entries: &[Entry]) -> Vec<Gap> {
    let is_same_run = |_: &Entry, after: &Entry| !matches!(after.event, Event::RecordResumed { .. });
    let runs = entries.chunk_by(is_same_run);
    let steps = runs.flat_map(|run| {
        let mut run: Vec<&Entry> = run.iter().collect();
        run.sort_by_key(|entry| entry.at.boot_ms);
        run.windows(2).filter_map(|pair| clock_step(pair[0], pair[1])).collect::<Vec<_>>()
    });
    steps.collect()
}

/// Whether the wall clock was set between two lines.
fn clock_step(before: &Entry, after: &Entry) -> Option<Gap> {
    let by_boot = i64::try_from(after.at.boot_ms.checked_sub(before.at.boot_ms)?).ok()?;
    let by_clock = clock_millis(&after.at)?.checked_sub(clock_millis(&before.at)?)?;
    let step = by_clock.checked_sub(by_boot)?;
    let is_step = step.checked_abs()? > TOLERATED_MILLIS;
    // To the nearest second: the two clocks are not read at the same moment.
    let seconds = step.saturating_add(500).div_euclid(1000);
    is_step.then(|| Gap::ClockStep { at: after.at.clone(), seconds })
}

/// Milliseconds since 1970, as the clock showed them.
pub(super) fn clock_millis(at: &Stamp) -> Option<i64> {
    DateTime::parse_from_rfc3339(&at.time).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::Digest;

    /// A line so many milliseconds after the device was switched on, when its clock was so far off.
    fn entry(boot_ms: u64, off_ms: u64, event: Event) -> Entry {
        let boot = Duration::from_millis(boot_ms);
        let at = Stamp::new(UNIX_EPOCH + boot + Duration::from_millis(off_ms), boot);
        Entry { seq: 0, prev: Digest::of(b""), at, event }
    }

    fn steps(entries: &[Entry]) -> Vec<i64> {
        let seconds = |gap| if let Gap::ClockStep { seconds, .. } = gap { seconds } else { 0 };
        clock_steps(entries).into_iter().map(seconds).collect()
    }

    /// Several threads read the clocks, and what they tell is not written in the order in which they did.
    #[test]
    fn each_step_of_the_clock_is_told_once() {
        let day = 86_400_000;
        let called = |boot_ms, off_ms| entry(boot_ms, off_ms, Event::Called {});
        assert_eq!(steps(&[called(100, day), called(200, day)]), [0; 0]);
        assert_eq!(steps(&[called(100, day), called(200, 3 * day - 2), called(300, 0)]), [172_800, -259_200]);
        let crossed = [called(100, 0), called(210, day), called(200, 0), called(220, day)];
        assert_eq!(steps(&crossed), [86_400]);
    }

    /// The time since boot of another boot says nothing.
    #[test]
    fn a_restart_is_no_step() {
        let resumed = Event::RecordResumed { why: Resumption::Restarted, torn: 0 };
        let restarted = [entry(20_000, 0, Event::Called {}), entry(9_000_000, 86_400_000, resumed)];
        assert_eq!(steps(&restarted), [0; 0]);
    }
}
