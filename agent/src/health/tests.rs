//! The collector on this machine, and probes over real sockets that behave as no probe should.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use fieldlink_protocol::messages::Bounded;
use fieldlink_protocol::messages::health::{ProbeFault, ReadingState};
use fieldlink_protocol::text;
use tempfile::TempDir;

use super::*;

const GOOD: &str =
    r#"{"name":"front","value":1200,"unit":"rpm","state":"ok","text":{"en":"It turns.","de":"Er dreht."}}"#;

/// A unit behind a socket, which does `what` with who connects.
struct Unit {
    directory: TempDir,
    name: &'static str,
    task: Option<JoinHandle<()>>,
}

impl Unit {
    fn start(name: &'static str, what: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("probe.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        fs::set_permissions(path, Permissions::from_mode(0o600)).expect("ours");
        let task = std::thread::spawn(move || what(listener.accept().expect("somebody").0));
        Self { directory, name, task: Some(task) }
    }

    fn says(name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        // Who floods hears that nobody listens any more.
        Self::start(name, move |mut stream| drop(stream.write_all(&text)))
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("probe.sock")
    }

    fn settings(&self) -> ProbeSettings {
        ProbeSettings { name: self.name.to_owned(), socket: Some(self.socket()) }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let ended = self.task.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.into_iter().for_each(|ended| ended.expect("it ended"));
        }
    }
}

async fn ask(unit: &Unit) -> (Vec<fieldlink_protocol::messages::health::Reading>, Option<ProbeFault>) {
    let asked = Health { probes: probes::collect(&[unit.settings()]).await, ..Health::default() }.fitted();
    asked.check().expect("it fits");
    let [probe] = asked.probes.try_into().expect("one");
    assert_eq!(probe.name, unit.name);
    (probe.readings, probe.fault)
}

#[tokio::test]
async fn a_probe_says_what_it_has_read() {
    let lines = format!(
        "{GOOD}\n{}\n{}",
        r#"{"name":"led","value":"off","state":"bad"}"#, r#"{"name":"door","value":true,"state":"unknown"}"#
    );
    let (readings, fault) = ask(&Unit::says("good", lines)).await;
    assert_eq!(fault, None);
    let shown = readings.iter().map(|reading| (reading.name.as_str(), reading.value.as_str(), reading.state));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            ("front", "1200", ReadingState::Ok),
            ("led", "off", ReadingState::Bad),
            ("door", "true", ReadingState::Unknown)
        ]
    );
    assert_eq!((readings[0].unit.as_str(), readings[0].sentence("de")), ("rpm", Some("Er dreht.")));
}

/// What the maker copies, and what they read.
#[tokio::test]
async fn the_shipped_examples_are_understood() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/examples/agent/probe/lidars");
    let printed = std::process::Command::new("sh").arg(script).output().expect("it runs").stdout;
    let documented =
        include_str!("../../../docs/PROBES.md").lines().filter(|line| line.starts_with("{\"name\""));
    for lines in [printed, documented.collect::<Vec<_>>().join("\n").into_bytes()] {
        let (readings, fault) = ask(&Unit::says("lidars", lines)).await;
        assert_eq!((readings.len(), fault), (2, None));
        // This computer has no lidars, and the one in the description has lost one.
        assert_eq!(readings[1].sentence("de"), Some("Das Lidar antwortet nicht."));
    }
}

#[tokio::test]
async fn a_probe_that_lies_is_named_and_what_it_said_before_counts() {
    for lie in [
        "no JSON",
        r#"{"name":"x","value":1}"#,
        r#"{"name":"x","value":1,"state":"fine"}"#,
        r#"{"name":"","value":1,"state":"ok"}"#,
        r#"{"name":"x","value":{"run":"rm"},"state":"ok"}"#,
        r#"{"name":"x","value":1,"state":"ok","program":"/bin/sh"}"#,
        "\u{0}\u{1}",
    ] {
        let (readings, fault) = ask(&Unit::says("liar", format!("{GOOD}\n{lie}\n{GOOD}\n"))).await;
        assert_eq!((readings.len(), fault), (1, Some(ProbeFault::Malformed)), "{lie:?}");
    }
    let (readings, fault) = ask(&Unit::says("silent", "")).await;
    assert_eq!((readings.len(), fault), (0, Some(ProbeFault::Silent)));
}

#[tokio::test]
async fn who_floods_is_cut_off() {
    let many = format!("{GOOD}\n").repeat(100_000);
    let (readings, fault) = ask(&Unit::says("flood", many)).await;
    assert_eq!((readings.len(), fault), (limits::PROBE_READINGS, Some(ProbeFault::TooLong)));
    let one_line = vec![b'x'; 10_000_000];
    let (readings, fault) = ask(&Unit::says("line", one_line)).await;
    assert_eq!((readings.len(), fault), (0, Some(ProbeFault::TooLong)));
}

