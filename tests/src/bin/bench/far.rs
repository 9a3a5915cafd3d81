//! The scanner at the other end of the world: copies beside plain scp on the same line, and what a cut
//! costs there.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::lab::Plug;
use fieldlink_tests::{Call, Engineer, Lab, Namespace, Relay, RelayOptions, Scanner, ScannerOptions};

use crate::gaps::{self, Wired};
use crate::rows::{Better, Rows};
use crate::sshd::Sshd;
use crate::traffic::{median, whole_command};

/// Each way; twice that is the round trip of 165 ms.
const DELAY: Duration = Duration::from_micros(82_500);
/// Rounds of every copy.
const ROUNDS: usize = 3;
/// MiB of one copy.
const SIZE: usize = 32;
const RELAY: &str = "10.78.0.1";
const SCANNER: &str = "10.78.1.2";
const SSHD: u16 = 2222;
/// Of plain scp's rate.
const GOAL: f64 = 0.9;

/// Engineer, relay and scanner, each on a host. The slow line is between the last two. Fields are
/// dropped in order: the hosts last.
struct Site {
    desk: Namespace,
    router: Namespace,
    device: Namespace,
    _lab: Lab,
}

impl Site {
    fn new() -> Option<Self> {
        let mut lab = Lab::new()?;
        let (router, device, desk) = (lab.host("relay"), lab.host("scanner"), lab.host("engineer"));
        router.add_address("lo", &format!("{RELAY}/32"));
        let ends = [("dev0", "10.78.1.1/24"), ("eth0", &format!("{SCANNER}/24"))];
        lab.slow_line(
            Plug::new(&router, ends[0].0, ends[0].1),
            Plug::new(&device, ends[1].0, ends[1].1),
            DELAY,
            0,
        );
        lab.cable(Plug::new(&router, "desk", "10.78.9.1/24"), Plug::new(&desk, "eth0", "10.78.9.2/24"));
        device.route_by("10.78.1.1");
        desk.route_by("10.78.9.1");
        // Plain scp goes through the relay's host, but not through the relay.
        router.enter(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).expect("root may route");
        Some(Self { desk, router, device, _lab: lab })
    }

    fn relay(&self) -> Relay {
        Relay::start_with(RelayOptions {
            host: Some(self.router.clone()),
            listen: Some("10.78.0.1:0"),
            certificate: Some(((2026, 2050), vec![RELAY, "127.0.0.1"])),
            ..RelayOptions::default()
        })
    }
}

/// Rows of gaps; none, and a line that says why, where there can be no hosts.
pub(crate) fn gap_rows(rows: &mut Rows, _: &Path) {
    let Some(site) = Site::new() else { return };
    let mut relay = site.relay();
    let wired = Wired::new(&relay, [Some(&site.desk), Some(&site.device)]);
    wired.far_rows(rows, &mut relay, 2.0 * DELAY.as_secs_f64() * 1e3);
    gaps::switch_row(rows, DELAY);
}

/// Rows of copies, likewise.
pub(crate) fn copy_rows(rows: &mut Rows, cache: &Path) {
    let Some(site) = &Site::new() else { return };
    let relay = site.relay();
    let options = ScannerOptions { host: Some(site.device.clone()), ..ScannerOptions::default() };
    let scanner = Scanner::start_with(&relay, options);
    let engineer = Engineer::enrolled_on(Some(site.desk.clone()), &relay, "Bench");
    let call = engineer.call(&scanner);
    let Some(sshd) = Sshd::unpack(cache) else { return };
    let _serving = sshd.serve(Some(&site.device), SocketAddr::new(SCANNER.parse().expect("one"), SSHD));
    let copies = Copies::new(&call, site, &sshd);
    copies.set_up_rows(rows);
    for (name, down) in [("down", true), ("up", false)] {
        copies.rows(rows, name, down);
    }
}

/// A file to copy there and back, over Fieldlink and over plain OpenSSH.
struct Copies<'a> {
    call: &'a Call<'a>,
    site: &'a Site,
    sshd: &'a Sshd,
    directory: tempfile::TempDir,
}

impl<'a> Copies<'a> {
    fn new(call: &'a Call<'a>, site: &'a Site, sshd: &'a Sshd) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        random_file(&directory.path().join("from"), SIZE << 20);
        Self { call, site, sshd, directory }
    }

    /// How much of a copy's time is none of the copying's.
    fn set_up_rows(&self, rows: &mut Rows) {
        let ours = || whole_command(&mut self.call.ssh("true"));
        let plain = || {
            let mut ssh = self.plain("ssh");
            whole_command(ssh.args(["-p", &SSHD.to_string(), SCANNER, "true"]))
        };
        let times = (0..ROUNDS).map(|_| (ours() * 1e3, plain() * 1e3));
        let (ours, theirs): (Vec<f64>, Vec<f64>) = times.unzip();
        rows.info("ssh scanner true at 165 ms", median(ours), "ms", Better::Lower);
        rows.info("ssh scanner true at 165 ms, plain", median(theirs), "ms", Better::Lower);
    }

    fn rows(&self, rows: &mut Rows, name: &str, down: bool) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            eprintln!("measuring scp {name} at 165 ms, round {round} of {ROUNDS} …");
            ours.push(self.rate(self.call.tool("scp"), &self.call.alias, down));
            let mut plain = self.plain("scp");
            plain.args(["-P", &SSHD.to_string()]);
            theirs.push(self.rate(plain, SCANNER, down));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        rows.info(&format!("scp at 165 ms {name}"), ours, "MiB/s", Better::Higher);
        rows.info(&format!("scp at 165 ms {name}, plain scp"), theirs, "MiB/s", Better::Higher);
        rows.goal(&format!("scp at 165 ms {name} / plain scp"), ours / theirs, "x", GOAL, Better::Higher);
    }

    fn plain(&self, tool: &str) -> Command {
        let mut command = self.site.desk.command(Path::new(tool));
        command.args(self.sshd.client_options());
        command
    }

    /// MiB/s of a whole copy, the connection included.
    fn rate(&self, mut scp: Command, host: &str, down: bool) -> f64 {
        let [from, to] = ["from", "to"].map(|name| self.directory.path().join(name).display().to_string());
        let far = |path: &str| format!("{host}:{path}");
        let ends = if down { [far(&from), to.clone()] } else { [from, far(&to)] };
        let took = whole_command(scp.arg("-q").args(ends));
        let arrived = std::fs::metadata(&to).expect("it arrived").len();
        assert_eq!(arrived, (SIZE << 20) as u64);
        std::fs::remove_file(&to).expect("our own file");
        SIZE as f64 / took
    }
}
