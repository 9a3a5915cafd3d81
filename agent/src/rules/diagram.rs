//! The states of remote access and what leads from one to another, found by trying every input in every state, and
//! compared with the picture in ARCHITECTURE.md.

use std::collections::BTreeSet;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::EngineerId;

use super::*;

/// The rules, and what the inputs need.
struct Trial {
    rules: Rules,
    registration: Option<Arc<Registration>>,
    now: Duration,
}

type Input = (&'static str, fn(&mut Trial));

const INPUTS: [Input; 11] = [
    ("start", |trial| {
        if matches!(trial.rules.state(), State::Off) {
            let pair = Pair::draw().expect("a pair");
            trial.registration = Some(pair.registration.clone());
            trial.rules.open(pair, trial.now);
        }
    }),
    ("relay: registered", |trial| trial.rules.set_registered(true)),
    ("relay: lost", |trial| trial.rules.set_registered(false)),
    ("engineer: right PIN", |trial| {
        if let Some(registration) = trial.registration.clone()
            && let Ok(charge) = trial.rules.charge(&registration)
        {
            let _ = trial.rules.verified(&registration, charge, request(), trial.now);
        }
    }),
    ("engineer: control pipe proven", |trial| {
        let _ = trial.rules.greeted(trial.now);
    }),
    ("client: yes", |trial| trial.answer(ClientAnswer::Yes)),
    ("client: no", |trial| trial.answer(ClientAnswer::No)),
    ("engineer: leaves", |trial| {
        if matches!(trial.rules.state(), State::Greeting { .. } | State::Asking { .. }) {
            trial.rules.withdraw(trial.now);
        }
    }),
    ("relay: ID withdrawn", |trial| {
        let _ = trial.rules.admitted(trial.now);
    }),
    ("control pipe: lost", |trial| trial.rules.interrupt("lost".into())),
    ("control pipe: heard", |trial| {
        let _ = trial.rules.heard(trial.now);
    }),
];

/// How each state is reached, as indices of [`INPUTS`].
const WAYS: [&[usize]; 7] =
    [&[], &[0], &[0, 1], &[0, 1, 3], &[0, 1, 3, 4], &[0, 1, 3, 4, 5], &[0, 1, 3, 4, 5, 8]];

impl Trial {
    fn of(inputs: &[usize]) -> Self {
        let rules = Rules::new(Consent::Ask, SessionConfig::default());
        let mut trial = Self { rules, registration: None, now: Duration::from_secs(1) };
        inputs.iter().for_each(|&input| INPUTS[input].1(&mut trial));
        trial
    }

    fn answer(&mut self, answer: ClientAnswer) {
        if let State::Asking { question, .. } = *self.rules.state() {
            let _ = self.rules.answer(question, answer, self.now);
        }
    }

    /// Waits until something is due, and does what the rules' owner does then.
    fn wait(&mut self) -> Option<&'static str> {
        let due = self.rules.next_deadline()?;
        match self.rules.tick(due)? {
            Due::Idle => {
                self.rules.close();
                Some("time: nobody came")
            }
            Due::End(_) => {
                self.rules.close();
                Some("time: over")
            }
            Due::GiveUp(Reason::NoAnswer) => {
                self.rules.refused(due);
                Some("time: no answer")
            }
            Due::GiveUp(_) => {
                self.rules.withdraw(due);
                Some("time: too slow")
            }
            Due::Interrupted => Some("time: silent"),
            Due::Unanswered { .. } | Due::Remind { .. } => None,
        }
    }

    fn state(&self) -> &'static str {
        match self.rules.state() {
            State::Off => "Off",
            State::Open { registered: false, .. } => "Connecting",
            State::Open { registered: true, .. } => "Ready",
            State::Greeting { .. } => "Greeting",
            State::Asking { .. } => "Asking",
            State::Admitting { .. } => "Admitting",
            State::Active(active) if active.interrupted.is_some() => "Interrupted",
            State::Active(_) => "Active",
        }
    }
}

fn request() -> Request {
    Request {
        session: SessionId::from_bytes([1; 16]),
        run: RunId::from_bytes([1; 16]),
        engineer: EngineerIdentity {
            id: EngineerId::from_bytes([1; 16]),
            name: "Ada".into(),
            company: "X".into(),
        },
        ticket: "T-1".into(),
        partner: None,
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
fn the_picture_in_the_architecture_is_true() {
    let document = include_str!("../../../ARCHITECTURE.md");
    let begin = "```mermaid\nstateDiagram-v2\n";
    let drawn = document.split(begin).nth(1).and_then(|rest| rest.split("```").next()).expect("a picture");
    let drawn: BTreeSet<String> = drawn.lines().map(str::to_owned).collect();
    let found = transitions();
    let shown: Vec<_> = found.iter().cloned().collect();
    assert_eq!(drawn, found, "draw this:\n{}", shown.join("\n"));
}
