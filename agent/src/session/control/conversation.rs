//! The agent's half of the conversation with the engineer's side. Pure: bytes and `now` (time since boot) in, events
//! and sealed bytes out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::messages;
use fieldlink_protocol::messages::control::{FromAgent, FromEngineer};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_protocol::{feature, limits};
use fieldlink_transport::PipeLink;

use super::{ControlEvent, EngineerHello};
use crate::rules::Teller;

/// What is said on the control channel. An error of an input is why the session must end.
pub(super) struct Conversation {
    sealer: Sealer,
    opener: Opener,
    /// Whether the engineer's side has introduced itself.
    was_greeted: bool,
    /// Whether it knows that what is over may stay.
    takes_reports: bool,
    /// Whether it was told that the session is over, and stays for the report.
    is_closing: bool,
    is_up: bool,
    /// When the session is over. Until it has begun there are no heartbeats.
    deadline: Option<Duration>,
    next_heartbeat: Duration,
    said_end: Option<Reason>,
    events: VecDeque<ControlEvent>,
    transmits: VecDeque<Bytes>,
}

impl Conversation {
    pub(super) fn new(sealer: Sealer, opener: Opener) -> Self {
        Self {
            sealer,
            opener,
            was_greeted: false,
            takes_reports: false,
            is_closing: false,
            is_up: true,
            deadline: None,
            next_heartbeat: Duration::ZERO,
            said_end: None,
            events: VecDeque::new(),
            transmits: VecDeque::new(),
        }
    }

    /// Seals `message` and queues it for the pipe.
    pub(super) fn handle_message(&mut self, message: &FromAgent) -> Result<(), Reason> {
        if let FromAgent::End { reason } | FromAgent::Closing { reason } = message {
            self.said_end.get_or_insert(*reason);
        }
        self.is_closing |= matches!(message, FromAgent::Closing { .. });
        let text = match messages::encode_fit(message) {
            Ok(text) => text,
            Err(unfit) if is_news(message) => {
                tracing::error!(%unfit, "something is not told");
                return Ok(());
            }
            Err(unfit) => {
                tracing::error!(%unfit, "the session cannot go on");
                return Err(Reason::ScannerFailed);
            }
        };
        let sealed = self.sealer.seal(text.as_bytes()).map_err(|_| Reason::ScannerFailed)?;
        self.transmits.push_back(sealed);
        Ok(())
    }

    /// The session is over at `deadline`: the engineer's side hears at once how much time is left.
    pub(super) fn handle_deadline(&mut self, deadline: Option<Duration>, now: Duration) {
        (self.deadline, self.next_heartbeat) = (deadline, now);
    }

    /// The pipe has lost its connection, or has one again. Only what is sealed counts as a sign of life: something is
    /// said at once.
    pub(super) fn handle_link(&mut self, link: PipeLink, now: Duration) {
        (self.is_up, self.next_heartbeat) = (link == PipeLink::Up, now);
        self.events.push_back(ControlEvent::Link(link));
    }

    /// Bytes came off the pipe, cut anywhere.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.opener.receive(bytes);
        while let Some(message) = self.opener.open_next().map_err(|_| Reason::Tampered)? {
            // It was sealed by the engineer's program: a relay has no part in what is wrong with it.
            let message = messages::decode(&message).map_err(|error| {
                tracing::warn!(%error, "the engineer's program is not understood");
                Reason::Incompatible
            })?;
            let event = self.understand(message)?;
            self.events.push_back(event);
        }
        Ok(())
    }

    fn understand(&mut self, message: FromEngineer) -> Result<ControlEvent, Reason> {
        match (message, self.was_greeted) {
            (FromEngineer::Fetched {}, true) if self.is_closing => Err(Reason::EngineerEnded),
            (FromEngineer::End { .. }, true) if self.is_closing => Ok(ControlEvent::Heard),
            (FromEngineer::End { reason }, _) => {
                let reason = match reason {
                    Reason::EngineerStopped | Reason::Tampered | Reason::Silence | Reason::Incompatible => {
                        reason
                    }
                    // Any other reason: the engineer's side ended it, not we.
                    _ => Reason::EngineerEnded,
                };
                match self.takes_reports {
                    // It waits for our word whether there is a report.
                    true => Ok(ControlEvent::Over(reason, Teller::Party)),
                    false => Err(reason),
                }
            }
            (FromEngineer::Fetch { wanted }, true) if self.is_closing => Ok(ControlEvent::Fetch(wanted)),
            // It was said before the end was heard, or leads nowhere.
            (_, true) if self.is_closing => Ok(ControlEvent::Heard),
            (FromEngineer::Fetch { .. } | FromEngineer::Fetched {}, true) => Err(Reason::Incompatible),
            (FromEngineer::Hello { ssh_key, features, observes, .. }, false) => {
                self.was_greeted = true;
                self.takes_reports = features.has(feature::REPORT);
                Ok(ControlEvent::Greeted(EngineerHello { ssh_key, features, observes }))
            }
            (FromEngineer::Ask { request, question }, true) => Ok(ControlEvent::Asked { request, question }),
            (FromEngineer::Announce { request, announcement }, true) => {
                Ok(ControlEvent::Announced { request, announcement })
            }
            (FromEngineer::Runbook { request, word }, true) => Ok(ControlEvent::Runbook { request, word }),
            (FromEngineer::Withdraw { request }, true) => Ok(ControlEvent::Withdrawn { request }),
            (FromEngineer::Chat { text }, true) => Ok(ControlEvent::Chat(text)),
            (FromEngineer::Heartbeat {}, true) => Ok(ControlEvent::Heard),
            (FromEngineer::PipeClosed { pipe }, true) => Ok(ControlEvent::PipeClosed(pipe)),
            // It introduces itself first, and once.
            (FromEngineer::Hello { .. }, true) | (_, false) => Err(Reason::Incompatible),
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        (self.is_up && self.deadline.is_some()).then_some(self.next_heartbeat)
    }

    /// Says a heartbeat, if one is due.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Result<(), Reason> {
        match (self.poll_timeout(), self.deadline) {
            (Some(due), Some(deadline)) if due <= now => {
                self.next_heartbeat = now + limits::HEARTBEAT_INTERVAL;
                let left = deadline.saturating_sub(now).as_secs();
                let seconds = u32::try_from(left).unwrap_or(u32::MAX);
                self.handle_message(&FromAgent::Heartbeat { seconds })
            }
            _ => Ok(()),
        }
    }

    /// The next thing that happened, in order.
    pub(super) fn poll_event(&mut self) -> Option<ControlEvent> {
        self.events.pop_front()
    }

    /// The next bytes for the pipe.
    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    /// The reason of the end that was said, if one was.
    pub(super) fn said_end(&self) -> Option<Reason> {
        self.said_end
    }
}

