//! A record that has every event, as the agent would write it.

mod dialogue;
mod health;

use std::time::{Duration, UNIX_EPOCH};

use fieldlink_protocol::ids::{EngineerId, ObserverId, OperationId, RunId, SessionId};
use fieldlink_protocol::messages::announcements::{CaseResult, Outcome};
use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::messages::operation::{OperationEnd, OperationRefusal, OperationState};
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::messages::runbook::{RunbookRefusal, StepResult};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;

use super::{Memory, recordings};
use crate::*;

/// When the sample begins: 2026-11-30, 10:00 UTC.
const BEGINS: u64 = 1_796_032_800;
pub(super) const DEVICE_KEY_LINE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f device";

/// What stands for a text in the record.
pub(super) type Twist<'a> = &'a dyn Fn(&str) -> String;

/// Writes a record.
struct Writer<'a> {
    chain: Chain,
    events: Vec<u8>,
    seconds: u64,
    twist: Twist<'a>,
}

impl Writer<'_> {
    /// So many seconds later, this.
    fn after(&mut self, seconds: u64, event: Event) {
        self.seconds += seconds;
        let since = Duration::from_secs(self.seconds);
        let at =
            Stamp::new(UNIX_EPOCH + Duration::from_secs(BEGINS) + since, since + Duration::from_secs(600));
        self.events.extend(self.chain.append(at, event));
    }

    fn say(&self, text: &str) -> String {
        (self.twist)(text)
    }

    fn titles(&self, english: &str, german: &str) -> Titles {
        [("en".to_owned(), self.say(english)), ("de".to_owned(), self.say(german))].into()
    }

    fn person(&self, name: &str, company: &str, partner: Option<&str>) -> Person {
        Person {
            name: self.say(name),
            company: self.say(company),
            ticket: self.say("T-2041"),
            partner: partner.map(|partner| self.say(partner)),
            engineer: EngineerId::from_bytes([7; 16]),
            run: RunId::from_bytes([8; 16]),
        }
    }
}

/// The sample, with every text in it as it is.
pub(super) fn record() -> Memory {
    twisted(&str::to_owned)
}

/// The sample, with other texts in it.
pub(super) fn twisted(twist: Twist<'_>) -> Memory {
    let mut writer = Writer { chain: Chain::default(), events: Vec::new(), seconds: 0, twist };
    begin(&mut writer);
    let first = recordings::shell(twist, BEGINS + 500);
    let second = recordings::update(twist, BEGINS + 600);
    dialogue::talk(&mut writer);
    dialogue::questions(&mut writer);
    dialogue::leaves(&mut writer);
    work(&mut writer);
    files(&mut writer);
    people(&mut writer);
    trouble(&mut writer);
    end(&mut writer, &[("terminal-1.cast", &first), ("terminal-2.cast", &second)]);
    let files = [(EVENTS, writer.events), ("terminal-1.cast", first), ("terminal-2.cast", second)];
    Memory(files.map(|(name, bytes)| (name.to_owned(), bytes)).into())
}

fn begin(writer: &mut Writer<'_>) {
    let device = Device {
        name: writer.say("scanner-0417"),
        key: DEVICE_KEY_LINE.into(),
        software: writer.say("fieldlink-agent 0.1.0"),
    };
    let terms = Terms {
        language: Some(writer.say("de")),
        minutes: 60,
        never: vec![Function::Guests],
        asks: vec![Function::Upload, Function::Restart],
        reaches: vec![writer.say("10.0.0.7:502")],
        retention_days: 90,
    };
    let anchor_keys = vec![DEVICE_KEY_LINE.to_owned()];
    let (session, random) = (SessionId::from_bytes([0x5a; 16]), "ab".repeat(32));
    writer.after(0, Event::RecordBegan { format: 1, session, random, device, terms, anchor_keys });
    let person = writer.person("Ada Byron", "Scans AG", Some("Reseller GmbH"));
    let certified = Some(Box::new(certified(writer)));
    writer.after(2, Event::ConsentAsked { person, seat: 1, certified });
    writer.after(14, Event::ConsentGiven { seat: 1 });
    writer.after(1, Event::SessionBegan { seconds: 3_600 });
    health::start(writer);
    let person = writer.person("Bob", "Scans AG", None);
    writer.after(1, Event::LetInByPin { person, seat: 9, certified: None });
    writer.after(1, Event::TransfersLost { channel: 99 });
    writer.after(1, Event::ChannelsUnrecorded {});
    writer.after(1, Event::EventsLost { count: 7 });
    writer.after(1, Event::Anchored { seq: 3, time: "2026-11-30T10:00:18Z".into() });
}

