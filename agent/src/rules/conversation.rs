//! How much engineer and client may say to each other, and what is said again.

use std::collections::VecDeque;
use std::time::Duration;

use fieldlink_protocol::limits;

/// Lines of chat, questions, announcements, and steps of runbooks that are passed on within [`PERIOD`]. Every process on the bus may be listening,
/// and the client must find the time to type.
const CHAT_LINES: u32 = 20;
const QUESTIONS: u32 = 4;
const ANNOUNCEMENTS: u32 = 6;
const RUNBOOK_WORDS: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

/// Lines of the client's that are kept, should they have to be said again.
const MOST_UNHEARD: usize = 8;

/// How often something has happened lately.
#[derive(Debug)]
pub(super) struct Rate {
    most: u32,
    since: Duration,
    count: u32,
}

impl Rate {
    fn of_chat() -> Self {
        Self { most: CHAT_LINES, since: Duration::ZERO, count: 0 }
    }

    fn of_announcements() -> Self {
        Self { most: ANNOUNCEMENTS, ..Self::of_chat() }
    }

    pub(super) fn of_runbooks() -> Self {
        Self { most: RUNBOOK_WORDS, ..Self::of_chat() }
    }

    pub(super) fn of_questions() -> Self {
        Self { most: QUESTIONS, ..Self::of_chat() }
    }

    pub(super) fn permits(&mut self, now: Duration) -> bool {
        if now >= self.since + PERIOD {
            (self.since, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most
    }
}

/// How much one engineer may say: each has their own, so that nobody is silenced by another.
#[derive(Debug)]
pub(super) struct Rates {
    pub(super) questions: Rate,
    pub(super) announcements: Rate,
    pub(super) chat: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let (questions, announcements) = (Rate::of_questions(), Rate::of_announcements());
        Self { questions, announcements, chat: Rate::of_chat() }
    }
}

/// What the client said to the engineer lately, and when.
#[derive(Debug, Default)]
pub(super) struct Said(VecDeque<(Duration, String)>);

impl Said {
    pub(super) fn add(&mut self, now: Duration, line: &str) {
        if self.0.len() == MOST_UNHEARD {
            self.0.pop_front();
        }
        self.0.push_back((now, line.to_owned()));
    }

    /// What may never have been read by a program that was heard last at `heard`: even what was said a
    /// little before that could still have been on its way.
    pub(super) fn take_unheard(&mut self, heard: Duration) -> impl Iterator<Item = String> + use<> {
        let since = heard.saturating_sub(limits::HEARTBEAT_INTERVAL);
        std::mem::take(&mut self.0).into_iter().filter(move |(at, _)| *at >= since).map(|(_, line)| line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_chat_is_cut() {
        let mut rate = Rate::of_chat();
        let passed = (0..100).filter(|_| rate.permits(Duration::from_secs(100))).count();
        assert_eq!(passed, CHAT_LINES as usize);
        assert!(rate.permits(Duration::from_secs(110)));
    }

    #[test]
    fn what_may_not_have_been_read_is_said_again_once() {
        let mut said = Said::default();
        for second in 1..=20 {
            said.add(Duration::from_secs(second), &second.to_string());
        }
        let unheard: Vec<String> = said.take_unheard(Duration::from_secs(20)).collect();
        assert_eq!(unheard, ["15", "16", "17", "18", "19", "20"]);
        assert_eq!(said.take_unheard(Duration::ZERO).count(), 0);
    }
}
