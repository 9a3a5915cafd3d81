//! Records that are written by the real threads to a real disk, and checked as anybody would.

mod people;

use std::path::Path;
use std::time::Duration;

use fieldlink_evidence::{
    ANCHORS, Directory, EVENTS, Entry, Event, Files, Head, MANIFEST, Resumption, Stop, TIME_STAMP, Trust,
    check,
};
use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_protocol::reason::Reason;
use fieldlink_session::wire::{ExitStatus, ProgramKind, TerminalSize};
use fieldlink_ssh::{ChannelEnd, ChannelIdentity, ChannelRequest, ChannelStatus, Opener, Tap};

use super::store::Deletion;
use super::*;

const TERMS: fn() -> fieldlink_evidence::Terms = || fieldlink_evidence::Terms {
    language: None,
    minutes: 60,
    never: Vec::new(),
    asks: Vec::new(),
    reaches: Vec::new(),
    retention_days: 90,
};

fn store(directory: &Path, settings: RecordSettings) -> RecordStore {
    RecordStore::open(directory, "machine", settings).expect("a store")
}

fn shell(session: SessionId, number: u64) -> ChannelIdentity {
    let opener = Opener { session, pipe: PipeId::random(), engineer: EngineerId::random() };
    ChannelIdentity { number, opener, channel: 0, request: ChannelRequest::Program(ProgramKind::Shell {}) }
}

fn chat(text: &str) -> Event {
    Event::Chat { from: None, text: text.into() }
}

fn events(path: &Path) -> Vec<Event> {
    let bytes = Directory::new(path).read(EVENTS, u64::MAX).expect("readable");
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice::<Entry>(line).expect("an entry").event).collect()
}

/// What terminals show goes in as a program prints it; the last of it after the end of the recording is too late.
fn show(recording: &Recording, session: SessionId, pieces: usize, piece: &[u8]) {
    let (channels, shell) = (recording.channels(), shell(session, 1));
    channels.opened(&shell);
    channels.resized(&shell, TerminalSize { columns: 80, rows: 24, pixel_width: 0, pixel_height: 0 });
    (0..pieces).for_each(|_| channels.shown(&shell, piece));
    let status = ChannelStatus::Exit(ExitStatus::Code { code: 0 });
    channels.over(&shell, &ChannelEnd { status, input: 1, output: (pieces * piece.len()) as u64 });
}

async fn closed(recording: Recording) -> Option<Head> {
    recording.close().head().await
}

#[tokio::test]
async fn a_session_is_recorded_and_anybody_can_check_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let session = SessionId::random();
    let recording = store.begin(session, TERMS()).expect("a recording");
    recording.tell_at(Moment::now(), chat("hello"));
    show(&recording, session, 3, "€uro\r\n".as_bytes());
    let head = closed(recording).await.expect("it is closed");
    let path = store.path_of(session);
    let findings = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert_eq!((findings.session, findings.head), (session, head));
    let cast = std::fs::read_to_string(path.join("terminal-1.cast")).expect("a recording");
    assert_eq!(cast.matches("€uro").count(), 3, "{cast}");
    // What the client says later is added, and the record holds again.
    store.add(session, chat("thank you")).expect("added");
    let again = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert!(again.head.seq > head.seq && events(&path).contains(&chat("thank you")));
    let listed = store.list().expect("readable");
    assert!(matches!(&listed[..], [record] if record.session == session && record.is_closed), "{listed:?}");
}

