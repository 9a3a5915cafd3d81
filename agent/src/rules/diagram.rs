//! The states of remote access and what leads from one to another, found by trying every input in every state, and
//! compared with the picture in ARCHITECTURE.md.

use std::collections::BTreeSet;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::RunId;

use super::tests::{outage, registration, request};
use super::*;

/// The rules, and what the inputs need.
struct Trial {
    rules: Rules,
    now: Duration,
}

type Input = (&'static str, fn(&mut Trial));

const INPUTS: [Input; 14] = [
    ("start", |trial| trial.order(Order::Start)),
    ("relay: registered", |trial| trial.rules.handle_registered()),
    ("relay: lost", |trial| {
        trial.rules.handle_relay_lost(outage(), trial.now);
        // For longer than a moment.
        trial.rules.relay.handle_timeout(true, trial.now * 100, &mut trial.rules.events);
    }),
    ("engineer: right PIN", |trial| {
        if let Some(registration) = registration(&mut trial.rules)
            && let Ok(charge) = trial.rules.handle_charge(&registration, RunId::random())
        {
            let _ = trial.rules.handle_verified(request(1), &registration, charge, trial.now);
        }
    }),
    ("engineer: control pipe proven", |trial| trial.rules.handle_greeted(true, trial.now)),
    ("client: yes", |trial| trial.answer(ClientAnswer::Yes)),
    ("client: no", |trial| trial.answer(ClientAnswer::No)),
    ("engineer: leaves", |trial| {
        trial.rules.handle_over(Reason::EngineerEnded, Teller::Party, trial.now);
    }),
    ("relay: ID withdrawn", |trial| {
        trial.rules.handle_begun();
        trial.rules.handle_admitted(request(1).session, trial.now);
    }),
    ("control pipe: lost", |trial| trial.rules.handle_link_down("lost".into())),
    ("control pipe: heard", |trial| trial.rules.handle_heard(trial.now)),
    ("restart: agreed and written down", |trial| {
        trial.rules.handle_restart_stored((None, 1.into(), false), Ok(()), trial.now);
    }),
    ("restart: over", |trial| {
        let _ = trial.rules.handle_carry_on(carried(trial.now));
    }),
    ("engineer: key proven again", |trial| {
        trial.rules.handle_rejoined(RunId::random(), true, trial.now);
    }),
];

/// How each state is reached, as indices of [`INPUTS`].
const WAYS: [&[usize]; 10] = [
    &[],
    &[0],
    &[0, 1],
    &[0, 1, 3],
    &[0, 1, 3, 4],
    &[0, 1, 3, 4, 5],
    &[0, 1, 3, 4, 5, 8],
    &[0, 1, 3, 4, 5, 8, 11],
    &[12],
    &[12, 5],
];

fn carried(now: Duration) -> Carried {
    let (request, deadline) = (request(1), now + Duration::from_secs(1_000));
    let continuity = Continuity::of(&request);
    Carried { request, continuity, deadline, most_deadline: deadline, until: now + Duration::from_secs(500) }
}

impl Trial {
    fn of(inputs: &[usize]) -> Self {
        let rules = Rules::new(Consent::Ask, PresenceMode::Off, SessionConfig::default());
        let mut trial = Self { rules, now: Duration::from_secs(1) };
        inputs.iter().for_each(|&input| INPUTS[input].1(&mut trial));
        while trial.rules.poll_event().is_some() {}
        trial
    }

    fn answer(&mut self, answer: ClientAnswer) {
        let question = match self.rules.state() {
            State::Asking { question, .. } => *question,
            State::Carrying(carrying) => match **carrying {
                Carrying::Offered { question, .. } => question,
                Carrying::Rejoining { .. } => return,
            },
            _ => return,
        };
        self.order(Order::Answer(question, answer));
    }

    /// It may be refused.
    fn order(&mut self, order: Order) {
        let _ = self.rules.handle_order(order, self.now);
    }

    /// Waits until something is due. What that is called.
    fn wait(&mut self) -> Option<&'static str> {
        self.rules.handle_timeout(self.rules.poll_timeout()?);
        Some(match self.rules.poll_event()? {
            RuleEvent::Closed { ending: Ending::Idle, .. } => "time: nobody came",
            RuleEvent::Closed { .. } => "time: over",
            RuleEvent::NotLetIn { why: NotLetIn::Unanswered, .. } => "time: no answer",
            RuleEvent::NotLetIn { .. } => "time: too slow",
            RuleEvent::Interrupted { .. } => "time: silent",
            _ => return None,
        })
    }

    fn state(&self) -> &'static str {
        let is_registered = self.rules.relay().is_registered();
        match self.rules.state() {
            State::Off => "Off",
            State::Open { .. } if !is_registered => "Connecting",
            State::Open { .. } => "Ready",
            State::Greeting { .. } => "Greeting",
            State::Asking { .. } => "Asking",
            State::Admitting { .. } => "Admitting",
            State::Active(active) if active.interrupted.is_some() => "Interrupted",
            State::Active(_) => "Active",
            State::Restarting(_) => "Restarting",
            State::Carrying(carrying) if matches!(**carrying, Carrying::Offered { .. }) => "Offering",
            State::Carrying(_) => "Returning",
        }
    }
}

/// One line for each way from a state to another; time that is up is an input as well.
fn transitions() -> BTreeSet<String> {
    let interrupted: &[usize] = &[0, 1, 3, 4, 5, 8, 9];
    let mut found = BTreeSet::new();
    for way in WAYS.into_iter().chain([interrupted]) {
        let from = Trial::of(way).state();
        for (label, input) in INPUTS {
            let mut trial = Trial::of(way);
            input(&mut trial);
            if trial.state() != from {
                found.insert(format!("    {from} --> {}: {label}", trial.state()));
            }
        }
        let mut trial = Trial::of(way);
        if let Some(what) = trial.wait() {
            found.insert(format!("    {from} --> {}: {what}", trial.state()));
        }
    }
    found
}

#[test]
fn the_client_switches_off_in_every_state() {
    for way in WAYS {
        let mut trial = Trial::of(way);
        trial.order(Order::Stop(Reason::ClientEnded));
        assert_eq!(trial.state(), "Off", "after {way:?}");
    }
}

#[test]
fn the_picture_in_the_architecture_is_true() {
    let document = include_str!("../../../ARCHITECTURE.md");
    let begin = "```mermaid\nstateDiagram-v2\n";
    let drawn = document.split(begin).nth(1).and_then(|rest| rest.split("```").next()).expect("a picture");
    let drawn: BTreeSet<String> = drawn.lines().map(str::to_owned).collect();
    let found = transitions();
    let shown: Vec<_> = found.iter().cloned().collect();
    assert_eq!(drawn, found, "draw this:\n{}", shown.join("\n"));
}