#[tokio::test]
async fn escape_sequences_do_not_come_through() {
    let line = r#"{"name":"a\u001b[2J","value":"\u001b]0;x\u0007","unit":"\u202e","state":"ok","text":{"en":"\u001b[31mred","x\u001b":"y"}}"#;
    let (readings, _) = ask(&Unit::says("colours", line)).await;
    let [reading] = &readings[..] else { panic!("one") };
    let shown = [&reading.name, &reading.value, &reading.unit, &reading.text["en"]];
    assert!(shown.iter().all(|text| text.chars().all(text::is_harmless)), "{reading:?}");
    assert_eq!(reading.text.len(), 1, "the name of a language is one");
}

#[tokio::test]
async fn who_hangs_holds_up_nobody() {
    let (let_go, held) = mpsc::channel::<()>();
    let hanging = Unit::start("hanging", move |mut stream| {
        stream.write_all(format!("{GOOD}\n{{\"name\"").as_bytes()).expect("a reader");
        let _ = held.recv();
    });
    let good = Unit::says("good", GOOD);
    let asked = probes::collect(&[hanging.settings(), good.settings()]).await;
    drop(let_go);
    assert_eq!((asked[0].readings.len(), asked[0].fault), (1, Some(ProbeFault::Slow)));
    assert_eq!((asked[1].readings.len(), asked[1].fault), (1, None));
}

#[tokio::test]
async fn a_socket_that_is_not_ours_alone_is_not_used() {
    let unit = Unit::says("open", GOOD);
    fs::set_permissions(unit.socket(), Permissions::from_mode(0o666)).expect("ours");
    let asked = probes::collect(&[unit.settings()]).await;
    assert_eq!((asked[0].readings.len(), asked[0].fault), (0, Some(ProbeFault::Exposed)));
    fs::set_permissions(unit.socket(), Permissions::from_mode(0o600)).expect("ours");
    assert_eq!(ask(&unit).await.1, None, "it was not connected to before");
    let nobody = ProbeSettings { name: "nobody".into(), socket: Some("/does/not/exist".into()) };
    assert_eq!(probes::collect(&[nobody]).await[0].fault, Some(ProbeFault::Unreachable));
}

#[tokio::test]
async fn this_machine_has_a_health() {
    let health = Collector::new(Vec::new()).collect("N0".into()).await;
    health.check().expect("it fits");
    assert_eq!(health.network.as_deref(), Some("N0"));
    assert!(health.kernel.is_some() && health.uptime_seconds.is_some(), "{health:?}");
    let memory = health.memory.expect("it is known");
    assert!(memory.used_bytes > 0 && memory.used_bytes <= memory.total_bytes);
    assert!(health.cpu.expect("it is known").count > 0);
}

#[tokio::test]
async fn files_that_hang_are_missing_and_named() {
    let collector = Collector::new(Vec::new());
    let _hanging = collector.blocking.clone().try_acquire_owned().expect("the first");
    let missing = collector.collect("N0".into()).await.missing;
    for source in [Source::System, Source::Disks, Source::Fans, Source::Updates] {
        assert!(missing.contains(&source), "{missing:?}");
    }
}

/// Whoever watches all the time keeps nobody from looking once.
#[tokio::test]
async fn who_does_not_wait_reads_what_was_read_before() {
    // It says nothing until it is let go of, however often it is asked.
    let (ask, asked) = mpsc::channel::<UnixStream>();
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("probe.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("ours");
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| ask.send(stream)));
    let probe = ProbeSettings { name: "slow".to_owned(), socket: Some(socket) };
    let settings = crate::config::HealthSettings { probe: vec![probe] };
    let reader = HealthReader::new(&settings);
    let looking = tokio::spawn({
        let reader = reader.clone();
        async move { reader.read_anew("ok").await }
    });
    let waiting = tokio::task::spawn_blocking(move || asked.recv().map(|held| (held, asked)));
    let (held, _asked) = waiting.await.expect("waited").expect("it is asked");
    assert_eq!(reader.try_read("ok").await, None, "nothing was read before");
    drop(held);
    let first = looking.await.expect("read");
    assert_eq!(reader.try_read("ok").await.as_ref(), Some(&first));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3)).await;
    let mut again = Box::pin(reader.read_anew("ok"));
    assert!(futures_util::poll!(&mut again).is_pending());
    assert_eq!(reader.try_read("ok").await.as_ref(), Some(&first), "while it is read again");
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(reader.try_read("ok").await, None, "that is too long ago");
}
