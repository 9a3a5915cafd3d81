//! The course of a session: its lines in order, without those that say the same again.

use std::collections::BTreeSet;

use fieldlink_protocol::messages::operation::OperationState;

use super::super::account::Account;
use super::super::gaps::Gap;
use super::{Line, Teller, Topic};
use crate::{Event, Stamp};

/// What happened, and what the record says of itself.
#[derive(Debug, Default)]
pub(in super::super) struct Course<'a> {
    /// What happened.
    pub(in super::super) lines: Vec<(&'a Stamp, Line)>,
    /// How many lines more, which only the record has.
    pub(in super::super) cut: usize,
    /// What the record says of itself.
    pub(in super::super) own: Vec<(&'a Stamp, Line)>,
}

impl Teller<'_> {
    /// The course of `account`, with at most so many lines of each kind.
    pub(in super::super) fn course<'a>(&self, account: &'a Account, most: usize) -> Course<'a> {
        let (mut course, mut running) = (Course::default(), BTreeSet::new());
        for entry in &account.entries {
            // How far an operation is, is said once.
            if let Event::Operation { run, state: OperationState::Running { .. }, .. } = &entry.event
                && !running.insert(*run)
            {
                continue;
            }
            let line = self.line(entry);
            let lines = if line.topic == Topic::Record { &mut course.own } else { &mut course.lines };
            if lines.len() < most { lines.push((&entry.at, line)) } else { course.cut += 1 }
        }
        course
    }

    /// What is missing, and what is unusual; with the time, where it has one.
    pub(in super::super) fn gap<'a>(&self, gap: &'a Gap) -> (Option<&'a Stamp>, String) {
        let words = self.words;
        let of_number = |id, name, number: &u64| words.say_with(id, &[(name, (*number).into())]);
        match gap {
            Gap::Died { at } => (Some(at), words.say("gap-died")),
            Gap::Restarted { at } => (Some(at), words.say("gap-restarted")),
            Gap::RecordingStopped { at, .. } => (Some(at), words.say("gap-recording-stopped")),
            Gap::ChannelsUnrecorded { at } => (Some(at), words.say("gap-channels-unrecorded")),
            Gap::EventsLost { at, count } => (Some(at), of_number("gap-events-lost", "count", count)),
            Gap::TransfersLost { at, .. } => (Some(at), words.say("gap-transfers-lost")),
            Gap::ClockStep { at, seconds } => {
                let id = if *seconds < 0 { "gap-clock-back" } else { "gap-clock-forward" };
                let time = words.duration(seconds.unsigned_abs());
                (Some(at), words.say_with(id, &[("time", time.into())]))
            }
            Gap::Unreadable { lines } => (None, of_number("gap-unreadable", "count", lines)),
            Gap::Unknown { lines } => (None, of_number("gap-unknown", "count", lines)),
            Gap::Broken { line } => (None, of_number("gap-chain", "number", line)),
            Gap::Cut { line } => (None, of_number("gap-cut", "number", line)),
            Gap::Unclosed => (None, words.say("gap-unclosed")),
        }
    }
}
