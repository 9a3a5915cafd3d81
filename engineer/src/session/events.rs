//! The two conversations of a session, heard as one.

use std::time::Duration;

use fieldlink_protocol::reason::Reason;
use fieldlink_transport::ControlError;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::control::ChannelEvent;
use crate::control::Heard;
use crate::end::{End, Told};
use crate::relay_session::RelayEvent;
use crate::words::say;

/// How long a better reason may take after a worse one. Relay and scanner tell on two connections,
/// and either may be first.
pub(super) const SETTLE: Duration = Duration::from_millis(300);

/// What the session hears.
#[derive(Debug)]
pub(super) enum Event {
    /// From the scanner, under the seal.
    Heard(Heard),
    /// What the relay signed of the session is not kept, and why.
    NotAnchored(String),
    /// One of the two conversations is over.
    Over(End),
}

/// Hears the relay and the scanner.
pub(super) struct SessionEvents {
    relay: Option<mpsc::Receiver<RelayEvent>>,
    channel: Option<mpsc::Receiver<ChannelEvent>>,
    end: Option<End>,
    /// Whether the scanner has said that it is about to restart.
    restarts: bool,
}

impl SessionEvents {
    /// Hears both.
    pub(super) fn new(relay: mpsc::Receiver<RelayEvent>, channel: mpsc::Receiver<ChannelEvent>) -> Self {
        Self { relay: Some(relay), channel: Some(channel), end: None, restarts: false }
    }

    /// The next event. After the end: the end. Safe to cancel.
    pub(super) async fn next(&mut self) -> Event {
        if self.end.is_none() {
            match self.hear().await {
                Event::Over(end) => self.end = Some(end),
                heard => return heard,
            }
        }
        let end = self.settle().await;
        // Its last word may be lost with the connection.
        let is_silent = end.told == Told::Lost || end.reason == Reason::Silence;
        Event::Over(match self.restarts && is_silent {
            true => End::new(Reason::Restarting, Told::Scanner),
            false => end,
        })
    }

    /// The end, when `seen` was seen: that, or what a source that knows better says within a moment.
    pub(super) async fn settle_with(&mut self, seen: End) -> End {
        self.end = Some(seen);
        self.settle().await
    }

    /// Waits a moment for a source that knows better why it is over.
    async fn settle(&mut self) -> End {
        let until = Instant::now() + SETTLE;
        loop {
            let known = self.end.clone().unwrap_or_else(|| End::lost(say!("it-was-cut")));
            if known.is_final() {
                return known;
            }
            tokio::select! {
                biased;
                event = self.hear() => if let Event::Over(end) = event && end.told > known.told {
                    self.end = Some(end);
                },
                () = sleep_until(until) => return known,
            }
        }
    }

    async fn hear(&mut self) -> Event {
        loop {
            let event = tokio::select! {
                biased;
                event = next(&mut self.channel) => {
                    self.restarts |= matches!(event, Some(ChannelEvent::Restarts));
                    of_channel(event)
                }
                event = next(&mut self.relay) => of_relay(event),
            };
            let Some(event) = event else { continue };
            return event;
        }
    }
}

/// The next message, or once `None` when the sender is gone, and then nothing any more.
async fn next<T>(receiver: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    let Some(open) = receiver else { return std::future::pending().await };
    let message = open.recv().await;
    if message.is_none() {
        *receiver = None;
    }
    message
}

fn of_channel(event: Option<ChannelEvent>) -> Option<Event> {
    Some(match event {
        Some(ChannelEvent::Restarts) => return None,
        Some(ChannelEvent::Heard(heard)) => Event::Heard(heard),
        Some(ChannelEvent::Over(end)) => Event::Over(end),
        None => Event::Over(End::lost(say!("scanner-gone"))),
    })
}

fn of_relay(event: Option<RelayEvent>) -> Option<Event> {
    match event {
        Some(RelayEvent::Ended(reason) | RelayEvent::Declined { reason, .. }) => {
            Some(Event::Over(End::new(reason, Told::Relay)))
        }
        Some(RelayEvent::Closing(reason)) => {
            Some(Event::Over(End { stays: true, ..End::new(reason, Told::Relay) }))
        }
        Some(RelayEvent::Lost(error)) => Some(Event::Over(end_of(&error))),
        None => Some(Event::Over(End::lost(say!("relay-gone")))),
        Some(RelayEvent::NotAnchored(why)) => Some(Event::NotAnchored(why)),
        // Answers to a question that was not asked.
        Some(RelayEvent::Offered(_) | RelayEvent::Unavailable { .. }) => None,
    }
}

/// What a lost connection to the relay says about the end.
pub(super) fn end_of(error: &ControlError) -> End {
    match error {
        ControlError::Closed(text) => End::closed(text),
        other => End::lost(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ends {
        relay: mpsc::Sender<RelayEvent>,
        channel: mpsc::Sender<ChannelEvent>,
        lines: SessionEvents,
    }

    fn lines() -> Ends {
        let (relay, relay_events) = mpsc::channel(8);
        let (channel, channel_events) = mpsc::channel(8);
        Ends { relay, channel, lines: SessionEvents::new(relay_events, channel_events) }
    }

    async fn end(lines: &mut SessionEvents) -> End {
        match lines.next().await {
            Event::Over(end) => end,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_scanner_that_said_that_it_restarts_is_waited_for() {
        let Ends { relay: _relay, channel, mut lines } = lines();
        channel.send(ChannelEvent::Restarts).await.expect("heard");
        let silence = End::new(Reason::Silence, Told::Here);
        channel.send(ChannelEvent::Over(silence)).await.expect("heard");
        assert_eq!(end(&mut lines).await, End::new(Reason::Restarting, Told::Scanner));
    }

    #[tokio::test(start_paused = true)]
    async fn the_scanners_word_outranks_the_relays() {
        let mut ends = lines();
        ends.relay.send(RelayEvent::Ended(Reason::EngineerLost)).await.expect("heard");
        let sealed = End::new(Reason::ClientEnded, Told::Scanner);
        let late = async {
            tokio::time::sleep(SETTLE / 2).await;
            ends.channel.send(ChannelEvent::Over(sealed.clone())).await.expect("heard");
        };
        let (settled, ()) = tokio::join!(end(&mut ends.lines), late);
        assert_eq!(settled, sealed);
        assert_eq!(end(&mut ends.lines).await, sealed);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_better_word_the_first_one_counts() {
        let mut ends = lines();
        ends.channel.send(ChannelEvent::Over(End::lost("cut"))).await.expect("heard");
        assert_eq!(end(&mut ends.lines).await, End::lost("cut"));
        drop((ends.relay, ends.channel));
        assert_eq!(end(&mut ends.lines).await, End::lost("cut"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_that_stops_without_a_word_is_noticed() {
        let mut ends = lines();
        drop(ends.relay);
        assert_eq!(end(&mut ends.lines).await.told, Told::Lost);
    }
}
