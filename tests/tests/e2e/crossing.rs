//! A session between three hosts, while everything happens to the network in between. A shell must
//! still be the same shell afterwards, every key must have arrived once, and a copy must be whole.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::lab::{Cable, Lab, Namespace, Plug};
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, RelayOptions, Scanner, ScannerOptions};

const MIB: usize = 1 << 20;

/// The relay's address does not depend on the cable that leads to it.
const RELAY: &str = "10.77.0.1";

/// The scanner's network: two cables to the relay's host, of which the second is not plugged in.
struct Network {
    device: Namespace,
    first: Option<Cable>,
}

impl Network {
    /// The cable that is plugged in at the beginning.
    fn cable(&self) -> &Cable {
        self.first.as_ref().expect("this test has a cable")
    }

    /// Pulls the first cable and plugs in the second, which leads to another network.
    fn move_cable(&self) {
        self.device.set_down("eth0");
        self.device.set_up("eth1");
        self.device.route_by("10.77.2.1");
    }
}

/// Fields are dropped in order: the hosts last.
struct Site {
    scanner: Scanner,
    engineer: Engineer,
    relay: Relay,
    network: Network,
    _lab: Lab,
}

impl Site {
    fn with_cable() -> Option<Self> {
        Self::new(|lab, [router, device]| Some(lab.cable(router, device)))
    }

    fn with_slow_line(delay: Duration, loss: u32) -> Option<Self> {
        Self::new(|lab, [router, device]| {
            lab.slow_line(router, device, delay, loss);
            None
        })
    }

