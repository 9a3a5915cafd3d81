//! Any order of inputs from both sides, the relay and the clock, against what must hold always.

mod account;
mod input;
mod people;

use std::collections::HashSet;
use std::sync::Arc;

use fieldlink_device::order::ClientAnswer;
use fieldlink_device::verdict;
use fieldlink_protocol::ids::{OperationId, QuestionId, RunId};
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::operation::{OperationEnd, OperationState};
use fieldlink_protocol::messages::questions::{NotNow, Question};
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::policy::{Function, Permission};
use fieldlink_runbook::Makers;
use proptest::prelude::*;

use super::tests::{events, outage, registration, request};
use super::*;
use crate::config::Titles;
use account::Account;
use input::{Input, OrderKind, input};
use people::People;

struct Model {
    presence: PresenceMode,
    rules: Rules,
    now: Duration,
    /// With the pair that was charged, which may be gone.
    charges: Vec<(Arc<Registration>, Charge)>,
    people: People,
    asked: Option<QuestionId>,
    earlier: Option<QuestionId>,
    account: Account,
    /// How many there were.
    uses: u64,
    /// What was wanted last, of operations, and what runs.
    wishes: u64,
    run: OperationId,
    /// For which reasons the client knows that engineers were turned away, since they switched remote access on.
    told: HashSet<Reason>,
    /// Whether the client does something just now.
    is_client: bool,
    is_metered: bool,
    /// The last session, if an engineer worked in it and the client has not judged it.
    unjudged: Option<SessionId>,
}

impl Model {
    fn new(consent: Consent, presence: PresenceMode) -> Self {
        Self {
            presence,
            rules: Rules::new(consent, presence, SessionConfig::default()),
            now: Duration::from_secs(1),
            charges: Vec::new(),
            people: People::default(),
            asked: None,
            earlier: None,
            account: Account::default(),
            uses: 0,
            wishes: 0,
            run: OperationId::from_bytes([0; 16]),
            told: HashSet::new(),
            is_client: false,
            is_metered: false,
            unjudged: None,
        }
    }