#[tokio::test]
async fn an_addition_that_fails_leaves_what_there_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let session = SessionId::random();
    let recording = store.begin(session, TERMS()).expect("a recording");
    let head = closed(recording).await.expect("it is closed");
    let path = store.path_of(session);
    store.add_time_stamp(session, store.sums(session).expect("there"), b"a stamp").expect("kept");
    let names = || std::collections::BTreeSet::from_iter(Directory::new(&path).names().expect("readable"));
    let before = (names(), std::fs::read(path.join(EVENTS)).expect("there"));
    // Nothing can be written there.
    let obstacle = path.join(format!("{MANIFEST}.new"));
    std::fs::create_dir(&obstacle).expect("made");
    store.add(session, chat("thank you")).expect_err("it cannot be closed");
    std::fs::remove_dir(&obstacle).expect("empty");
    let asides = names().iter().filter(|name| name.ends_with(aside::ENDING)).count();
    assert_eq!(asides, 0);
    assert_eq!((names(), std::fs::read(path.join(EVENTS)).expect("there")), before);
    let findings = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert_eq!(findings.head, head);
    store.add(session, chat("thank you")).expect("added");
    check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert!(!names().contains(TIME_STAMP) && names().len() == before.0.len() - 1, "{:?}", names());
    // An agent that died in between leaves what the next one need not know.
    std::fs::write(path.join(format!("{MANIFEST}{}", aside::ENDING)), "old").expect("written");
    std::fs::write(path.join(ANCHORS), "{\"line\":\"fieldlink-anchor").expect("written");
    store.close_left(None);
    assert_eq!(names().len(), before.0.len(), "the anchors, without half a line");
    check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
}

#[tokio::test]
async fn what_an_agent_left_is_closed_by_the_next_and_a_restart_is_no_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let [died, restarted] = [(); 2].map(|()| SessionId::random());
    for session in [died, restarted] {
        let recording = store.begin(session, TERMS()).expect("a recording");
        recording.tell_at(Moment::now(), chat("before"));
        show(&recording, session, 1, b"before");
        recording.leave().await;
    }
    let torn = store.path_of(died).join(EVENTS);
    let mut bytes = std::fs::read(&torn).expect("there");
    bytes.extend(b"{\"seq\":2,\"prev\":\"");
    std::fs::write(&torn, bytes).expect("written");
    let cast = store.path_of(died).join("terminal-1.cast");
    let whole = std::fs::read(&cast).expect("there");
    std::fs::write(&cast, [&whole, &b"[0.100, \"o\", \"to"[..], &[0; 100]].concat()).expect("written");
    std::fs::write(store.path_of(died).join(ANCHORS), "{\"line\":\"fieldlink-anchor").expect("written");
    // The power was cut before the first line was on the disk.
    let empty = store.path_of(SessionId::random());
    std::fs::create_dir(&empty).and_then(|()| std::fs::write(empty.join(EVENTS), "")).expect("written");
    store.close_left(Some(restarted));
    assert!(!empty.exists(), "there is nothing to sign");
    assert_eq!(std::fs::read(&cast).expect("there"), whole);
    let findings = check(&Directory::new(store.path_of(died)), &Trust::default()).expect("nothing is wrong");
    assert!(findings.closed_late);
    let told = events(&store.path_of(died));
    assert!(told.contains(&Event::RecordResumed { why: Resumption::Died, torn: 17 }), "{told:?}");
    assert!(Directory::new(store.path_of(restarted)).open(MANIFEST).is_err());
    let recording = store.resume(restarted, Resumption::Restarted).expect("it goes on");
    recording.tell_at(Moment::now(), chat("after"));
    // The channels of another run of the agent have numbers of their own.
    show(&recording, restarted, 1, b"after");
    closed(recording).await.expect("it is closed");
    check(&Directory::new(store.path_of(restarted)), &Trust::default()).expect("nothing is wrong");
    let after = std::fs::read_to_string(store.path_of(restarted).join("terminal-3.cast")).expect("recorded");
    assert!(after.contains("after"));
    let told = events(&store.path_of(restarted));
    let place = |event: &Event| told.iter().position(|told| told == event).expect("told");
    assert!(place(&chat("before")) < place(&chat("after")));
}