    fn new(join: impl FnOnce(&mut Lab, [Plug<'_>; 2]) -> Option<Cable>) -> Option<Self> {
        let mut lab = Lab::new()?;
        let (router, device, desk) = (lab.host("relay"), lab.host("scanner"), lab.host("engineer"));
        router.add_address("lo", &format!("{RELAY}/32"));
        let ends = [Plug::new(&router, "dev0", "10.77.1.1/24"), Plug::new(&device, "eth0", "10.77.1.2/24")];
        let first = join(&mut lab, ends);
        lab.cable(Plug::new(&router, "dev1", "10.77.2.1/24"), Plug::new(&device, "eth1", "10.77.2.2/24"));
        device.set_down("eth1");
        device.route_by("10.77.1.1");
        lab.cable(Plug::new(&router, "desk", "10.77.9.1/24"), Plug::new(&desk, "eth0", "10.77.9.2/24"));
        desk.route_by("10.77.9.1");
        let relay = Relay::start_with(RelayOptions {
            host: Some(router),
            listen: Some("10.77.0.1:0"),
            certificate: Some(((2026, 2050), vec![RELAY])),
            ..RelayOptions::default()
        });
        let options = ScannerOptions { host: Some(device.clone()), ..ScannerOptions::default() };
        let scanner = Scanner::start_with(&relay, options);
        let engineer = Engineer::enrolled_on(Some(desk), &relay, "Ada");
        Some(Self { scanner, engineer, relay, network: Network { device, first }, _lab: lab })
    }

    /// Has a session work while `fault` happens, and looks whether anything was lost or doubled.
    fn survives(&mut self, copied: &Copied, fault: impl FnOnce(&mut Relay, &Network)) {
        let call = self.engineer.call(&self.scanner);
        let shell = Shell::start(&call);
        let count = Count::start(&call, &self.scanner);
        let copy = Copy::start(&call, &self.engineer, &self.scanner, copied);
        let is_over = AtomicBool::new(false);
        let shell = scope(|scope| {
            let typing = scope.spawn(|| shell.type_until(&is_over));
            let over = Over(&is_over);
            fault(&mut self.relay, &self.network);
            drop(over);
            typing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        shell.stays_the_same(copied.patience);
        count.has_every_number(copied.patience);
        copy.arrives(copied.patience);
        call.end();
    }
}

/// Ends the typing, also when the fault itself goes wrong.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An interactive shell that stays open, with its process and a variable to know it by.
struct Shell {
    terminal: Terminal,
    pid: String,
    typed: u32,
}

impl Shell {
    fn start(call: &Call<'_>) -> Self {
        let mut terminal = Terminal::start(call, &["-tt"]);
        // The quotes keep the terminal's echo of this line from being taken for its output.
        terminal.type_keys("c=0; echo shell-$$-he''re\r");
        let before = terminal.wait_for_within("-here", PATIENCE);
        let pid = before.rsplit("shell-").next().expect("a part").to_owned();
        assert!(pid.parse::<u32>().is_ok(), "no process ID in {before:?}");
        Self { terminal, pid, typed: 0 }
    }

    /// Types commands that each count one up.
    fn type_until(mut self, is_over: &AtomicBool) -> Self {
        while !is_over.load(Ordering::Relaxed) {
            self.terminal.type_keys("c=$((c+1))\r");
            self.typed += 1;
            // Not so many that the terminal, which is not read meanwhile, could fill up and block.
            sleep(Duration::from_millis(250));
        }
        self
    }

    fn stays_the_same(mut self, patience: Duration) {
        let same = format!("still-{}-{}-here", self.pid, self.typed);
        self.terminal.type_keys("echo still-$$-$c-he''re\r");
        self.terminal.wait_for_within(&same, patience);
        self.terminal.type_keys("exit 7\r");
        assert_eq!(self.terminal.child.wait().expect("it ends").code(), Some(7));
    }
}

/// A command on the scanner that prints one number after the other.
struct Count {
    ssh: Running,
    stop: PathBuf,
}

impl Count {
    fn start(call: &Call<'_>, scanner: &Scanner) -> Self {
        let stop = scanner.directory().join("stop");
        let _ = std::fs::remove_file(&stop);
        let body = "echo n=$i; i=$((i+1)); sleep 0.05";
        let mut ssh =
            call.start(&format!("i=0; until [ -e {} ]; do {body}; done; echo end=$i", stop.display()));
        ssh.wait_for("n=0");
        Self { ssh, stop }
    }

    fn has_every_number(mut self, patience: Duration) {
        std::fs::write(&self.stop, "").expect("writable");
        let end = self.ssh.wait_for_within("end=", patience).expect("the count ends");
        let total: u32 = end.trim_start_matches("end=").parse().expect("a number");
        let printed = self.ssh.transcript();
        let numbers: Vec<u32> =
            printed.lines().filter_map(|line| line.trim().strip_prefix("n=")?.parse().ok()).collect();
        assert!(numbers == (0..total).collect::<Vec<_>>(), "of {total}: {numbers:?}");
    }
}

/// What is copied during a fault, and how long everything may take after it.
struct Copied {
    size: usize,
    /// Mbit/s, so that there is something left to copy when the fault comes.
    at_most: Option<u32>,
    patience: Duration,
}

struct Copy {
    scp: Running,
    near: PathBuf,
    far: PathBuf,
}

impl Copy {
    /// Starts to copy, and waits until some of it has arrived.
    fn start(call: &Call<'_>, engineer: &Engineer, scanner: &Scanner, copied: &Copied) -> Self {
        let (near, far) = (engineer.home().join("data"), scanner.directory().join("data"));
        random_file(&near, copied.size);
        let mut command = call.tool("scp");
        if let Some(rate) = copied.at_most {
            command.args(["-l", &(rate * 1000).to_string()]);
        }
        command.arg(&near).arg(format!("{}:{}", call.alias, far.display()));
        let mut scp = Running::start("scp", &mut command);
        let enough = copied.size as u64 / 64;
        eventually("some of the copy has arrived", copied.patience, || {
            std::fs::metadata(&far).is_ok_and(|file| file.len() > enough)
        });
        assert!(!scp.has_ended(), "the copy was faster than the fault");
        Self { scp, near, far }
    }

    fn arrives(mut self, patience: Duration) {
        let status = self.scp.wait_for_end_within(patience);
        assert!(status.success(), "scp: {status}\n{}", self.scp.transcript());
        let checksum = |path| {
            let output = std::process::Command::new("sha256sum").arg(path).output().expect("it runs");
            String::from_utf8_lossy(&output.stdout)[..64].to_owned()
        };
        assert_eq!(checksum(&self.near), checksum(&self.far));
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_cable_moves_to_another_interface_with_another_address() {
    let Some(mut site) = Site::with_cable() else { return };
    let copied = Copied { size: 64 * MIB, at_most: Some(100), patience: seconds(60) };
    site.survives(&copied, |_, network| {
        network.move_cable();
        sleep(seconds(3));
    });
}

#[test]
fn a_fifth_of_all_packets_is_lost_for_half_a_minute() {
    let Some(mut site) = Site::with_cable() else { return };
    let copied = Copied { size: 64 * MIB, at_most: Some(100), patience: seconds(120) };
    site.survives(&copied, |_, network| {
        network.cable().lose(20);
        sleep(seconds(30));
        network.cable().heal();
    });
}

#[test]
fn the_other_end_of_the_world_over_a_bad_line() {
    let Some(mut site) = Site::with_slow_line(Duration::from_micros(82_500), 5) else { return };
    let copied = Copied { size: 2 * MIB, at_most: None, patience: seconds(240) };
    site.survives(&copied, |_, _| sleep(seconds(10)));
}

#[test]
fn two_megabits_a_second() {
    let Some(mut site) = Site::with_cable() else { return };
    site.network.cable().shape("2mbit");
    let copied = Copied { size: 8 * MIB, at_most: None, patience: seconds(120) };
    site.survives(&copied, |_, _| sleep(seconds(10)));
}

#[test]
fn a_blackout_of_a_minute() {
    let Some(mut site) = Site::with_cable() else { return };
    let copied = Copied { size: 64 * MIB, at_most: Some(100), patience: seconds(90) };
    site.survives(&copied, |_, network| {
        network.cable().black_out();
        sleep(seconds(60));
        network.cable().heal();
    });
}

#[test]
fn every_connection_is_reset_at_once() {
    let Some(mut site) = Site::with_cable() else { return };
    let copied = Copied { size: 64 * MIB, at_most: Some(100), patience: seconds(60) };
    site.survives(&copied, |_, network| {
        for _ in 0..3 {
            network.cable().reset_connections();
            sleep(seconds(1));
            network.cable().heal();
            sleep(seconds(1));
        }
    });
}

#[test]
fn the_relay_is_killed_ten_times() {
    let Some(mut site) = Site::with_cable() else { return };
    let copied = Copied { size: 64 * MIB, at_most: Some(25), patience: seconds(90) };
    site.survives(&copied, |relay, _| {
        for _ in 0..10 {
            let [moment, absence]: [u8; 2] = fieldlink_protocol::secret::random_bytes();
            sleep(Duration::from_millis(200 + 10 * u64::from(moment)));
            relay.crash();
            sleep(Duration::from_millis(2 * u64::from(absence)));
            relay.launch();
        }
    });
}
