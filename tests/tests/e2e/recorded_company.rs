//! The record of a session with several people names everybody, says how each is proven, and whose everything was.

use fieldlink_evidence::report::{Account, text};
use fieldlink_evidence::{Consent, Directory, Event, Person, Program, Use};
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;
use fieldlink_tests::company::{
    Partner, address, code, join_code, link, start, start_joining, wait_for_status,
};
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::record::{check_both, events_of, record_of};
use fieldlink_tests::{Authority, Call, Engineer, Relay, Scanner, ScannerOptions};
use fieldlink_words::Language;

/// The places of these two.
const ADA: u64 = 0;
const BOB: u64 = 1;

fn is(name: &str, person: &Person) -> bool {
    person.name == name && person.company == "Scans Ltd"
}

/// What happened, each with whether an event is it.
type Course<'a> = Vec<(&'a str, Box<dyn Fn(&Event) -> bool + 'a>)>;

/// Finds each event behind the one before.
fn follow(events: &[Event], course: &Course<'_>) {
    let mut rest = events.iter();
    for (what, is_it) in course {
        assert!(rest.any(is_it), "{what} is not in its place: {events:#?}");
    }
}

fn ran(events: &[Event], wanted: &str) -> u64 {
    let found = events.iter().find_map(|event| match event {
        Event::ChannelOpened { seat, program: Program::Exec { command, .. }, .. } if command == wanted => {
            Some(*seat)
        }
        _ => None,
    });
    found.expect("it is in the account")
}

/// What this test does, as the account is to tell it.
fn course<'a>() -> Course<'a> {
    vec![
        (
            "Ada is asked about",
            Box::new(|event| {
                matches!(event, Event::ConsentAsked { person, seat: ADA, certified: Some(proof) }
                    if is("Ada Lovelace", person) && proof.serial == 7)
            }),
        ),
        ("Ada is let in", Box::new(|event| *event == Event::ConsentGiven { seat: ADA })),
        ("the session begins", Box::new(|event| matches!(event, Event::SessionBegan { .. }))),
        ("Ada asks for a code", Box::new(|event| *event == Event::JoinCodeDrawn { seat: ADA })),
        (
            "Bob is asked about",
            Box::new(|event| {
                matches!(event, Event::LeaveAsked { leave: Use::Guest { seat: BOB, person, observes: false, certified: Some(proof) }, .. }
                    if is("Bob Babbage", person) && proof.serial == 8)
            }),
        ),
        (
            "Bob may come in",
            Box::new(|event| matches!(event, Event::LeaveAnswered { consent: Consent::Yes, .. })),
        ),
        ("Bob is in", Box::new(|event| *event == Event::EngineerJoined { seat: BOB, observes: false })),
        (
            "Carol is invited",
            Box::new(|event| matches!(event, Event::ObserverInvited { name, .. } if name == "Carol")),
        ),
        (
            "Carol watches",
            Box::new(|event| matches!(event, Event::ObserverIs { attendance: Attendance::Here, .. })),
        ),
        ("it is Bob's", Box::new(|event| *event == Event::HandedOver { from: ADA, to: BOB, reason: None })),
        (
            "Ada leaves",
            Box::new(|event| *event == Event::EngineerLeft { seat: ADA, reason: Reason::EngineerEnded }),
        ),
        ("Bob says something", Box::new(|event| matches!(event, Event::Chat { from: Some(BOB), .. }))),
        (
            "Bob ends it",
            Box::new(|event| *event == Event::SessionEnded { reason: Reason::EngineerEnded, hearsay: false }),
        ),
    ]
}

