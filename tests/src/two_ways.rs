//! A scanner with two interfaces, and a control pipe over them: the scanner's side and the engineer's without the
//! programs, each on its own host, with the relay's program between them.
//!
//! ```text
//! "scanner" ── eth0 ═══ left ── "router" ══ slow line ══ "relay" ═══ "engineer"
//!           └─ wlan0 ══ right ─┘
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_transport::{Attached, Dialer, Interfaces, OpenPipe, PipeLimits};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use crate::lab::{Cable, Plug};
use crate::programs::eventually;
use crate::raw::{RawAgent, RawEngineer, dialer, runtime, within};
use crate::{Lab, Namespace, PATIENCE, Relay, RelayOptions};

const RELAY: &str = "10.81.0.1";
/// Between two numbers on the pipe.
const BEAT: Duration = Duration::from_millis(5);

/// The hosts, and a pipe on which the scanner's side counts. Fields are dropped in order: the hosts last.
pub struct TwoWays {
    /// When the next number arrived on the engineer's side.
    pub arrivals: Receiver<Instant>,
    dialer: Dialer,
    stop: CancellationToken,
    sides: Vec<JoinHandle<()>>,
    _relay: Relay,
    /// The scanner's host.
    pub device: Namespace,
    /// The cables of its two interfaces.
    pub cables: [Cable; 2],
    _lab: Lab,
}

impl TwoWays {
    /// The scanner is `delay` away from the relay, each way. `None`, and a line that says why, where there can be no
    /// hosts.
    pub fn start(delay: Duration) -> Option<Self> {
        let mut lab = Lab::new()?;
        let [desk, hub, router, device] =
            ["engineer", "relay", "router", "scanner"].map(|name| lab.host(name));
        let cables = [
            lab.cable(Plug::new(&router, "left", "10.81.1.1/24"), Plug::new(&device, "eth0", "10.81.1.2/24")),
            lab.cable(
                Plug::new(&router, "right", "10.81.2.1/24"),
                Plug::new(&device, "wlan0", "10.81.2.2/24"),
            ),
        ];
        lab.slow_line(
            Plug::new(&hub, "far", "10.81.3.1/24"),
            Plug::new(&router, "wide", "10.81.3.2/24"),
            delay,
            0,
        );
        lab.cable(Plug::new(&hub, "near", "10.81.9.1/24"), Plug::new(&desk, "eth0", "10.81.9.2/24"));
        hub.add_address("lo", &format!("{RELAY}/32"));
        hub.route_by("10.81.3.2");
        desk.route_by("10.81.9.1");
        router.route_by("10.81.3.1");
        // It passes on what comes from its own networks: what the scanner sends from the wrong address goes nowhere.
        let settings = [("ip_forward", "1"), ("conf/all/rp_filter", "1")];
        let set = |(name, value)| std::fs::write(Path::new("/proc/sys/net/ipv4").join(name), value);
        router.enter(|| settings.into_iter().try_for_each(set)).expect("root may route");
        // As NetworkManager gives them: every interface has a way out, and the cable's is preferred.
        device.ip("route add default via 10.81.1.1 dev eth0 metric 100");
        device.ip("route add default via 10.81.2.1 dev wlan0 metric 600");
        let relay = Relay::start_with(RelayOptions {
            host: Some(hub),
            listen: Some("10.81.0.1:0"),
            certificate: Some(((2026, 2050), vec![RELAY])),
            ..RelayOptions::default()
        });
        Some(Self::talk((lab, cables), relay, desk, device))
    }

    fn talk((lab, cables): (Lab, [Cable; 2]), relay: Relay, desk: Namespace, device: Namespace) -> Self {
        let stop = CancellationToken::new();
        let support_id = SupportId::random();
        let (url, authority) = (relay.url(), relay.authority().to_owned());
        let scanners = dialer(&url, &authority);
        let credential = relay.add_engineer("Ada", "Scans").to_string();
        let (registered, known) = channel();
        let (arrived, arrivals) = channel();
        let agent = agent_side((scanners.clone(), support_id), registered, stop.clone());
        let host = device.clone();
        let agent = std::thread::spawn(move || host.enter(|| runtime().block_on(agent)));
        known.recv_timeout(PATIENCE).expect("the scanner registers");
        let engineer = engineer_side((url, authority, credential), support_id, arrived, stop.clone());
        let engineer = std::thread::spawn(move || desk.enter(|| runtime().block_on(engineer)));
        let sides = vec![agent, engineer];
        let mut ways =
            Self { arrivals, dialer: scanners, stop, sides, _relay: relay, device, cables, _lab: lab };
        ways.next_number();
        ways
    }

    /// When the next number has arrived.
    pub fn next_number(&mut self) -> Instant {
        self.arrivals.recv_timeout(PATIENCE).expect("it goes on")
    }

    /// Has everybody on the scanner's host know of its interfaces.
    pub fn set_interfaces(&self, primary: Option<&str>, second: Option<&str>) {
        let interfaces = Interfaces { primary: primary.map(Into::into), second: second.map(Into::into) };
        self.dialer.set_interfaces(interfaces);
    }

    /// The scanner's ends of established TCP connections over its first interface.
    pub fn ends_over_first(&self) -> Vec<String> {
        self.ends_over("10.81.1.2")
    }

    /// The same, over its second one.
    pub fn ends_over_second(&self) -> Vec<String> {
        self.ends_over("10.81.2.2")
    }