    fn apply(&mut self, input: Input) -> Result<(), TestCaseError> {
        self.is_client = matches!(input, Input::Order(_) | Input::ClientsChat);
        let (rules, now) = (&mut self.rules, self.now);
        match input {
            Input::Order(kind) => return self.order(kind),
            Input::Registered => rules.handle_registered(),
            Input::RelayLost => rules.handle_relay_lost(outage(), now),
            Input::IdTaken => rules.handle_id_taken(now),
            Input::RelayEnded(n) => rules.handle_relay_ended(request(n).session, Reason::Revoked, now),
            Input::RelayClosed => rules.handle_relay_closed(Reason::RelayRestarted, now),
            Input::Pair(n) => drop(rules.handle_pair(&request(n), 0, 0)),
            Input::NotBelieved(n, is_replay) => {
                let state = format!("{:?}", std::mem::discriminant(rules.state()));
                let reason = if is_replay { Reason::ProofReplayed } else { Reason::CertificateMissing };
                rules.handle_not_believed(request(n), reason);
                let after = format!("{:?}", std::mem::discriminant(rules.state()));
                prop_assert_eq!(state, after, "it changes nothing but the account");
            }
            Input::Charge => {
                if let Some(pair) = registration(rules)
                    && let Ok(charge) = rules.handle_charge(&pair, RunId::random())
                {
                    self.charges.push((pair, charge));
                }
            }
            Input::Verified => {
                if let Some((registration, charge)) = self.charges.pop() {
                    let _ = rules.handle_verified(request(1), &registration, charge, now);
                }
            }
            Input::Failed => {
                if let Some((registration, charge)) = self.charges.pop() {
                    rules.handle_failed(request(1), &registration, charge, Reason::WrongPin, now);
                }
            }
            Input::Greeted => rules.handle_greeted(true, now),
            Input::Begun => rules.handle_begun(),
            Input::Admitted(n) => drop(rules.handle_admitted(request(n).session, now)),
            Input::Over(is_relays) => {
                let teller = if is_relays { Teller::Relay } else { Teller::Party };
                rules.handle_over(Reason::EngineerEnded, teller, now);
            }
            Input::Heard => rules.handle_heard(now),
            Input::LinkDown => rules.handle_link_down("cut".into()),
            Input::LinkUp => rules.handle_link_up(now),
            Input::Question(n, true) => {
                rules.handle_question(
                    n.into(),
                    Question::Text { text: "?".into(), choices: Vec::new() },
                    now,
                );
            }
            Input::Question(n, false) => rules.handle_question(
                n.into(),
                Question::Extension { minutes: 60, reason: String::new() },
                now,
            ),
            Input::Withdrawal(n) => rules.handle_withdrawal(n.into(), now),
            Input::Use(n) => {
                self.uses += 1;
                self.account.uses.insert(UseId(self.uses));
                rules.handle_use(UseId(self.uses), Function::ALL[usize::from(n)], now);
            }
            Input::UseDropped(back) => {
                let id = UseId(self.uses.saturating_sub(back.into()));
                self.account.uses.remove(&id);
                rules.handle_use_dropped(id, now);
            }
            Input::OperationWanted(is_asked) => {
                self.wishes += 1;
                let id = UseId(self.wishes);
                self.account.wishes.insert(id);
                let (name, titles) = ("update".to_owned(), Titles::new());
                let permission = if is_asked { Permission::Ask } else { Permission::Allowed };
                self.account.is_operation_asked = is_asked;
                rules.handle_operation_wanted(WantedOperation { id, name, titles }, permission, now);
            }
            Input::OperationDropped(back) => {
                let id = UseId(self.wishes.saturating_sub(back.into()));
                self.account.wishes.remove(&id);
                self.account.granted_wishes.remove(&id);
                rules.handle_operation_dropped(id, now);
            }
            Input::OperationStart(back) => {
                let id = UseId(self.wishes.saturating_sub(back.into()));
                let was_busy = self.account.is_operated;
                let run = OperationId::random();
                if rules.handle_operation_start(id, run).is_ok() {
                    prop_assert!(self.account.granted_wishes.remove(&id), "after a yes, once");
                    prop_assert!(!was_busy, "one at a time");
                    self.run = run;
                }
            }
            Input::OperationIs(is_ours, is_over) => {
                let run = if is_ours { self.run } else { OperationId::random() };
                let over = OperationState::Over { result: OperationEnd::Succeeded {}, restart: false };
                let state = if is_over { over } else { OperationState::Running { percent: None } };
                let (name, titles, line) = ("update".to_owned(), Titles::new(), String::new());
                let session = request(1).session;
                rules.handle_operation_is(OperationStatus { run, session, name, titles, state, line });
            }
            Input::RestartStored(is_stored) => {
                let stored = if is_stored { Ok(()) } else { Err(NotNow::NotStored) };
                rules.handle_restart_stored((None, 1.into(), false), stored, now);
            }
            Input::RestartFailed => rules.handle_restart_failed(now),
            Input::CarryOn(left, within) => {
                let deadline = now + Duration::from_secs(left.into());
                let (request, until) = (request(1), now + Duration::from_secs(within.into()));
                let _ = rules.handle_carry_on(Carried {
                    continuity: Continuity::of(&request),
                    request,
                    deadline,
                    most_deadline: deadline,
                    until,
                });
            }
            Input::LessTime(left) => {
                let deadline = now + Duration::from_secs(left.into());
                rules.handle_less_time(deadline, deadline);
            }
            Input::Rejoined => {
                let _ = rules.handle_rejoined(RunId::random(), true, now);
            }
            Input::Quiet(0) => rules.handle_announcement(1.into(), Announcement::QuietOver {}, now),
            Input::Quiet(minutes) => {
                let text = String::new();
                rules.handle_announcement(1.into(), Announcement::Quiet { minutes, text }, now);
            }
            Input::Call => rules.handle_announcement(1.into(), Announcement::Call {}, now),
            Input::Runbook(n) => {
                let state = std::mem::discriminant(rules.state());
                rules.handle_runbook(1.into(), super::tests::word(n), &Makers::default(), now);
                let is_told = |event: &RuleEvent| matches!(event, RuleEvent::Runbook(_));
                prop_assert!(rules.events.iter().all(is_told), "it gives no right");
                prop_assert_eq!(state, std::mem::discriminant(rules.state()), "and ends nothing");
            }
            Input::Metered(is_metered) => {
                self.is_metered = is_metered;
                rules.handle_metered(is_metered);
            }
            Input::PastLimit => rules.handle_past_limit(now),
            Input::Battery(percent) => rules.handle_battery(Some(Battery { percent, is_discharging: true })),
            Input::EngineersChat => drop(rules.handle_engineers_chat(SeatId::FIRST, "hello", now)),
            Input::ClientsChat => {
                let _ = rules.handle_clients_chat("hello", true, now);
            }
            Input::PairAgain(n) => {
                drop(rules.handle_pair_again(request(1).session, RunId::from_bytes([n; 16])));
            }
            Input::Returned => drop(rules.handle_returned(RunId::random(), true, now)),
            Input::People(input) => self.people.apply(input, rules, now),
            Input::Failure => rules.handle_failure(Reason::ScannerFailed, now),
            Input::Pass(seconds) => return self.pass(Duration::from_secs(seconds.into())),
            Input::Sleep(seconds) => {
                self.now += Duration::from_secs(seconds.into());
                self.rules.handle_timeout(self.now);
            }
        }
        self.check()
    }

