//! The object as a peer sees it, over a socket pair: every method, property and signal, and which callers may use
//! it. Bus, polkit and logind say here what a test has them say; the real ones are in the system tests.

mod peers;
mod records;

use fieldlink_device::bus::{
    AccessProperties, BusArguments, Changes, ConversationProperties, DiagnosticsProperties, ErrorCode,
    HealthProperties, NAME, NetworkProperties, PATH, RecordsProperties, SessionProperties, Snapshot,
    from_bus,
};
use fieldlink_device::network_notice::NetworkNotice;
use fieldlink_device::notice::{Notice, Person};
use fieldlink_device::operation::{Operation, OperationPhase};
use fieldlink_device::order::{ClientAnswer, Notification, Order};
use fieldlink_device::panel::Credentials;
use fieldlink_device::panel::View;
use fieldlink_device::runbook::Runbook;
use fieldlink_device::status::{
    Away, Beside, Phase, Question, QuestionKind, QuietPeriod, Status, Terms, Visitor,
};
use fieldlink_device::verdict::Verdict;
use fieldlink_device::warning::Warning;
use fieldlink_device::words::Language;
use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages;
use fieldlink_protocol::messages::health::Health;
use fieldlink_protocol::messages::people::{Attendance, Part, Participant};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;

use self::peers::{Call, Peers, Said};
use super::action::Action;
use super::object::snapshot;
use crate::rules::{Refusal, StaleAnswer};

const ACCESS: &str = AccessProperties::INTERFACE;
const SESSION: &str = SessionProperties::INTERFACE;
const CONVERSATION: &str = ConversationProperties::INTERFACE;
const NETWORK: &str = NetworkProperties::INTERFACE;
const DIAGNOSTICS: &str = DiagnosticsProperties::INTERFACE;
const HEALTH: &str = HealthProperties::INTERFACE;

const RECORDS: &str = RecordsProperties::INTERFACE;

const ID: &str = peers::RECORDED;

/// Every method that needs permission, with its action and the order that it becomes, if it becomes one.
fn guarded() -> Vec<(Call, Action, Option<Order>)> {
    let (question, session): (QuestionId, SessionId) = (ID.parse().expect("one"), ID.parse().expect("one"));
    let answer = |answer| Some(Order::Answer(question, answer));
    vec![
        (Call::new(ACCESS, "Start", ()), Action::Start, Some(Order::Start)),
        (Call::new(ACCESS, "Stop", ()), Action::Stop, Some(Order::Stop(Reason::ClientEnded))),
        (Call::new(SESSION, "End", ()), Action::Stop, Some(Order::End)),
        (Call::new(ACCESS, "GetCredentials", ()), Action::Credentials, None),
        (Call::new(CONVERSATION, "Allow", ID), Action::Allow, answer(ClientAnswer::Yes)),
        (Call::new(CONVERSATION, "Refuse", ID), Action::Refuse, answer(ClientAnswer::No)),
        (Call::new(SESSION, "GrantExtension", (ID, 30_u32)), Action::Extend, Some(Order::Grant(session, 30))),
        (
            Call::new(CONVERSATION, "Answer", (ID, "green")),
            Action::Answer,
            answer(ClientAnswer::Text("green".into())),
        ),
        (Call::new(SESSION, "Remove", "Bob"), Action::Stop, Some(Order::Remove("Bob".into()))),
        (
            Call::new(SESSION, "GiveVerdict", (ID, "partly", "it beeps")),
            Action::Answer,
            Some(Order::Verdict(ID.parse().expect("one"), Verdict::Partly, "it beeps".into())),
        ),
        (
            Call::new(CONVERSATION, "AnswerIn", (ID, "blau", "de")),
            Action::Answer,
            Some(Order::Answer(
                ID.parse().expect("one"),
                ClientAnswer::InLanguage("blau".into(), Language::German),
            )),
        ),
        (Call::new(SESSION, "Here", ()), Action::Answer, Some(Order::Here)),
        (Call::new(SESSION, "Watch", ()), Action::Credentials, None),
        (Call::new(CONVERSATION, "SendChat", "hello"), Action::Answer, Some(Order::Chat("hello".into()))),
        (Call::new(DIAGNOSTICS, "Collect", ()), Action::Diagnose, None),
        (Call::new(RECORDS, "List", ()), Action::ReadRecords, None),
        (Call::new(RECORDS, "Files", ID), Action::ReadRecords, None),
        (Call::new(RECORDS, "Open", (ID, "events.jsonl")), Action::ReadRecords, None),
        (Call::new(RECORDS, "Report", (ID, "de", "text")), Action::ReadRecords, None),
        (Call::new(RECORDS, "Receipt", ""), Action::ReadRecords, None),
        (Call::new(RECORDS, "Delete", ID), Action::DeleteRecords, Some(Order::DeleteRecord(session))),
        (Call::new(RECORDS, "ForgetAll", ()), Action::DeleteRecords, Some(Order::ForgetRecords)),
    ]
}