fn certified(writer: &Writer<'_>) -> Certified {
    Certified {
        statement: "statement-1".into(),
        signature: "statement-1.sig".into(),
        certificate: "statement-1-cert.pub".into(),
        authority: writer.say("Scans AG support"),
        authority_fingerprint: writer.say("SHA256:abc"),
        key_id: writer.say("ada@scans.example"),
        serial: 41,
        principal: writer.say("support"),
        fingerprint: writer.say("SHA256:rXzE8yH4fVd0uJ3Wq1kAnlmMI0Ynq1V9pT6m4wV2l3s"),
        user_verified: true,
    }
}

fn work(writer: &mut Writer<'_>) {
    for (channel, program) in [
        (1, Program::Shell {}),
        (2, Program::Exec { command: writer.say("journalctl -u lidar  --since today\n"), cut: false }),
        (
            3,
            Program::Exec {
                command: writer.say("rsync --server -vlogDtpre.iLsfxCIvu . /srv/data"),
                cut: true,
            },
        ),
        (4, Program::Operation {}),
        (7, Program::Health {}),
        (8, Program::Diagnosis {}),
        (5, Program::Forward { target: writer.say("10.0.0.7:502") }),
        (6, Program::Sftp {}),
    ] {
        writer.after(8, Event::ChannelOpened { channel, seat: 1, program });
    }
    let shape = TerminalShape { cols: 100, rows: 30 };
    for (channel, file) in [(1, "terminal-1.cast"), (3, "terminal-2.cast")] {
        writer.after(0, Event::TerminalBegan { channel, file: file.into(), shape });
    }
    let seal = Seal { size: 900, sha256: Digest::of(b"900") };
    writer.after(30, Event::TerminalSealed { file: "terminal-1.cast".into(), seal });
    let refused = Program::Exec { command: writer.say("reboot"), cut: false };
    let why = writer.say("not allowed by this scanner");
    for program in [refused, Program::Forward { target: writer.say("192.168.0.1:22") }, Program::Shell {}] {
        writer.after(3, Event::ChannelRefused { seat: 1, program, why: why.clone() });
    }
    operations(writer);
    let killed = ChannelOutcome::Signal { signal: writer.say("KILL") };
    let outcomes = [ChannelOutcome::Exit { code: 0 }, ChannelOutcome::Exit { code: 1 }, killed];
    let others = [ChannelOutcome::Closed {}, ChannelOutcome::Failed {}, ChannelOutcome::Cut {}];
    for (channel, outcome) in (1..).zip(outcomes.into_iter().chain(others)) {
        writer.after(4, Event::ChannelOver { channel, outcome, input: 812, output: 48_210_377 });
    }
}

fn operations(writer: &mut Writer<'_>) {
    let (run, name) = (OperationId::from_bytes([3; 16]), writer.say("system-update"));
    let titles = writer.titles("System update", "Systemaktualisierung");
    let over = |result| OperationState::Over { result, restart: true };
    let states = [
        OperationState::Starting {},
        OperationState::Running { percent: None },
        OperationState::Running { percent: Some(40) },
        OperationState::AfterRestart {},
        over(OperationEnd::Succeeded {}),
    ];
    for state in states {
        let (name, titles) = (name.clone(), titles.clone());
        writer.after(20, Event::Operation { run, name, titles, state });
    }
    writer.after(2, Event::OperationRefused { name, why: OperationRefusal::Busy });
    writer.after(2, Event::Transfers { transfers: Transfers::Held });
    let steps = [
        ("look", "Look at the log", "Das Protokoll ansehen"),
        ("cable", "Check the cable", "Das Kabel prüfen"),
    ];
    let states = (1..).zip(steps).map(|(number, (step, english, german))| RunbookState::At {
        number,
        step: writer.say(step),
        title: writer.titles(english, german),
    });
    let states: Vec<_> = states.chain([RunbookState::Finished {}]).collect();
    for state in states {
        let (name, maker) = (writer.say("first-look"), Some(writer.say("maker-2026")));
        let title = writer.titles("First look", "Erster Blick");
        let settled = settled_before(writer, &state);
        writer.after(9, Event::Runbook { name, title, maker, steps: 2, settled, state });
    }
    writer.after(9, Event::RunbookRefused { why: RunbookRefusal::Altered });
}

fn settled_before(writer: &Writer<'_>, state: &RunbookState) -> Option<StepSettled> {
    let (number, passed, result) = match state {
        RunbookState::At { number: 1, .. } => return None,
        RunbookState::At { .. } => (1, true, StepResult::Exit { code: 0, output: true }),
        _ => (2, false, StepResult::Answer { text: writer.say("loose") }),
    };
    let (step, title) = (writer.say("step"), writer.titles("A step", "Ein Schritt"));
    Some(StepSettled { number, step, title, passed, result })
}

