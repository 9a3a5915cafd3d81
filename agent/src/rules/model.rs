//! Any order of inputs from both sides, the relay and the clock, against what must hold always.

use std::collections::HashSet;
use std::sync::Arc;

use fieldlink_device::order::ClientAnswer;
use fieldlink_device::verdict;
use fieldlink_protocol::ids::{QuestionId, RunId};
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::policy::Function;
use proptest::prelude::*;

use super::tests::{events, outage, registration, request};
use super::*;

/// An input. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Input {
    Order(OrderKind),
    Registered,
    RelayLost,
    IdTaken,
    RelayEnded(u8),
    RelayClosed,
    Pair(u8),
    Charge,
    Verified,
    Failed,
    Greeted,
    Begun,
    Admitted(u8),
    Over(bool),
    Heard,
    LinkDown,
    LinkUp,
    Question(u32, bool),
    Withdrawal(u32),
    /// A function is to be used for which the client has to be asked.
    Use(u8),
    /// Of those that were wanted, one from the end.
    UseDropped(u8),
    /// A quiet period of so many minutes; its end with none.
    Quiet(u32),
    Call,
    EngineersChat,
    ClientsChat,
    PairAgain(u8),
    NotBelieved(u8, bool),
    Returned,
    Failure,
    /// So many seconds pass, in which all is carried out when it is due.
    Pass(u32),
    /// So many seconds pass in which the device sleeps.
    Sleep(u32),
}

#[derive(Debug, Clone)]
enum OrderKind {
    Start,
    Stop,
    End,
    Yes,
    No,
    Words,
    /// A yes to a question that is over.
    YesToEarlier,
    Grant(u32),
    Here,
    Verdict(u8),
}

fn input() -> impl Strategy<Value = Input> {
    use OrderKind::*;
    let order = prop_oneof![
        8 => Just(Start), 1 => Just(Stop), 1 => Just(End), 16 => Just(Yes), 4 => Just(No), 8 => Just(Words),
        4 => Just(YesToEarlier), 1 => Just(Here), 2 => (1u8..3).prop_map(Verdict), 4 => (1u32..=60).prop_map(Grant),
    ];
    let request = 0u32..3;
    // What ends a session is rare, so that the others meet one.
    let end = prop_oneof![
        Just(Input::IdTaken),
        (1u8..3).prop_map(Input::RelayEnded),
        Just(Input::RelayClosed),
        any::<bool>().prop_map(Input::Over),
        Just(Input::Failure),
        (0u32..9_000).prop_map(Input::Sleep),
    ];
    let pairing = prop_oneof![
        1 => (0u8..8).prop_map(Input::Pair),
        1 => (0u8..8, any::<bool>()).prop_map(|(n, is_replay)| Input::NotBelieved(n, is_replay)),
        3 => Just(Input::Charge),
        3 => Just(Input::Verified),
        1 => Just(Input::Failed),
        2 => Just(Input::Greeted),
        2 => Just(Input::Begun),
        2 => (1u8..3).prop_map(Input::Admitted),
        1 => Just(Input::Registered),
        1 => Just(Input::RelayLost),
    ];
    let session = prop_oneof![
        2 => Just(Input::Heard),
        1 => Just(Input::LinkDown),
        1 => Just(Input::LinkUp),
        4 => (request.clone(), any::<bool>()).prop_map(|(request, is_text)| Input::Question(request, is_text)),
        3 => request.prop_map(Input::Withdrawal),
        3 => (0u8..7).prop_map(Input::Use),
        1 => (0u8..3).prop_map(Input::UseDropped),
        1 => (0u32..=60).prop_map(Input::Quiet),
        1 => Just(Input::Call),
        1 => Just(Input::EngineersChat),
        1 => Just(Input::ClientsChat),
        1 => (0u8..8).prop_map(Input::PairAgain),
        1 => Just(Input::Returned),
        3 => (0u32..200).prop_map(Input::Pass),
    ];
    prop_oneof![12 => order.prop_map(Input::Order), 1 => end, 12 => pairing, 24 => session]
}