fn credentials() -> Credentials {
    Credentials {
        support_id: "482 913 077".parse().expect("one"),
        pin: Pin::parse("0420").expect("four digits"),
    }
}

/// Everything that can be said of a session.
fn full() -> Status {
    Status {
        phase: Phase::Interrupted,
        notice: Some(Notice::Hearsay(Reason::ClientEnded)),
        network: NetworkNotice::N9 { percent: 30 },
        problem: Some("relay-unreachable".into()),
        wrong_tries: 2,
        visitor: Some(Visitor {
            session: ID.parse().expect("one"),
            who: Person {
                engineer: "Ada".into(),
                company: "Scans AG".into(),
                ticket: "T-7".into(),
                partner: Some("Resellers KG".into()),
                authority: Some("Scans engineers".into()),
            },
        }),
        terms: Some(Terms {
            minutes: 60,
            never: vec![Function::Upload],
            asks: vec![Function::Restart],
            reaches: vec!["lidar:80".into()],
            retention_days: 90,
        }),
        deadline: Some(std::time::Duration::from_micros(77)),
        away: Some(Away::Us),
        verdict_for: Some(ID.parse().expect("one")),
        returns: 1,
        people: vec![Participant {
            name: "Reseller".into(),
            company: String::new(),
            part: Part::Watching,
            attendance: Attendance::Invited,
            you: false,
        }],
        data_used: 123_456_789,
        is_metered: true,
        low_battery: Some(9),
        presence: Some(Beside::Asked),
        presence_deadline: Some(std::time::Duration::from_micros(76)),
        quiet: Some(QuietPeriod { until: std::time::Duration::from_micros(75), text: "lidar".into() }),
        operation: Some(Operation {
            titles: [("en".to_owned(), "System update".to_owned()), ("de".to_owned(), "Update".to_owned())]
                .into(),
            phase: OperationPhase::Running,
            percent: Some(0),
            line: "Unpacking".into(),
            restart: true,
        }),
        runbook: Some(Runbook {
            titles: [("en".to_owned(), "First look".to_owned()), ("de".to_owned(), "Blick".to_owned())]
                .into(),
            step_titles: [("en".to_owned(), "Network".to_owned())].into(),
            step: 3,
            steps: 9,
            is_makers: true,
        }),
        question: Some(Question {
            id: ID.parse().expect("one"),
            kind: QuestionKind::Extension,
            minutes: 15,
            megabytes: 100,
            function: Some(Function::Upload),
            titles: [("en".to_owned(), "System update".to_owned())].into(),
            ready: Some(Ready::Sounds),
            text: "Longer?".into(),
            choices: vec!["yes".into()],
            who: Some(Person {
                engineer: "Bob".into(),
                company: "Scans AG".into(),
                ticket: String::new(),
                partner: None,
                authority: Some("Scans engineers".into()),
            }),
            until: std::time::Duration::from_micros(78),
        }),
    }
}