#[tokio::test]
async fn a_flood_stops_the_recording_of_terminals_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings { session_megabytes: 1, ..RecordSettings::default() });
    let session = SessionId::random();
    let mut recording = store.begin(session, TERMS()).expect("a recording");
    show(&recording, session, 100, &[b'x'; 64 * 1024]);
    let stopped = async {
        loop {
            if let RecordingNews::Stopped(why) = recording.next().await {
                break why;
            }
        }
    };
    let why = tokio::time::timeout(Duration::from_secs(30), stopped).await.expect("it stops");
    assert!(matches!(why, Stop::Bound | Stop::DiskSlow), "{why:?}");
    recording.tell_at(Moment::now(), chat("still here"));
    closed(recording).await.expect("it is closed");
    let path = store.path_of(session);
    check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    let told = events(&path);
    assert!(told.contains(&Event::RecordingStopped { why }) && told.contains(&chat("still here")));
    let recorded = std::fs::metadata(path.join("terminal-1.cast")).expect("there").len();
    assert!(recorded < 1_200_000, "{recorded}");
}

/// A session that was to go on after a restart, and does not, has an end of its own; one that is closed stays as it is.
#[tokio::test]
async fn what_does_not_go_on_is_closed_with_its_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let session = SessionId::random();
    store.begin(session, TERMS()).expect("a recording").leave().await;
    store.close_unfinished(session, Reason::NotBack);
    let path = store.path_of(session);
    let findings = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    let told = events(&path);
    assert!(told.contains(&Event::SessionEnded { reason: Reason::NotBack, hearsay: false }), "{told:?}");
    store.close_unfinished(session, Reason::ClientEnded);
    let again = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert_eq!(again.head, findings.head);
}

/// However many terminals somebody opens, the record can be closed and checked.
#[tokio::test]
async fn so_many_terminals_are_recorded_and_the_record_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path(), RecordSettings::default());
    let session = SessionId::random();
    let recording = store.begin(session, TERMS()).expect("a recording");
    let channels = recording.channels();
    for number in 0..1100 {
        let shell = shell(session, number);
        channels.opened(&shell);
        channels.resized(&shell, TerminalSize { columns: 80, rows: 24, pixel_width: 0, pixel_height: 0 });
        channels.shown(&shell, b"x");
        channels.over(&shell, &ChannelEnd { status: ChannelStatus::Closed, input: 0, output: 1 });
    }
    // So many files take a disk longer than anybody waits; what comes next waits for them.
    recording.leave().await;
    store.close_left(None);
    let path = store.path_of(session);
    let findings = check(&Directory::new(&path), &Trust::default()).expect("nothing is wrong");
    assert_eq!(findings.files.keys().filter(|name| name.ends_with(".cast")).count(), 1000);
    assert!(events(&path).contains(&Event::RecordingStopped { why: Stop::Bound }));
}

#[tokio::test]
async fn the_oldest_go_first_and_that_they_were_there_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(
        directory.path(),
        RecordSettings { total_megabytes: 1, session_megabytes: 1, ..RecordSettings::default() },
    );
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let session = SessionId::random();
        let recording = store.begin(session, TERMS()).expect("a recording");
        show(&recording, session, 10, &[b'x'; 64 * 1024]);
        closed(recording).await.expect("it is closed");
        sessions.push(session);
    }
    store.tidy(std::time::SystemTime::now(), Some(sessions[0])).expect("tidied");
    let left: Vec<_> = store.list().expect("readable").iter().map(|record| record.session).collect();
    assert_eq!(left, [sessions[0]], "it runs");
    store.tidy(std::time::SystemTime::now() + Duration::from_secs(91 * 86_400), None).expect("tidied");
    assert!(store.list().expect("readable").is_empty());
    let deleted = std::fs::read_to_string(directory.path().join("records/deleted.jsonl")).expect("there");
    assert_eq!(deleted.lines().count(), 3);
    assert!(deleted.contains("\"why\":\"room\"") && deleted.contains("\"why\":\"retention\""), "{deleted}");
    let missing = store.delete(sessions[0], Deletion::Client).expect_err("it is gone");
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
}
