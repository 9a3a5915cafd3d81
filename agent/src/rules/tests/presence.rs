//! Whether somebody is beside the device, quiet periods, and what else the engineer announces.

use fieldlink_protocol::messages::announcements::{Announcement, CaseResult, Outcome};

use super::*;

const QUARTER: Duration = Duration::from_secs(900);
const PATIENCE: Duration = Duration::from_secs(120);

fn quiet(minutes: u32) -> Announcement {
    Announcement::Quiet { minutes, text: "lidar\u{1b}".into() }
}

fn announced(rules: &mut Rules, announcement: Announcement, now: Duration) -> Vec<RuleEvent> {
    rules.handle_announcement(7.into(), announcement, now);
    events(rules)
}

fn presence(rules: &Rules) -> Presence {
    rules.state().active().expect("a session").presence()
}

#[test]
fn the_client_is_asked_every_quarter_of_an_hour_whether_they_are_there() {
    for (mode, is_held) in [(PresenceMode::Remind, false), (PresenceMode::Required, true)] {
        let mut rules = active_with(mode, Duration::ZERO);
        assert_eq!(due_when_heard(&mut rules, QUARTER - SECOND), []);
        let asked = [RuleEvent::PresenceAsked { until: QUARTER + PATIENCE }];
        assert_eq!(due_when_heard(&mut rules, QUARTER), asked);
        assert_eq!(due_when_heard(&mut rules, QUARTER + PATIENCE - SECOND), []);
        let away = [RuleEvent::ClientAway { is_held }];
        assert_eq!(due_when_heard(&mut rules, QUARTER + PATIENCE), away);
        let back = QUARTER + 2 * PATIENCE;
        rules.handle_order(Order::Here, back).expect("a session");
        assert_eq!(events(&mut rules), [RuleEvent::ClientHere { was_held: is_held }]);
        assert_eq!(presence(&rules), Presence::Here { next: Some(back + QUARTER) });
    }
    let mut rules = active_with(PresenceMode::Off, Duration::ZERO);
    assert_eq!(due_when_heard(&mut rules, 2 * QUARTER), []);
}

#[test]
fn whatever_the_client_does_shows_that_they_are_there() {
    let mut rules = active_with(PresenceMode::Required, Duration::ZERO);
    rules.handle_clients_chat("it is on", true, QUARTER - SECOND).expect("said");
    events(&mut rules);
    assert_eq!(due_when_heard(&mut rules, QUARTER), [], "they were there a second ago");
    let later = 2 * QUARTER - SECOND;
    due_when_heard(&mut rules, later);
    due_when_heard(&mut rules, later + PATIENCE);
    assert_eq!(presence(&rules), Presence::Away { is_held: true });
    let grant = Order::Grant(request(1).session, 5);
    rules.handle_order(grant, later + PATIENCE).expect("granted");
    assert_eq!(events(&mut rules).pop(), Some(RuleEvent::ClientHere { was_held: true }));
    // What is refused is no sign: it may come from a window that was left open.
    let stale = Order::Answer(QuestionId::random(), ClientAnswer::Yes);
    let next = later + PATIENCE + QUARTER;
    due_when_heard(&mut rules, next);
    assert!(rules.handle_order(stale, next).is_err());
    assert_eq!(presence(&rules), Presence::Asked { until: next + PATIENCE });
}

#[test]
fn nothing_the_engineer_does_brings_the_client_back() {
    let mut rules = active_with(PresenceMode::Required, Duration::ZERO);
    due_when_heard(&mut rules, QUARTER);
    due_when_heard(&mut rules, QUARTER + PATIENCE);
    let now = QUARTER + PATIENCE;
    announced(&mut rules, quiet(10), now);
    announced(&mut rules, Announcement::QuietOver {}, now);
    rules.handle_engineers_chat(SeatId::FIRST, "are you there?", now);
    rules.handle_returned(RunId::random(), true, now);
    assert_eq!(presence(&rules), Presence::Away { is_held: true });
}