#[tokio::test]
async fn every_method_is_tried_here() {
    let xml = Peers::start(Said::default()).await.description().await;
    let mut described = Vec::new();
    for interface in xml.split("<interface name=\"").filter(|part| part.starts_with(NAME)) {
        let (name, rest) = interface.split_once('"').expect("a name");
        let methods = rest.split("<method name=\"").skip(1).filter_map(|part| part.split('"').next());
        described.extend(methods.map(|method| format!("{name}.{method}")));
    }
    let tried = guarded().into_iter().map(|(call, ..)| format!("{}.{}", call.interface, call.method));
    let mut tried: Vec<_> = tried.chain([format!("{NETWORK}.Check"), format!("{HEALTH}.Read")]).collect();
    described.sort();
    tried.sort();
    assert_eq!(described, tried);
}

/// The description of the object for others is its own; only what stands before it is written by hand.
#[tokio::test]
async fn the_object_is_the_one_that_is_described() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../device/dbus/com.navvis.Fieldlink1.xml");
    let shipped = std::fs::read_to_string(path).expect("it is there");
    let xml = Peers::start(Said::default()).await.description().await;
    let ours = xml.split_inclusive("</interface>\n").filter(|part| part.contains(NAME));
    let mut interfaces: Vec<_> = ours.map(|part| &part[part.find("  <interface").expect("one")..]).collect();
    interfaces.sort_unstable();
    let interfaces = interfaces.concat();
    let (before, _) = shipped.split_once("<node").expect("a node");
    let live = format!("{before}<node name=\"{PATH}\">\n{interfaces}</node>\n");
    // XML's comments must not have two hyphens within (XML 1.0, section 2.5).
    let comments = live.split("<!--").skip(1).filter_map(|rest| rest.split_once("-->"));
    let torn: Vec<_> =
        comments.map(|(comment, _)| comment).filter(|comment| comment.contains("--")).collect();
    assert!(torn.is_empty(), "{torn:?}");
    if std::env::var_os("FIELDLINK_UPDATE").is_some() {
        return std::fs::write(path, &live).expect("writable");
    }
    assert!(
        shipped == live,
        "{path} is not what the object says; with FIELDLINK_UPDATE=1 this test writes it"
    );
}

#[tokio::test]
async fn the_active_user_is_obeyed() {
    let mut peers = Peers::start(Said::default()).await;
    peers.view.send_modify(|view| view.credentials = Some(credentials()));
    let _session = peers.live.begin();
    for (call, action, order) in guarded() {
        peers.call(&call, Ok(())).await.expect("permitted");
        assert_eq!(peers.last_order(), order, "{}", call.method);
        assert_eq!(peers.asked(), [action], "{}", call.method);
    }
}

#[tokio::test]
async fn nobody_else_is() {
    let denials = [
        (Said { polkit: Some(false), ..Said::default() }, ErrorCode::NotActive),
        (Said { user: Some(peers::SUPPORT), ..Said::default() }, ErrorCode::SupportEngineer),
        (Said { is_in_session: true, ..Said::default() }, ErrorCode::SupportEngineer),
        (Said { user: None, ..Said::default() }, ErrorCode::UnknownSender),
        (Said { polkit: None, is_in_front: false, ..Said::default() }, ErrorCode::UnknownSender),
    ];
    for (said, code) in denials {
        let mut peers = Peers::start(said).await;
        peers.view.send_modify(|view| view.credentials = Some(credentials()));
        for (call, ..) in guarded() {
            assert_eq!(
                peers.call(&call, Ok(())).await,
                Err(code.name().to_owned()),
                "{} {said:?}",
                call.method
            );
            assert_eq!(peers.last_order(), None, "{} {said:?}", call.method);
        }
    }
}

#[tokio::test]
async fn polkit_is_not_asked_about_an_engineer() {
    let mut peers = Peers::start(Said { is_in_session: true, ..Said::default() }).await;
    for (call, ..) in guarded() {
        peers.call(&call, Ok(())).await.expect_err("refused");
    }
    assert_eq!(peers.asked(), []);
}

#[tokio::test]
async fn without_polkit_only_stopping_goes_on() {
    let mut peers = Peers::start(Said { polkit: None, ..Said::default() }).await;
    for (call, action, order) in guarded() {
        let outcome = peers.call(&call, Ok(())).await;
        let is_stop = matches!(action, Action::Stop | Action::Refuse);
        assert_eq!(outcome.is_ok(), is_stop, "{}", call.method);
        assert_eq!(peers.last_order(), order.filter(|_| is_stop), "{}", call.method);
    }
}