#[test]
fn everybody_is_named_with_their_proof_and_their_part() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let options = ScannerOptions { engineers: authority.section(), asks: true, ..ScannerOptions::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let [ada, bob] = ["The relay's Ada", "The relay's Bob"].map(|name| Engineer::enrolled(&relay, name));
    authority.certify(&ada, &["-z", "7"]);
    authority.certify(&bob, &["-z", "8", "-I", "Bob Babbage (Scans Ltd)", "-n", "bob@scans.example"]);
    let mut holder = ada.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("yes");
    wait_until_active(&mut holder);
    let mut first = Call::of(&ada, &scanner, holder);
    assert_eq!(first.output_of("echo one"), "one\n");

    let code_line = join_code(&ada);
    let mut holder = start_joining(&bob, &code_line, &[]);
    scanner.process.wait_for("Bob Babbage (Scans Ltd) wants to work");
    scanner.process.type_line("y");
    wait_until_active(&mut holder);
    let second = Call::joined(&bob, &address(&code_line), holder);
    let partner = Partner::new();
    let link = link(&ada, &mut scanner, "Carol");
    let mut watching = partner.watch(&relay, &link);
    watching.wait_for("\"type\":\"welcome\"");
    assert_eq!(second.output_of("echo two"), "two\n");
    watching.wait_for("echo two");
    assert_eq!(code(start(&ada, &["hand-over", "Bob Babbage"])), 0);
    wait_for_status(&ada, "Bob Babbage, Scans Ltd (it is theirs)");
    assert_eq!(first.output_of("echo three"), "three\n");
    assert_eq!(code(start(&ada, &["end"])), 0);
    first.wait_until_ended();
    assert_eq!(second.output_of("echo four"), "four\n");
    assert_eq!(code(start(&bob, &["chat", "I am done"])), 0);
    scanner.process.wait_for("I am done");
    second.end();
    watching.wait_for_end();
    scanner.wait_until_off();

    let record = record_of(&scanner);
    let findings = check_both(&record);
    let proven: Vec<_> = findings.engineers.iter().map(|one| (one.seat, one.name.as_str())).collect();
    assert_eq!(proven, [(ADA, "Ada Lovelace"), (BOB, "Bob Babbage")]);
    let events = events_of(&record);
    follow(&events, &course());
    let whose = ["echo one", "echo two", "echo three", "echo four"].map(|command| ran(&events, command));
    assert_eq!(whose, [ADA, BOB, ADA, BOB]);
    let over = |event: &Event| matches!(event, Event::ChannelOver { .. });
    assert_eq!(events.iter().filter(|event| over(event)).count(), 4);

    let account = Account::read(&Directory::new(&record)).expect("a record");
    let report = text(&account, Language::English);
    for line in [
        "Ada Lovelace (Scans Ltd), Bob Babbage (Scans Ltd) · ",
        "Support case: T-1",
        "Ada Lovelace (Scans Ltd): led the session for a while",
        "Bob Babbage (Scans Ltd): led the session",
        "Carol: watched with a link",
        "Ada Lovelace asked for a code for a further engineer.",
        "Ada Lovelace handed the session over to Bob Babbage.",
        "Ada Lovelace left: the engineer ended it.",
        "Bob Babbage: “I am done”",
        "Nothing is missing that the record knows of.",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
}

/// Where the device's owner has further engineers come in without a question, the record names them all the same.
#[test]
fn who_is_not_asked_about_is_named_too() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let options = ScannerOptions {
        engineers: authority.section(),
        policy: "guests = \"allowed\"".into(),
        ..ScannerOptions::default()
    };
    let scanner = Scanner::start_with(&relay, options);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    authority.certify(&ada, &[]);
    authority.certify(&bob, &["-I", "Bob Babbage (Scans Ltd)", "-n", "bob@scans.example"]);
    let first = ada.call(&scanner);
    let code_line = join_code(&ada);
    let mut holder = start_joining(&bob, &code_line, &[]);
    wait_until_active(&mut holder);
    let second = Call::joined(&bob, &address(&code_line), holder);
    assert_eq!(second.output_of("echo two"), "two\n");
    second.end();
    first.end();
    let record = record_of(&scanner);
    let findings = check_both(&record);
    assert_eq!(findings.engineers.iter().map(|one| one.seat).collect::<Vec<_>>(), [ADA, BOB]);
    let named: Course<'_> = vec![
        (
            "Bob is let in",
            Box::new(|event| {
                matches!(event, Event::GuestLetIn { person, seat: BOB, observes: false, certified: Some(_) }
                    if is("Bob Babbage", person))
            }),
        ),
        ("Bob is in", Box::new(|event| *event == Event::EngineerJoined { seat: BOB, observes: false })),
    ];
    follow(&events_of(&record), &named);
}
