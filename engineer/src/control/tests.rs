use fieldlink_protocol::ids::{RunId, SessionId};
use fieldlink_protocol::messages::{Features, encode};
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::seal::Sealer;
use fieldlink_protocol::secret::Secret;
use proptest::prelude::*;

use super::*;
use crate::ssh_key::EXAMPLE;

/// An agent that talks to a conversation without anything between them.
struct Agent {
    sealer: Sealer,
    conversation: Conversation,
    now: Instant,
}

impl Agent {
    fn new() -> Self {
        let (key, session, run) = (Secret::random(), SessionId::random(), RunId::random());
        let now = Instant::now();
        Self {
            sealer: Sealer::new(&key, session, run, Role::Agent),
            conversation: Conversation::new(Opener::new(&key, session, run, Role::Agent), now),
            now,
        }
    }

    fn say(&mut self, message: &FromAgent) -> Result<Vec<Heard>, Broken> {
        let sealed = self.sealer.seal(encode(message).as_bytes()).expect("sealed");
        self.conversation.receive(&sealed, self.now)
    }

    fn after(&mut self, seconds: u64) -> Result<Option<Heard>, Broken> {
        self.now += Duration::from_secs(seconds);
        self.conversation.wait(self.now)
    }

    fn admit(&mut self) {
        self.say(&hello(EXAMPLE)).expect("introduced");
        self.say(&FromAgent::Admitted { seconds: 3600 }).expect("admitted");
    }
}

fn hello(host_key: &str) -> FromAgent {
    FromAgent::Hello {
        host_key: host_key.into(),
        user: "fieldlink-support".into(),
        hostname: "scanner\u{1b}[2J".into(),
        software: "fieldlink-agent 0.1.0".into(),
        features: Features::ours(),
    }
}

const BEAT: FromAgent = FromAgent::Heartbeat { seconds: 10 };
const TAMPERED: Broken = Broken(Reason::Tampered);

fn beat(seconds: u32) -> FromAgent {
    FromAgent::Heartbeat { seconds }
}

fn silence() -> Heard {
    Heard::Interrupted(Trouble { problem: "nothing comes through any more".into(), tries: 0 })
}

#[test]
fn a_call_goes_from_hello_to_the_end() {
    let mut agent = Agent::new();
    let introduced = agent.say(&hello(EXAMPLE)).expect("introduced");
    let [Heard::Hello(hello)] = &introduced[..] else { panic!("{introduced:?}") };
    assert_eq!(hello.hostname, "scanner\u{fffd}[2J");
    assert_eq!(agent.say(&FromAgent::Asking { seconds: 60 }), Ok(vec![Heard::Asking(limits::CONSENT)]));
    assert_eq!(agent.say(&BEAT), Ok(vec![Heard::Remaining(Duration::from_secs(10))]));
    assert_eq!(agent.say(&FromAgent::Admitted { seconds: 3600 }), Ok(vec![Heard::Admitted(limits::SESSION)]));
    let end = FromAgent::End { reason: Reason::ClientEnded };
    assert_eq!(agent.say(&end), Ok(vec![Heard::End(Reason::ClientEnded)]));
}

#[test]
fn messages_out_of_turn_and_false_keys_end_it() {
    let admitted = FromAgent::Admitted { seconds: 1 };
    for messages in [
        &[BEAT][..],
        std::slice::from_ref(&admitted),
        &[FromAgent::Asking { seconds: 1 }],
        &[hello(EXAMPLE), hello(EXAMPLE)],
        &[hello(EXAMPLE), admitted.clone(), admitted.clone()],
        &[hello(EXAMPLE), admitted.clone(), FromAgent::Asking { seconds: 1 }],
        &[hello(EXAMPLE), FromAgent::Chat { text: "too early".into() }],
        &[hello(EXAMPLE), FromAgent::Answered { request: 1, answer: Answer::Refused {} }],
        &[hello("ssh-rsa AAAA")],
        &[hello(&format!("{EXAMPLE}\n* {EXAMPLE}"))],
    ] {
        let mut agent = Agent::new();
        let last = messages.iter().map(|message| agent.say(message)).last();
        assert_eq!(last, Some(Err(Broken(Reason::Incompatible))), "{messages:?}");
    }
}

#[test]
fn what_the_client_says_is_made_harmless() {
    let mut agent = Agent::new();
    agent.admit();
    let said = FromAgent::Chat { text: "it\u{1b}[2J blinks\n".into() };
    assert_eq!(agent.say(&said), Ok(vec![Heard::Chat("it\u{fffd}[2J blinks\u{fffd}".into())]));
    let answer = |text: &str| Answer::Text { text: text.into(), language: String::new() };
    let answered = agent.say(&FromAgent::Answered { request: 7, answer: answer("gr\u{202e}een") });
    let clean = Heard::Answered { request: 7, answer: answer("gr\u{fffd}een") };
    assert_eq!(answered, Ok(vec![clean]));
}