#[tokio::test]
async fn a_call_that_wants_no_answer_is_not_carried_out() {
    let mut peers = Peers::start(Said::default()).await;
    for (call, ..) in guarded() {
        peers.call_without_reply(&call).await;
    }
    // Calls are taken up in their order.
    peers.call(&Call::new(ACCESS, "GetCredentials", ()), Ok(())).await.expect_err("remote access is off");
    assert_eq!((peers.last_order(), peers.asked()), (None, vec![Action::Credentials]));
}

#[tokio::test]
async fn arguments_that_cannot_be_used_are_refused_before_anyone_is_asked() {
    let mut peers = Peers::start(Said::default()).await;
    let long = "a".repeat(limits::CHAT + 1);
    let unusable = [
        Call::new(CONVERSATION, "Allow", "none"),
        Call::new(CONVERSATION, "Refuse", ""),
        Call::new(SESSION, "GrantExtension", (ID, 0_u32)),
        Call::new(SESSION, "GrantExtension", (ID, 61_u32)),
        Call::new(SESSION, "GrantExtension", ("x", 30_u32)),
        Call::new(CONVERSATION, "Answer", (ID, "")),
        Call::new(CONVERSATION, "Answer", (ID, long.as_str())),
        Call::new(CONVERSATION, "SendChat", " "),
        Call::new(RECORDS, "Files", "../records"),
        Call::new(RECORDS, "Open", (ID, "../device.key")),
        Call::new(RECORDS, "Open", (ID, ".hidden")),
        Call::new(RECORDS, "Report", (ID, "fr", "text")),
        Call::new(RECORDS, "Report", (ID, "de", "pdf")),
        Call::new(RECORDS, "Receipt", "latest"),
        Call::new(RECORDS, "Delete", ""),
        Call::new(CONVERSATION, "SendChat", long.as_str()),
    ];
    for call in unusable {
        assert_eq!(
            peers.call(&call, Ok(())).await,
            Err(ErrorCode::InvalidArgument.name().to_owned()),
            "{}",
            call.method
        );
    }
    assert_eq!((peers.last_order(), peers.asked()), (None, Vec::new()));
}

#[tokio::test]
async fn a_long_message_is_not_kept_while_others_are_asked() {
    let mut peers = Peers::start(Said::default()).await;
    // What stands around the text is cut off before it is measured.
    let long = format!("hello{}", " ".repeat(limits::CHAT + 256));
    for call in [
        Call::new(CONVERSATION, "SendChat", long.as_str()),
        Call::new(CONVERSATION, "Answer", (ID, long.as_str())),
    ] {
        assert_eq!(
            peers.call(&call, Ok(())).await,
            Err(ErrorCode::TooLong.name().to_owned()),
            "{}",
            call.method
        );
    }
    assert_eq!((peers.last_order(), peers.asked()), (None, Vec::new()));
}

#[tokio::test]
async fn what_is_not_carried_out_has_a_name() {
    let mut peers = Peers::start(Said::default()).await;
    let refusals = [
        (Refusal::AlreadyOn, ErrorCode::AlreadyOn),
        (Refusal::Stale(StaleAnswer::NotOpen), ErrorCode::QuestionNotOpen),
        (Refusal::NoSession, ErrorCode::NoSession),
        (Refusal::RecordOpen, ErrorCode::RecordOpen),
        (Refusal::NotOff, ErrorCode::NotOff),
        (Refusal::Stopping, ErrorCode::Stopping),
    ];
    for (refusal, code) in refusals {
        let outcome = peers.call(&Call::new(CONVERSATION, "Allow", ID), Err(refusal)).await;
        assert_eq!(outcome, Err(code.name().to_owned()));
    }
}

#[tokio::test]
async fn credentials_are_there_for_as_long_as_they_can_be_used() {
    let mut peers = Peers::start(Said::default()).await;
    let call = Call::new(ACCESS, "GetCredentials", ());
    let missing = [
        (Phase::Off, ErrorCode::NoCredentials),
        (Phase::Connecting, ErrorCode::CredentialsNotYet),
        (Phase::Active, ErrorCode::CredentialsUsed),
    ];
    for (phase, code) in missing {
        peers.view.send_modify(|view| view.status.phase = phase);
        assert_eq!(peers.call(&call, Ok(())).await, Err(code.name().to_owned()));
    }
    peers.view.send_modify(|view| view.credentials = Some(credentials()));
    let read: (String, String) = peers.body_of(&call).await;
    assert_eq!(read, (credentials().support_id.to_string(), "0420".to_owned()));
}