/// What the events have told so far.
#[derive(Default)]
struct Account {
    is_open: bool,
    /// The PIN was verified, the client agreed (or the PIN is enough), what serves the engineer runs.
    steps: [bool; 3],
    began: Option<Duration>,
    deadline: Duration,
    /// Questions that were put and are not over.
    open_questions: HashSet<QuestionId>,
    /// Uses that nothing was decided of.
    uses: HashSet<UseId>,
    /// What the client has agreed to.
    granted: HashSet<Function>,
    /// Whether the client was asked whether they are there, and whether the engineer's input is held.
    presence: Option<bool>,
}

struct Model {
    presence: PresenceMode,
    rules: Rules,
    now: Duration,
    /// With the pair that was charged, which may be gone.
    charges: Vec<(Arc<Registration>, Charge)>,
    asked: Option<QuestionId>,
    earlier: Option<QuestionId>,
    account: Account,
    /// How many there were.
    uses: u64,
    /// For which reasons the client knows that engineers were turned away, since they switched remote access on.
    told: HashSet<Reason>,
    /// Whether the client does something just now.
    is_client: bool,
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
            asked: None,
            earlier: None,
            account: Account::default(),
            uses: 0,
            told: HashSet::new(),
            is_client: false,
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
                rules.handle_question(n, Question::Text { text: "?".into(), choices: Vec::new() }, now);
            }
            Input::Question(n, false) => {
                rules.handle_question(n, Question::Extension { minutes: 60, reason: String::new() }, now)
            }
            Input::Withdrawal(n) => rules.handle_withdrawal(n, now),
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
            Input::Quiet(0) => rules.handle_announcement(1, Announcement::QuietOver {}, now),
            Input::Quiet(minutes) => {
                let text = String::new();
                rules.handle_announcement(1, Announcement::Quiet { minutes, text }, now);
            }
            Input::Call => rules.handle_announcement(1, Announcement::Call {}, now),
            Input::EngineersChat => drop(rules.handle_engineers_chat("hello", now)),
            Input::ClientsChat => {
                let _ = rules.handle_clients_chat("hello", true, now);
            }
            Input::PairAgain(n) => {
                drop(rules.handle_pair_again(request(1).session, RunId::from_bytes([n; 16])));
            }
            Input::Returned => drop(rules.handle_returned(RunId::random(), true, now)),
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
        let is_admitted = self.rules.admits_pipes(request(1).session);
        let active = self.rules.state().active();
        prop_assert!(!is_admitted || active.is_some());
        prop_assert_eq!(active.is_some(), self.account.began.is_some());
        if let (Some(active), Some(began)) = (active, self.account.began) {
            prop_assert_eq!(active.deadline, self.account.deadline, "the account knows it");
            prop_assert!(self.now < active.deadline && active.deadline <= began + limits::SESSION_MAX);
            let open = active.asked.iter().chain(&active.more_time).map(|asked| asked.id);
            let asked: HashSet<QuestionId> = open.collect();
            prop_assert_eq!(&asked, &self.account.open_questions, "none forgotten");
        }
        Ok(())
    }

    fn note(&mut self, event: RuleEvent) -> Result<(), TestCaseError> {
        let account = &mut self.account;
        match event {
            RuleEvent::Opened { .. } => *account = Account { is_open: true, ..Account::default() },
            RuleEvent::NotBelieved { reason, is_news, .. } => {
                prop_assert_eq!(is_news, self.told.insert(reason), "once for each reason");
            }
            RuleEvent::PinVerified { .. } => account.steps = [true, false, false],
            RuleEvent::ConsentAsked { question, .. } => self.earlier = self.asked.replace(question),
            RuleEvent::Allowed { .. } => {
                prop_assert_eq!(account.steps, [true, false, false], "the PIN first");
                account.steps[1] = true;
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::Begun => {
                prop_assert_eq!(account.steps, [true, true, false], "nothing starts before the yes");
                account.steps[2] = true;
            }
            RuleEvent::NotLetIn { .. } => {
                account.steps = [false; 3];
                self.earlier = self.asked.take().or(self.earlier);
            }
            RuleEvent::Admitted { deadline, .. } => {
                prop_assert_eq!(account.steps, [true; 3], "PIN, yes, begun");
                prop_assert_eq!(account.began, None, "once");
                (account.began, account.deadline) = (Some(self.now), deadline);
            }
            RuleEvent::Extended { deadline, .. } => {
                prop_assert!(deadline > account.deadline);
                account.deadline = deadline;
            }
            RuleEvent::Asked(asked) => {
                account.open_questions.insert(asked.id);
                self.asked = Some(asked.id);
            }
            RuleEvent::Answered { question, .. }
            | RuleEvent::Withdrawn { question }
            | RuleEvent::UseAnswered { question, .. } => {
                if let RuleEvent::UseAnswered { function, verdict: Ok(()), .. } = event {
                    account.granted.insert(function);
                }
                prop_assert!(
                    account.open_questions.remove(&question),
                    "it was asked, and not answered before"
                );
                let still_open = account.open_questions.iter().next().copied();
                (self.earlier, self.asked) = (Some(question), still_open);
            }
            RuleEvent::PresenceAsked { .. } => {
                prop_assert_eq!(account.presence.replace(false), None, "once");
                prop_assert!(self.presence != PresenceMode::Off);
                let active = self.rules.state().active();
                prop_assert!(active.is_none_or(|active| active.quiet().is_none()), "not in a quiet period");
            }
            RuleEvent::ClientAway { is_held } => {
                prop_assert_eq!(account.presence.replace(is_held), Some(false), "they were asked");
                prop_assert_eq!(is_held, self.presence == PresenceMode::Required);
            }
            RuleEvent::ClientHere { was_held } => {
                prop_assert_eq!(account.presence.take(), Some(was_held), "what was held goes on");
                prop_assert!(self.is_client, "only the client says so");
            }
            RuleEvent::UseDecided { uses, function, verdict } => {
                for id in uses {
                    prop_assert!(account.uses.remove(&id), "it waited, and nothing was decided before");
                }
                let is_granted = account.granted.contains(&function);
                prop_assert_eq!(is_granted, verdict.is_ok(), "only what the client agreed to");
            }
            RuleEvent::VerdictGiven { session, .. } => {
                prop_assert_eq!(self.unjudged.take(), Some(session), "once, of the session that was");
            }
            RuleEvent::Closed { request, .. } => {
                prop_assert!(account.is_open, "on before off");
                self.unjudged = account.began.and(request).map(|request| request.session);
                *account = Account::default();
                self.earlier = self.asked.take().or(self.earlier);
            }
            _ => {}
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]
    /// Never active without PIN and consent, never past the limit, every question over once, and everything ends.
    #[test]
    fn what_must_hold_holds_in_any_order(
        prologue in prop_oneof![0usize..=9, Just(9)],
        inputs in prop::collection::vec(input(), 0..120),
        asks in any::<bool>(),
        presence in prop::sample::select(vec![PresenceMode::Off, PresenceMode::Remind, PresenceMode::Required]),
    ) {
        let mut model = Model::new(if asks { Consent::Ask } else { Consent::Pin }, presence);
        for input in call().into_iter().take(prologue).chain(inputs) {
            model.apply(input)?;
        }
        model.pass(Duration::from_secs(4 * 3600))?;
        prop_assert!(matches!(model.rules.state(), State::Off), "everything ends by itself");
        prop_assert_eq!(model.rules.poll_timeout(), None);
    }
}