    fn ends_over(&self, address: &str) -> Vec<String> {
        let mut ss = self.device.command("ss".as_ref());
        let output = ss.args(["-Htn", "state", "established", "src", address]).output().expect("ss runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
    }

    /// The scanner's end of the connection over its first interface that says most while numbers come for `time`.
    pub fn talking_over_first(&mut self, time: Duration) -> String {
        let before = self.sent_over_first();
        self.flow(time);
        let sent = self.sent_over_first().into_iter();
        let more = sent.map(|(end, sent)| (sent - before.get(&end).copied().unwrap_or_default(), end));
        more.filter(|(_, end)| !end.is_empty()).max().expect("a connection").1
    }

    /// Bytes that were sent, by end.
    fn sent_over_first(&self) -> BTreeMap<String, u64> {
        let mut ss = self.device.command("ss".as_ref());
        let output =
            ss.args(["-Htnio", "state", "established", "src", "10.81.1.2"]).output().expect("ss runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut sent = BTreeMap::new();
        let mut end = String::new();
        for line in text.lines() {
            // The facts of a connection stand indented below it.
            match line.split_whitespace().find_map(|word| word.strip_prefix("bytes_sent:")) {
                Some(bytes) => drop(sent.insert(std::mem::take(&mut end), bytes.parse().expect("a number"))),
                None => end = line.split_whitespace().nth(2).unwrap_or_default().to_owned(),
            }
        }
        sent
    }

    /// Waits for a connection in reserve, and returns its end.
    pub fn reserve(&self) -> String {
        self.set_interfaces(Some("eth0"), Some("wlan0"));
        eventually("a connection is in reserve", PATIENCE, || !self.ends_over_second().is_empty());
        self.ends_over_second().remove(0)
    }

    /// The cable is pulled, and NetworkManager says so.
    pub fn pull_cable(&self) {
        self.device.set_down("eth0");
        self.set_interfaces(Some("wlan0"), None);
        self.dialer.network_changed();
    }

    /// The cable is plugged in again, and NetworkManager says so.
    pub fn plug_cable(&self) {
        self.device.set_up("eth0");
        self.device.ip("route replace default via 10.81.1.1 dev eth0 metric 100");
        self.set_interfaces(Some("eth0"), Some("wlan0"));
        self.dialer.network_changed();
    }

    /// Lets the numbers come for `time`.
    pub fn flow(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.next_number() < until {}
    }
}

impl Drop for TwoWays {
    fn drop(&mut self) {
        self.stop.cancel();
        for side in self.sides.drain(..) {
            let _ = side.join();
        }
    }
}

fn control(role: Role, pipe: PipeId) -> Side {
    Side { role, pipe, kind: PipeKind::Control, key: Secret::new([7; 32]) }
}

/// Admits whoever asks, without a PIN, and counts.
async fn agent_side(
    (dialer, support_id): (Dialer, SupportId),
    registered: Sender<()>,
    stop: CancellationToken,
) {
    let key = RegistrationKey::generate();
    let (mut agent, answer) = crate::raw::register_at(&dialer, support_id, key, None).await;
    assert!(matches!(answer, ToAgent::Registered { .. }), "{answer:?}");
    registered.send(()).expect("it is waited for");
    let ToAgent::Pair { session, pipe, pipe_ticket, .. } = agent.next().await else { panic!("no pairing") };
    let mut attached = Attached::attach(&agent.dialer, &pipe_ticket).await.expect("attached");
    within(attached.receive()).await.expect("the engineer is there");
    agent.relay.send(&FromAgent::Admitted { session }).await.expect("taken");
    let established = attached.establish(control(Role::Agent, pipe), PipeLimits::default()).await;
    let (mut reader, mut writer, driver): OpenPipe = established.expect("proven");
    let driving = driver.with_reserve(at_once()).run(stop.clone(), String::new);
    let counting = async {
        let mut beat = tokio::time::interval(BEAT);
        for number in 0u64.. {
            beat.tick().await;
            if writer.write_all(&number.to_be_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        end = driving => assert!(stop.is_cancelled(), "the scanner's side: {end:?}"),
        () = counting => {}
        () = async { while reader.next().await.is_some() {} } => {}
        () = registration(&mut agent) => {}
    }
}

/// Keeps it for as long as it lives: the session outlives it for a while.
async fn registration(agent: &mut RawAgent) {
    while agent.relay.next().await.is_ok() {}
    std::future::pending().await
}

/// Tells when each number arrives; they are all there, in order.
async fn engineer_side(
    (url, authority, credential): (String, PathBuf, String),
    support_id: SupportId,
    arrived: Sender<Instant>,
    stop: CancellationToken,
) {
    let mut engineer = RawEngineer::connect_to(dialer(&url, &authority), &credential).await.expect("let in");
    let requested = engineer.request(support_id).await.expect("it is there");
    let mut attached = engineer.attach(&requested.pipe_ticket).await.expect("attached");
    attached.send(bytes::Bytes::from_static(b"here")).await.expect("taken");
    let established =
        attached.establish(control(Role::Engineer, requested.pipe), PipeLimits::default()).await;
    let (mut reader, _writer, driver): OpenPipe = established.expect("proven");
    let reading = async {
        let (mut read, mut expected) = (Vec::new(), 0u64);
        while let Some(bytes) = reader.next().await {
            read.extend_from_slice(&bytes);
            let whole = read.len() / 8 * 8;
            for number in read.drain(..whole).as_slice().chunks_exact(8) {
                assert_eq!(number, expected.to_be_bytes(), "a number is lost or came twice");
                expected += 1;
                let _ = arrived.send(Instant::now());
            }
        }
    };
    let relay = async {
        while engineer.relay.next().await.is_ok() {}
        std::future::pending::<()>().await
    };
    tokio::select! {
        end = driver.run(stop.clone(), String::new) => assert!(stop.is_cancelled(), "the engineer's side: {end:?}"),
        () = reading => {}
        () = relay => {}
    }
}

/// The session was admitted already.
fn at_once() -> CancellationToken {
    let wanted = CancellationToken::new();
    wanted.cancel();
    wanted
}