#[test]
fn more_time_is_told_from_less() {
    let mut agent = Agent::new();
    agent.admit();
    let heard = |seconds, is_more| {
        let left = Duration::from_secs(seconds);
        Ok(vec![if is_more { Heard::Extended(left) } else { Heard::Remaining(left) }])
    };
    // After an interruption come heartbeats that were under way meanwhile.
    for (seconds, is_more) in
        [(3600, false), (3601, false), (3200, false), (3195, false), (3255, true), (3255, false), (10, false)]
    {
        assert_eq!(agent.say(&beat(seconds)), heard(seconds.into(), is_more), "{seconds}");
    }
}

#[test]
fn silence_interrupts_and_then_ends() {
    let mut agent = Agent::new();
    agent.admit();
    assert_eq!(agent.after(9), Ok(None));
    assert_eq!(agent.after(1), Ok(Some(silence())));
    assert_eq!(agent.after(1), Ok(None));
    let remaining = Heard::Remaining(Duration::from_secs(10));
    assert_eq!(agent.say(&BEAT), Ok(vec![Heard::Resumed, remaining]));
    assert_eq!(agent.after(10), Ok(Some(silence())));
    assert_eq!(agent.after(289), Ok(None));
    assert_eq!(agent.after(1), Err(Broken(Reason::Silence)));
}

#[test]
fn a_lost_connection_is_told_at_once() {
    let mut agent = Agent::new();
    let down = |tries| PipeLink::Down { problem: "it was\u{1b}cut".into(), tries };
    assert_eq!(agent.conversation.link(&down(0), agent.now), None, "there is no session yet");
    agent.admit();
    for tries in 0..3 {
        let trouble = Trouble { problem: "it was\u{fffd}cut".into(), tries };
        assert_eq!(agent.conversation.link(&down(tries), agent.now), Some(Heard::Interrupted(trouble)));
    }
    assert_eq!(agent.after(9), Ok(None), "it is told already");
    assert_eq!(agent.conversation.link(&PipeLink::Up, agent.now), Some(Heard::Resumed));
    assert_eq!(agent.conversation.link(&PipeLink::Up, agent.now), None);
    assert_eq!(agent.after(1), Ok(Some(silence())), "counted from what was heard");
    assert_eq!(agent.conversation.link(&PipeLink::Up, agent.now), None, "a connection alone says nothing");
    let remaining = Heard::Remaining(Duration::from_secs(10));
    assert_eq!(agent.say(&BEAT), Ok(vec![Heard::Resumed, remaining]));
}

#[test]
fn nobody_waits_for_ever_for_a_yes() {
    let mut agent = Agent::new();
    assert_eq!(agent.after(10), Err(Broken(Reason::Silence)));

    let mut agent = Agent::new();
    agent.say(&hello(EXAMPLE)).expect("introduced");
    // Not even if the agent claims to ask for a day, and keeps its heart beating.
    agent.say(&FromAgent::Asking { seconds: 86_400 }).expect("asking");
    for _ in 0..13 {
        assert_eq!(agent.after(5), Ok(None));
        agent.say(&BEAT).expect("alive");
    }
    assert_eq!(agent.after(5), Err(Broken(Reason::NoAnswer)));
}

proptest! {
    /// Any change to what passes is noticed, and nothing is believed after it.
    #[test]
    fn a_changed_byte_ends_it(at in 0usize..400, bit in 0u8..8) {
        let mut agent = Agent::new();
        agent.admit();
        let mut sealed = agent.sealer.seal(encode(&BEAT).as_bytes()).expect("sealed").to_vec();
        let at = at % sealed.len();
        sealed[at] ^= 1 << bit;
        let heard = agent.conversation.receive(&sealed, agent.now);
        // A longer length only makes it wait for bytes that never come.
        prop_assert!(heard == Err(TAMPERED) || (at < 4 && heard == Ok(vec![])));
    }

    /// The deadline is never later than the moment at which time alone means something.
    #[test]
    fn no_deadline_is_missed(steps in prop::collection::vec(0u64..20, 1..60)) {
        let mut agent = Agent::new();
        agent.admit();
        for seconds in steps {
            let due = agent.conversation.deadline();
            match agent.after(seconds) {
                Ok(None) => prop_assert!(agent.now < due),
                Ok(Some(_)) => prop_assert!(agent.now >= due),
                Err(_) => return Ok(()),
            }
            if seconds % 3 == 0 {
                agent.say(&BEAT).expect("alive");
            }
        }
    }
}