#[test]
fn a_quiet_period_suspends_the_check_and_is_followed_by_one() {
    let mut rules = active_with(PresenceMode::Required, Duration::ZERO);
    let (now, until) = (QUARTER - SECOND, QUARTER - SECOND + 20 * 60 * SECOND);
    let began = RuleEvent::QuietBegan { until, text: "lidar\u{fffd}".into() };
    let told = announced(&mut rules, quiet(20), now);
    assert_eq!(told, [began, RuleEvent::Announced { request: 7.into() }]);
    assert_eq!(due_when_heard(&mut rules, until - SECOND), [], "nobody is asked");
    let asked = RuleEvent::PresenceAsked { until: until + PATIENCE };
    assert_eq!(due_when_heard(&mut rules, until), [RuleEvent::QuietOver, asked]);
}

#[test]
fn quiet_periods_last_an_hour_at_most_and_no_longer_than_the_session() {
    let mut rules = active_with(PresenceMode::Required, Duration::ZERO);
    for minute in 0..59 {
        let now = minute * 60 * SECOND;
        rules.handle_heard(now);
        announced(&mut rules, quiet(60), now);
        let until = rules.state().active().and_then(|active| active.quiet().map(|quiet| quiet.until));
        assert_eq!(until, Some(3_600 * SECOND), "{minute}");
    }
    let now = 3_599 * SECOND;
    let over = announced(&mut rules, Announcement::QuietOver {}, now);
    let asked = RuleEvent::PresenceAsked { until: now + PATIENCE };
    assert_eq!(over, [RuleEvent::QuietOver, asked, RuleEvent::Announced { request: 7.into() }]);
    let again = announced(&mut rules, Announcement::QuietOver {}, 3_599 * SECOND);
    assert_eq!(again, [RuleEvent::Announced { request: 7.into() }], "there was none");
}

/// Both announcements may arrive before anything that is due is carried out.
#[test]
fn one_quiet_period_after_another_does_not_keep_the_client_from_being_asked() {
    let mut rules = active_with(PresenceMode::Required, Duration::ZERO);
    announced(&mut rules, quiet(60), SECOND);
    let now = 2_000 * SECOND;
    rules.handle_heard(now);
    rules.handle_announcement(1.into(), Announcement::QuietOver {}, now);
    rules.handle_announcement(2.into(), quiet(60), now);
    assert_eq!(presence(&rules), Presence::Asked { until: now + PATIENCE });
    events(&mut rules);
    let away = [RuleEvent::ClientAway { is_held: true }];
    assert_eq!(due_when_heard(&mut rules, now + PATIENCE), away);
}

#[test]
fn what_is_announced_is_cleaned_and_too_much_is_not_told() {
    let mut rules = active(Duration::ZERO);
    let note = Announcement::Note { text: " a\u{7} ".into(), by_client: true };
    let told = RuleEvent::Announced { request: 7.into() };
    let noted = RuleEvent::Noted { text: "a\u{fffd}".into(), by_client: true };
    assert_eq!(announced(&mut rules, note, SECOND), [noted, told.clone()]);
    let outcome = |text: &str| Outcome {
        result: CaseResult::SecondSession,
        summary: text.into(),
        prepare: text.into(),
    };
    let said = RuleEvent::OutcomeSaid(outcome("x\u{fffd}"));
    assert_eq!(announced(&mut rules, Announcement::Outcome(outcome("x\u{1b}")), SECOND), [said, told]);
    let busy = RuleEvent::NotAsked { request: 7.into(), answer: Answer::Busy {} };
    let calls: Vec<_> =
        (0..20).flat_map(|_| announced(&mut rules, Announcement::Call {}, 2 * SECOND)).collect();
    assert_eq!(calls.iter().filter(|event| **event == RuleEvent::Called).count(), 4);
    assert_eq!(calls.iter().filter(|event| **event == busy).count(), 16);
    let (mut off, _) = open(Consent::Ask);
    assert_eq!(announced(&mut off, Announcement::Call {}, SECOND), [busy], "without a session");
    assert_eq!(off.handle_order(Order::Here, SECOND), Err(Refusal::NoSession));
}
