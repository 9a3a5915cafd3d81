//! The channels of a session as a watcher sees them. Pure: what is seen goes in, and each watcher takes from it what it
//! has not had.

use std::collections::{BTreeMap, VecDeque};

use fieldlink_device::live::{LiveEnd, LiveEvent, LiveKind};

use super::recent::Recent;

/// Channels that are kept.
const MOST: usize = 64;

struct Channel {
    number: u64,
    kind: LiveKind,
    what: String,
    who: String,
    size: Option<(u16, u16)>,
    shown: Recent,
    closed: Option<LiveEnd>,
}

impl Channel {
    /// What is given up first, should there be too many.
    fn worth(&self) -> u8 {
        match (&self.closed, self.size) {
            (Some(_), _) => 0,
            (None, None) => 1,
            (None, Some(_)) => 2,
        }
    }
}

/// The latest channels.
#[derive(Default)]
pub(super) struct Channels(VecDeque<Channel>);

/// What a watcher has had.
#[derive(Debug, Default)]
pub(crate) struct Had(BTreeMap<u64, Part>);

#[derive(Debug, Default)]
struct Part {
    size: Option<(u16, u16)>,
    place: u64,
    is_over: bool,
}

impl Had {
    /// How much of a channel's output they have had, in bytes.
    pub(crate) fn place(&self, channel: u64) -> Option<u64> {
        self.0.get(&channel).map(|part| part.place)
    }
}

impl Channels {
    pub(super) fn open(&mut self, number: u64, kind: LiveKind, (what, who): (String, String)) {
        if self.0.len() == MOST {
            let least = self.0.iter().enumerate().min_by_key(|(at, channel)| (channel.worth(), *at));
            let at = least.map_or(0, |(at, _)| at);
            self.0.remove(at);
        }
        let (size, shown, closed) = (None, Recent::default(), None);
        self.0.push_back(Channel { number, kind, what, who, size, shown, closed });
    }

    fn find(&mut self, number: u64) -> Option<&mut Channel> {
        self.0.iter_mut().rev().find(|channel| channel.number == number)
    }

    pub(super) fn resize(&mut self, number: u64, size: (u16, u16)) {
        self.find(number).into_iter().for_each(|channel| channel.size = Some(size));
    }

    pub(super) fn show(&mut self, number: u64, bytes: &[u8]) {
        self.find(number).into_iter().for_each(|channel| channel.shown.push(bytes));
    }

    pub(super) fn close(&mut self, number: u64, how: LiveEnd) {
        if let Some(channel) = self.find(number) {
            channel.closed = Some(how);
        }
    }

    /// A watcher that comes now sees what is open.
    pub(super) fn attach(&self) -> Had {
        let over = self.0.iter().filter(|channel| channel.closed.is_some());
        Had(over.map(|channel| (channel.number, Part { is_over: true, ..Part::default() })).collect())
    }

    /// What somebody has had who comes back: so much of those channels, and nothing of what has been opened since.
    pub(super) fn attach_at(&self, places: &[(u64, u64)]) -> Had {
        let mut had = if places.is_empty() { self.attach() } else { Had::default() };
        for channel in self.0.iter().filter(|channel| channel.closed.is_some()) {
            // What they do not name they have seen the end of.
            had.0.insert(channel.number, Part { is_over: true, ..Part::default() });
        }
        for &(number, place) in places {
            if let Some(channel) = self.0.iter().find(|channel| channel.number == number) {
                let place = place.min(channel.shown.end());
                had.0.insert(number, Part { place, ..Part::default() });
            }
        }
        had
    }

    /// What a watcher is to see next, a piece of each terminal at most; nothing: it has had all.
    pub(super) fn next(&self, had: &mut Had) -> Vec<LiveEvent> {
        let mut events = Vec::new();
        let is_kept = |number: u64| self.0.iter().any(|channel| channel.number == number);
        for (&channel, part) in had.0.iter().filter(|(number, _)| !is_kept(**number)) {
            if !part.is_over {
                events.push(LiveEvent::Closed { channel, how: LiveEnd::Unfollowed });
            }
        }
        had.0.retain(|number, _| is_kept(*number));
        self.0.iter().for_each(|channel| take(channel, had, &mut events));
        events
    }
}

