//! A relay whose name has addresses of both families, on networks that break one of them, or that pass small
//! hellos only, or whose name server answers by halves. Whole programs, each on a host of its own.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use fieldlink_tests::lab::{Cable, Lab, Namespace, Plug};
use fieldlink_tests::programs::{path_of, run_with_input, without_proxies};
use fieldlink_tests::{Engineer, Relay, RelayOptions, Scanner, ScannerOptions};

const NAME: &str = "relay.test";
const V4: &str = "10.79.0.1";
const V6: &str = "fd79::1";

/// Fields are dropped in order: the hosts last.
struct Site {
    relay: Relay,
    cable: Cable,
    device: Namespace,
    _lab: Lab,
}

impl Site {
    fn new() -> Option<Self> {
        let mut lab = Lab::new()?;
        let (router, device) = (lab.host("relay"), lab.host("device"));
        let cable = lab.cable(
            Plug::new(&router, "dev0", &format!("{V4}/24")),
            Plug::new(&device, "eth0", "10.79.0.2/24"),
        );
        for (host, interface, address) in [(&router, "dev0", V6), (&device, "eth0", "fd79::2")] {
            // Without a wait for another host that has the address, too.
            host.ip(&format!("address add {address}/64 dev {interface} nodad"));
        }
        device.name_hosts(&format!("127.0.0.1 localhost\n{V6} {NAME}\n{V4} {NAME}\n"));
        let relay = Relay::start_with(RelayOptions {
            host: Some(router),
            listen: Some("[::]:0"),
            certificate: Some(((2026, 2050), vec![NAME])),
            ..RelayOptions::default()
        });
        Some(Self { relay, cable, device, _lab: lab })
    }

    fn port(&self) -> u16 {
        self.relay.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    fn url(&self) -> String {
        format!("wss://{NAME}:{}", self.port())
    }

    fn scanner(&self) -> (Scanner, Duration) {
        let begun = Instant::now();
        let options = ScannerOptions { host: Some(self.device.clone()), ..ScannerOptions::default() };
        let scanner = Scanner::start_at(&self.url(), self.relay.authority(), options);
        (scanner, begun.elapsed())
    }

    /// What `check-network` prints, as JSON.
    fn check_network(&self) -> serde_json::Value {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = directory.path().join("agent.toml");
        let authority = self.relay.authority().display();
        std::fs::write(&config, format!("relay = \"{}\"\nca_file = \"{authority}\"\n", self.url()))
            .expect("writable");
        let mut command = self.device.command(&path_of("fieldlink-agent"));
        let bus = format!("unix:path={}", directory.path().join("none").display());
        without_proxies(&mut command).env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        command.args(["check-network", "--json", "--config"]).arg(&config);
        let output = run_with_input(&mut command, b"");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn has_a_whole_call(&self, within: Duration) {
        let (scanner, took) = self.scanner();
        assert!(took < within, "the scanner took {took:?}");
        let engineer = Engineer::on(self.device.clone());
        engineer.log_in(&self.url(), self.relay.authority(), &self.relay.add_engineer("Ada", "Scans"));
        let call = engineer.call(&scanner);
        assert_eq!(call.output_of("echo in").trim(), "in");
        call.end();
    }
}

/// What a step found, or how it failed.
fn detail<'a>(report: &'a serde_json::Value, step: &str) -> &'a str {
    let steps = report["steps"].as_array().expect("steps");
    let found = steps.iter().find(|found| found["step"] == step);
    found.and_then(|found| found["detail"].as_str()).unwrap_or_else(|| panic!("no step {step}: {report:#}"))
}

/// An agent that starts, under the load of other tests; ten seconds is what a dialling takes that waits.
const SOON: Duration = Duration::from_secs(8);

#[test]
fn a_path_that_drops_large_ipv6_packets_is_left_for_ipv4_at_once() {
    let Some(site) = Site::new() else { return };
    let before = site.check_network();
    assert!(detail(&before, "tcp").starts_with(&format!("[{V6}]")), "{before:#}");
    site.cable.lose_large_ipv6();
    let report = site.check_network();
    assert_eq!(report["code"], "N0", "{report:#}");
    let tcp = detail(&report, "tcp");
    assert!(tcp.starts_with(V4), "{report:#}");
    assert!(tcp.contains(&format!("[{V6}]: takes the connection, then says nothing")), "{report:#}");
    site.has_a_whole_call(SOON);
}

#[test]
fn a_box_that_loses_large_hellos_gets_small_ones() {
    let Some(site) = Site::new() else { return };
    site.cable.lose_large_hellos(site.port());
    let report = site.check_network();
    assert_eq!(report["code"], "N0", "{report:#}");
    assert_eq!(detail(&report, "tls"), "TLS 1.3, small hello", "{report:#}");
    site.has_a_whole_call(SOON);
}

#[test]
fn every_address_is_named_with_its_problem() {
    let Some(mut site) = Site::new() else { return };
    let port = site.port();
    site.relay.crash();
    let gone = site.check_network();
    assert_eq!(gone["code"], "N6", "{gone:#}");
    let engineer = gone["engineer"].as_str().expect("a line");
    for address in [format!("[{V6}]: Connection refused"), format!("{V4}: Connection refused")] {
        assert!(engineer.contains(&address), "{address} at port {port}: {engineer}");
    }
}

#[test]
fn a_name_server_that_answers_for_one_family_only_is_no_obstacle() {
    let Some(site) = Site::new() else { return };
    site.device.name_hosts("127.0.0.1 localhost\n");
    let socket = site.device.enter(|| UdpSocket::bind("127.0.0.1:53")).expect("a free port");
    let stopping = socket.try_clone().expect("a descriptor");
    stopping.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let serving = std::thread::spawn(move || {
        while matches!(stopped.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
            answer_for_ipv4(&socket);
        }
    });
    let begun = Instant::now();
    let report = site.check_network();
    let took = begun.elapsed();
    drop(stop);
    serving.join().expect("no panic");
    assert_eq!(report["code"], "N0", "{report:#}");
    assert_eq!(detail(&report, "resolve"), V4, "{report:#}");
    // The resolver would ask for the other family three times five seconds.
    assert!(took < SOON, "{took:?}");
}

/// Answers one question about IPv4, and no other.
fn answer_for_ipv4(socket: &UdpSocket) {
    let mut question = [0; 512];
    let Ok((length, asker)) = socket.recv_from(&mut question) else { return };
    // Behind the header of twelve bytes: the name, which ends with a zero, then the kind and the class.
    let Some(end) = question[12..length].iter().position(|&byte| byte == 0).map(|at| 12 + at + 5) else {
        return;
    };
    if question[end - 4..end - 2] != [0, 1] {
        return;
    }
    let header = [&question[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]].concat();
    let address = V4.parse::<std::net::Ipv4Addr>().expect("an address").octets();
    let record = [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4][..], &address].concat();
    let _ = socket.send_to(&[&header, &question[12..end], &record].concat(), asker);
}