    fn order(&mut self, kind: OrderKind) -> Result<(), TestCaseError> {
        let question = self.asked.unwrap_or_else(QuestionId::random);
        if matches!((&kind, self.rules.state()), (OrderKind::Start, State::Off)) {
            self.told.clear();
        }
        let order = match kind {
            OrderKind::Start => Order::Start,
            OrderKind::Stop => Order::Stop(Reason::ClientEnded),
            OrderKind::End => Order::End,
            OrderKind::Yes => Order::Answer(question, ClientAnswer::Yes),
            OrderKind::No => Order::Answer(question, ClientAnswer::No),
            OrderKind::Words => Order::Answer(question, ClientAnswer::Text("green".into())),
            OrderKind::YesToEarlier => {
                Order::Answer(self.earlier.unwrap_or_else(QuestionId::random), ClientAnswer::Yes)
            }
            OrderKind::Here => Order::Here,
            OrderKind::Verdict(n) => {
                Order::Verdict(request(n).session, verdict::Verdict::Partly, String::new())
            }
            OrderKind::Grant(minutes) => Order::Grant(request(1).session, minutes),
        };
        let is_earlier = matches!(kind, OrderKind::YesToEarlier);
        let taken = self.rules.handle_order(order, self.now).is_ok();
        prop_assert!(!(is_earlier && taken), "an answer to a question that is over");
        self.check()
    }

    /// Time passes; everything is carried out when it is due.
    fn pass(&mut self, time: Duration) -> Result<(), TestCaseError> {
        let until = self.now + time;
        for _ in 0..10_000 {
            let Some(due) = self.rules.poll_timeout().filter(|due| *due <= until) else { break };
            self.now = due.max(self.now);
            self.rules.handle_timeout(self.now);
            self.check()?;
        }
        self.now = until;
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        for event in events(&mut self.rules) {
            self.note(event)?;
        }
        self.rules.handle_timeout(self.now);
        for event in events(&mut self.rules) {
            self.note(event)?;
        }
        let still_due = self.rules.poll_timeout().filter(|due| *due <= self.now);
        prop_assert_eq!(still_due, None, "all that is due is carried out");
        people::check(&self.rules)?;
        let is_admitted = self.rules.admits_pipes(request(1).session);
        let active = self.rules.state().active();
        prop_assert!(!is_admitted || active.is_some());
        prop_assert_eq!(active.is_some(), self.account.began.is_some());
        if let (Some(active), Some(began)) = (active, self.account.began) {
            prop_assert_eq!(active.deadline, self.account.deadline, "the account knows it");
            prop_assert!(self.now < active.deadline && active.deadline <= began + limits::SESSION_MAX);
            let open = active
                .asked
                .iter()
                .chain(&active.more_time)
                .chain(&active.asked_of_data)
                .map(|asked| asked.id);
            let asked: HashSet<QuestionId> = open.collect();
            prop_assert_eq!(&asked, &self.account.open_questions, "none forgotten");
        }
        Ok(())
    }
}

/// A call up to the admission, so that most orders of inputs meet a session.
fn call() -> Vec<Input> {
    use Input::*;
    vec![
        Order(OrderKind::Start),
        Registered,
        Pair(1),
        Charge,
        Verified,
        Greeted,
        Order(OrderKind::Yes),
        Begun,
        Admitted(1),
    ]
}

/// Somebody joins the session.
fn joins(observes: bool) -> Vec<Input> {
    use people::PeopleInput::*;
    let steps = [JoinCode, Try(0), Proven, Greeted(observes, false), Admitted(0), Admitted(1), Admitted(2)];
    steps.into_iter().map(Input::People).chain([Input::Heard, Input::Pass(4), Input::Heard]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]
    /// Never active without PIN and consent, never past the limit, every question over once, and everything ends.
    #[test]
    fn what_must_hold_holds_in_any_order(
        prologue in prop_oneof![0usize..=9, Just(9)],
        joining in prop::collection::vec(any::<bool>(), 0..3),
        inputs in prop::collection::vec(input(), 0..120),
        asks in any::<bool>(),
        presence in prop::sample::select(vec![PresenceMode::Off, PresenceMode::Remind, PresenceMode::Required]),
    ) {
        let mut model = Model::new(if asks { Consent::Ask } else { Consent::Pin }, presence);
        for input in call().into_iter().take(prologue).chain(joining.into_iter().flat_map(joins)).chain(inputs) {
            model.apply(input)?;
        }
        model.pass(Duration::from_secs(4 * 3600))?;
        prop_assert!(matches!(model.rules.state(), State::Off), "everything ends by itself");
        prop_assert_eq!(model.rules.poll_timeout(), None);
    }
}