/// What nobody waits for: without it the session goes on.
fn is_news(message: &FromAgent) -> bool {
    matches!(message, FromAgent::People { .. } | FromAgent::Live { .. } | FromAgent::Seen { .. })
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{RunId, SessionId};
    use fieldlink_protocol::messages::questions::Question;
    use fieldlink_protocol::messages::report::{ReportForm, ReportWanted};
    use fieldlink_protocol::messages::{Features, encode_fit};
    use fieldlink_protocol::pipe::Role;
    use fieldlink_protocol::secret::Secret;
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The agent's half, what seals the engineer's words, and what opens the agent's.
    fn sides() -> (Conversation, Sealer, Opener) {
        let (session, run) = (SessionId::from_bytes([1; 16]), RunId::from_bytes([2; 16]));
        let (ours, theirs) = (Secret::new([3; 32]), Secret::new([4; 32]));
        let sealer = Sealer::new(&ours, session, run, Role::Agent);
        let opener = Opener::new(&theirs, session, run, Role::Engineer);
        let agent = Conversation::new(sealer, opener);
        let engineers_sealer = Sealer::new(&theirs, session, run, Role::Engineer);
        (agent, engineers_sealer, Opener::new(&ours, session, run, Role::Agent))
    }

    fn hello() -> FromEngineer {
        greeting(Features::ours())
    }

    fn greeting(features: Features) -> FromEngineer {
        FromEngineer::Hello {
            ssh_key: "ssh-ed25519 AAAA".into(),
            software: "fieldlink-connect".into(),
            features,
            observes: false,
        }
    }

    fn sealed(sealer: &mut Sealer, message: &FromEngineer) -> Vec<u8> {
        sealer.seal(encode_fit(message).expect("it fits").as_bytes()).expect("sealed").to_vec()
    }

    fn heartbeats(agent: &mut Conversation, opener: &mut Opener) -> Vec<u32> {
        let mut seconds = Vec::new();
        while let Some(bytes) = agent.poll_transmit() {
            opener.receive(&bytes);
            let message = opener.open_next().expect("ours").expect("whole");
            if let FromAgent::Heartbeat { seconds: left } = messages::decode(&message).expect("a message") {
                seconds.push(left);
            }
        }
        seconds
    }

    #[test]
    fn heartbeats_begin_with_the_session_and_rest_without_a_connection() {
        let (mut agent, _, mut opener) = sides();
        assert_eq!(agent.poll_timeout(), None);
        agent.handle_deadline(Some(100 * SECOND), 10 * SECOND);
        for now in [10, 12, 15, 20] {
            agent.handle_timeout(now * SECOND).expect("said");
        }
        assert_eq!(heartbeats(&mut agent, &mut opener), [90, 85, 80]);
        agent.handle_link(PipeLink::Down { problem: "cut".into(), tries: 0 }, 21 * SECOND);
        assert_eq!(agent.poll_timeout(), None);
        agent.handle_link(PipeLink::Up, 40 * SECOND);
        assert_eq!(agent.poll_timeout(), Some(40 * SECOND), "at once");
        agent.handle_timeout(40 * SECOND).expect("said");
        agent.handle_deadline(Some(400 * SECOND), 41 * SECOND);
        agent.handle_timeout(41 * SECOND).expect("said");
        assert_eq!(heartbeats(&mut agent, &mut opener), [60, 359]);
    }

    #[test]
    fn the_engineers_side_introduces_itself_first_and_once() {
        let (mut agent, mut sealer, _) = sides();
        let early = sealed(&mut sealer, &FromEngineer::Heartbeat {});
        assert_eq!(agent.handle_bytes(&early), Err(Reason::Incompatible));
        let (mut agent, mut sealer, _) = sides();
        agent.handle_bytes(&sealed(&mut sealer, &hello())).expect("greeted");
        assert!(matches!(agent.poll_event(), Some(ControlEvent::Greeted(_))));
        assert_eq!(agent.handle_bytes(&sealed(&mut sealer, &hello())), Err(Reason::Incompatible));
    }

    #[test]
    fn what_came_before_something_wrong_counts() {
        let (mut agent, mut sealer, _) = sides();
        let mut bytes = sealed(&mut sealer, &hello());
        bytes.extend(sealed(&mut sealer, &FromEngineer::Chat { text: "hello".into() }));
        bytes.extend(sealed(&mut sealer, &FromEngineer::End { reason: Reason::ClientEnded }));
        agent.handle_bytes(&bytes).expect("understood");
        let said: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
        let over = said.last();
        assert!(
            matches!(over, Some(ControlEvent::Over(Reason::EngineerEnded, _))),
            "not the client: {over:?}"
        );
        // A program that knows nothing of reports waits for nothing.
        let (mut agent, mut sealer, _) = sides();
        let mut bytes = sealed(&mut sealer, &greeting(Features(Vec::new())));
        bytes.extend(sealed(&mut sealer, &FromEngineer::Chat { text: "hello".into() }));
        bytes.extend(sealed(&mut sealer, &FromEngineer::End { reason: Reason::ClientEnded }));
        assert_eq!(agent.handle_bytes(&bytes), Err(Reason::EngineerEnded), "not the client");
        let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
        assert!(matches!(&events[..], [ControlEvent::Greeted(_), ControlEvent::Chat(_)]));
    }

    #[test]
    fn what_is_over_gives_its_report_and_hears_nothing_else() {
        let fetch = || FromEngineer::Fetch {
            wanted: ReportWanted { form: ReportForm::Html, language: None, edition: 0, offset: 0 },
        };
        let (mut agent, mut sealer, _) = sides();
        agent.handle_bytes(&sealed(&mut sealer, &hello())).expect("greeted");
        assert_eq!(
            agent.handle_bytes(&sealed(&mut sealer, &fetch())),
            Err(Reason::Incompatible),
            "too early"
        );
        let (mut agent, mut sealer, _) = sides();
        agent.handle_bytes(&sealed(&mut sealer, &hello())).expect("greeted");
        agent.poll_event();
        agent.handle_message(&FromAgent::Closing { reason: Reason::TimeUp }).expect("said");
        assert_eq!(agent.said_end(), Some(Reason::TimeUp));
        let late = FromEngineer::Ask { request: 1, question: Question::JoinCode {} };
        for message in [late, fetch()] {
            agent.handle_bytes(&sealed(&mut sealer, &message)).expect("understood");
        }
        assert!(matches!(agent.poll_event(), Some(ControlEvent::Heard)));
        assert!(matches!(agent.poll_event(), Some(ControlEvent::Fetch(_))));
        // The two ended it at the same time.
        let end = FromEngineer::End { reason: Reason::EngineerEnded };
        agent.handle_bytes(&sealed(&mut sealer, &end)).expect("it changes nothing");
        agent.handle_bytes(&sealed(&mut sealer, &fetch())).expect("understood");
        let fetched = sealed(&mut sealer, &FromEngineer::Fetched {});
        assert_eq!(agent.handle_bytes(&fetched), Err(Reason::EngineerEnded));
    }

    proptest! {
        /// Wherever the stream is cut, the same comes out; a byte that was changed ends it.
        #[test]
        fn cuts_change_nothing_and_changes_end_it(
            cuts in prop::collection::vec(1usize..40, 0..40),
            flipped in prop::option::of(0usize..400),
        ) {
            let (mut agent, mut sealer, _) = sides();
            let mut bytes = sealed(&mut sealer, &hello());
            for request in 0..3 {
                bytes.extend(sealed(&mut sealer, &FromEngineer::Withdraw { request }));
            }
            let flipped = flipped.filter(|at| *at < bytes.len());
            flipped.into_iter().for_each(|at| bytes[at] ^= 1);
            let (mut rest, mut handled) = (&bytes[..], Ok(()));
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                handled = handled.and_then(|()| agent.handle_bytes(piece));
                rest = later;
            }
            let events = std::iter::from_fn(|| agent.poll_event()).count();
            match flipped {
                None => prop_assert_eq!((handled, events), (Ok(()), 4)),
                // A length that was changed leaves it waiting for the rest.
                Some(_) => prop_assert!(events < 4 && handled != Err(Reason::Incompatible), "{handled:?}"),
            }
        }
    }
}