fn files(writer: &mut Writer<'_>) {
    let paths = [
        ("/etc/lidar/calibration.toml", Direction::Upload, true, true),
        ("/var/log/lidar/2026-11-30.log", Direction::Download, false, true),
        ("/tmp/<script>alert(1)</script>\" onload=\"x.bin", Direction::Download, true, false),
        ("/srv/\u{202e}gpj.exe", Direction::Upload, true, true),
    ];
    for (path, direction, has_hash, complete) in paths {
        let (path, sha256) = (writer.say(path), has_hash.then(|| Digest::of(path.as_bytes())));
        let file = Transferred { channel: 6, direction, path, size: 18_233, sha256, complete };
        writer.after(6, Event::FileTransferred(file));
    }
    for (change, result) in changes(writer) {
        writer.after(1, Event::FileChanged(FileChange { channel: 6, change, result }));
    }
}

fn changes(writer: &Writer<'_>) -> Vec<(Change, ChangeResult)> {
    let (path, other) = (|| writer.say("/etc/lidar/old.toml"), || writer.say("/etc/lidar/<b>new</b>.toml"));
    let attributes =
        |permissions, user, size| Change::Attributes { path: path(), permissions, user, group: user, size };
    let (done, refused) = (ChangeResult::Done {}, |status| ChangeResult::Refused { status });
    vec![
        (Change::Rename { from: path(), to: other() }, done),
        (Change::Remove { path: path() }, refused(2)),
        (Change::MakeDirectory { path: path() }, refused(4)),
        (Change::RemoveDirectory { path: path() }, refused(3)),
        (Change::SymbolicLink { path: path(), target: other() }, done),
        (Change::HardLink { path: path(), target: other() }, refused(8)),
        (attributes(Some(0o644), None, None), done),
        (attributes(Some(0o4755), Some(0), Some(12_000)), refused(99)),
        (Change::Copy { from: path(), to: other() }, ChangeResult::Unanswered {}),
    ]
}

fn people(writer: &mut Writer<'_>) {
    let id = ObserverId::from_bytes([4; 16]);
    let person = writer.person("Mallory", "Unknown Ltd", None);
    let name = writer.say("Carl Zeiss");
    writer.after(5, Event::JoinCodeDrawn { seat: 1 });
    writer.after(9, Event::JoinFailed { person, reason: Reason::CodeUsedUp });
    for (seat, observes) in [(3, false), (4, true)] {
        let person = writer.person("Linus", "Scans AG", None);
        writer.after(1, Event::GuestLetIn { person, seat, observes, certified: None });
    }
    writer.after(9, Event::EngineerJoined { seat: 2, observes: false });
    writer.after(9, Event::ObserverInvited { id, name });
    for attendance in [Attendance::Invited, Attendance::Here, Attendance::Away] {
        writer.after(9, Event::ObserverIs { id, attendance });
    }
    writer.after(9, Event::ObserverOver { id, reason: Reason::Removed });
    writer.after(9, Event::HandedOver { from: 1, to: 2, reason: None });
    writer.after(9, Event::HandedOver { from: 2, to: 1, reason: Some(Reason::EngineerLost) });
    writer.after(9, Event::EngineerLeft { seat: 2, reason: Reason::EngineerEnded });
}

fn trouble(writer: &mut Writer<'_>) {
    let problem = writer.say("connection reset");
    writer.after(9, Event::Interrupted { problem });
    writer.after(9, Event::Resumed {});
    writer.after(9, Event::RelayLost {});
    writer.after(9, Event::RelayBack {});
    writer.after(9, Event::EngineerReturned { seat: 1 });
    writer.after(9, Event::Restarts { power: false });
    writer.after(60, Event::RecordResumed { why: Resumption::Restarted, torn: 0 });
    writer.after(9, Event::CarryOnOffered {});
    writer.after(9, Event::CarryOnAgreed {});
    writer.after(9, Event::RecordResumed { why: Resumption::Died, torn: 117 });
    writer.after(9, Event::RecordingStopped { why: Stop::DiskFull });
}

fn end(writer: &mut Writer<'_>, recordings: &[(&str, &Vec<u8>)]) {
    let outcome = Outcome {
        result: CaseResult::Workaround,
        summary: writer.say("The lidar's cable was loose; it is fixed with tape until a new one comes."),
        prepare: writer.say("A new cable, part 2041-7"),
    };
    writer.after(30, Event::OutcomeSaid(outcome));
    writer.after(30, Event::SessionEnded { reason: Reason::EngineerEnded, hearsay: false });
    health::end(writer);
    let seal = |bytes: &Vec<u8>| Seal { size: bytes.len() as u64, sha256: Digest::of(bytes) };
    let files = || recordings.iter().map(|(name, bytes)| ((*name).to_owned(), seal(bytes))).collect();
    writer.after(5, Event::RecordClosed { files: files(), late: false });
    let (verdict, words) = ("partly".to_owned(), writer.say("It scans again, but it still beeps."));
    writer.after(60, Event::RecordResumed { why: Resumption::Verdict, torn: 0 });
    writer.after(0, Event::VerdictGiven { verdict, words });
    writer.after(1, Event::RecordClosed { files: files(), late: false });
}