#[tokio::test]
async fn every_property_is_read_and_told() {
    let mut peers = Peers::start(Said { user: None, polkit: None, ..Said::default() }).await;
    let view = View { status: full(), revision: 7, ..View::default() };
    peers.view.send_replace(view.clone());
    let expected = snapshot(&view, Some(Language::German));
    let changes = expected.changed_since(&Snapshot::default());
    let (told, told_names) = peers.told_change(&expected).await;
    assert_eq!((told, told_names), (expected.clone(), names(changes.clone())));
    let (read, read_names) = peers.read_all().await;
    // Each of them says something here, so that none can be forgotten.
    let mut changed_names = names(changes);
    changed_names.sort();
    assert_eq!((read, read_names), (expected, changed_names));
    assert_eq!(peers.asked(), [], "reading is open to everybody");
}

#[tokio::test]
async fn what_is_shown_is_told_from_one_revision_to_the_next() {
    let mut peers = Peers::start(Said::default()).await;
    let before = snapshot(&View { revision: 7, ..View::default() }, None);
    let mut after = before.clone();
    (after.session.engineer, after.access.revision) = ("Ada".into(), 8);
    peers.has_told = before;
    let (_, told) = peers.told_change(&after).await;
    assert_eq!(told, [format!("{SESSION}.Engineer"), format!("{ACCESS}.Revision")]);
}

#[tokio::test]
async fn every_signal_is_told() {
    let peers = Peers::start(Said::default()).await;
    for (from_engineer, name) in [(true, "engineer"), (false, "client")] {
        let chat = Notification::Chat { from_engineer, text: "hello".into() };
        let (member, (from, text)): (_, (String, String)) = peers.told(chat).await;
        assert_eq!((member.as_str(), from.as_str(), text.as_str()), ("Chat", name, "hello"));
    }
    let warning = Notification::Warning(Warning::TimeLeft { minutes: 10 });
    let (member, (code, arguments)): (_, (String, BusArguments)) = peers.told(warning).await;
    assert_eq!((member.as_str(), code.as_str()), ("Warning", "time-left"));
    let arguments = from_bus(&arguments);
    assert_eq!(arguments.get("minutes").and_then(serde_json::Value::as_u64), Some(10));
}

#[tokio::test]
async fn the_network_is_checked_for_everybody() {
    let peers = Peers::start(Said { user: None, polkit: None, ..Said::default() }).await;
    let (exit_code, code, _, details, json): (u32, String, BusArguments, String, String) =
        peers.body_of(&Call::new(NETWORK, "Check", ())).await;
    // No relay listens at the dialer's address.
    assert!(exit_code > 10 && code.starts_with('N') && !details.is_empty(), "{exit_code} {code} {details}");
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    assert_eq!(peers.asked(), []);
}

#[tokio::test]
async fn everybody_may_read_the_health() {
    let peers = Peers::start(Said { user: None, polkit: None, ..Said::default() }).await;
    let read: String = peers.body_of(&Call::new(HEALTH, "Read", ())).await;
    let health: Health = messages::decode(read.as_bytes()).expect("a health");
    assert!(health.kernel.is_some() && health.probes.is_empty(), "{read}");
    let again: String = peers.body_of(&Call::new(HEALTH, "Read", ())).await;
    assert_eq!(again, read, "it is good for a moment");
    assert_eq!(peers.asked(), []);
}

/// The names in the order in which the interfaces tell them.
fn names(changes: Vec<(&'static str, Changes)>) -> Vec<String> {
    let all = changes.into_iter().flat_map(|(interface, values)| {
        let mut names: Vec<_> = values.into_keys().map(|name| format!("{interface}.{name}")).collect();
        names.sort();
        names
    });
    all.collect()
}