fn take(from: &Channel, had: &mut Had, events: &mut Vec<LiveEvent>) {
    let channel = from.number;
    let part = had.0.entry(channel).or_insert_with(|| {
        let (kind, what, who) = (from.kind, from.what.clone(), from.who.clone());
        events.push(LiveEvent::Opened { channel, kind, what, who });
        Part::default()
    });
    if part.is_over {
        return;
    }
    if let Some((columns, rows)) = from.size.filter(|_| part.size != from.size) {
        part.size = from.size;
        events.push(LiveEvent::Size { channel, columns, rows });
    }
    let bytes = from.shown.missing(part.place);
    if bytes > 0 {
        part.place += bytes;
        events.push(LiveEvent::Skipped { channel, bytes });
    }
    let (text, place) = from.shown.text(part.place, LiveEvent::PIECE, from.closed.is_some());
    part.place = place;
    if !text.is_empty() {
        events.push(LiveEvent::Output { channel, text });
    }
    if let Some(how) = from.closed.clone().filter(|_| place == from.shown.end()) {
        part.is_over = true;
        events.push(LiveEvent::Closed { channel, how });
    }
}

#[cfg(test)]
mod tests {
    use super::super::recent::KEPT;
    use super::*;

    fn output(channel: u64, text: &str) -> LiveEvent {
        LiveEvent::Output { channel, text: text.into() }
    }

    fn opened(channel: u64) -> LiveEvent {
        LiveEvent::Opened { channel, kind: LiveKind::Shell, what: String::new(), who: String::new() }
    }

    fn shell() -> Channels {
        let mut channels = Channels::default();
        channels.open(7, LiveKind::Shell, (String::new(), String::new()));
        channels.resize(7, (80, 24));
        channels
    }

    #[test]
    fn a_watcher_sees_everything_once_and_in_order() {
        let mut channels = shell();
        let mut had = channels.attach();
        channels.show(7, b"one");
        let size = LiveEvent::Size { channel: 7, columns: 80, rows: 24 };
        assert_eq!(channels.next(&mut had), [opened(7), size, output(7, "one")]);
        assert_eq!(channels.next(&mut had), []);
        channels.show(7, b"two");
        channels.resize(7, (100, 30));
        channels.close(7, LiveEnd::Exit { code: 0 });
        let size = LiveEvent::Size { channel: 7, columns: 100, rows: 30 };
        let closed = LiveEvent::Closed { channel: 7, how: LiveEnd::Exit { code: 0 } };
        assert_eq!(channels.next(&mut had), [size, output(7, "two"), closed]);
        assert_eq!(channels.next(&mut had), []);
    }

    #[test]
    fn who_comes_late_sees_the_last_and_is_told_what_was_before() {
        let mut channels = shell();
        channels.open(8, LiveKind::Exec, ("true".into(), String::new()));
        channels.close(8, LiveEnd::Exit { code: 0 });
        channels.show(7, &vec![b'x'; KEPT + 100]);
        let mut had = channels.attach();
        let first = channels.next(&mut had);
        assert!(first.contains(&LiveEvent::Skipped { channel: 7, bytes: 100 }), "{first:?}");
        assert!(
            !first.iter().any(|event| matches!(event, LiveEvent::Opened { channel: 8, .. })),
            "it is over"
        );
        let mut length = 0;
        let mut events = first;
        while !events.is_empty() {
            length += events
                .iter()
                .map(|event| match event {
                    LiveEvent::Output { text, .. } => text.len(),
                    _ => 0,
                })
                .sum::<usize>();
            events = channels.next(&mut had);
        }
        assert_eq!(length, KEPT);
    }

    #[test]
    fn terminals_stay_while_connections_come_and_go() {
        let mut channels = shell();
        let mut had = channels.attach();
        channels.next(&mut had);
        for number in 100..100 + 2 * MOST as u64 {
            channels.open(number, LiveKind::Forward, ("localhost:80".into(), String::new()));
            channels.close(number, LiveEnd::Closed);
            channels.next(&mut had);
        }
        channels.show(7, b"still here");
        assert_eq!(channels.next(&mut had), [output(7, "still here")]);
        assert!(channels.0.len() == MOST && had.0.len() == MOST);
    }
}
