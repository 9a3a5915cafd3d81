//! A device with a real NetworkManager on a bus of its own, behind a router that plays DHCP server,
//! internet and captive portal, and has a real relay. All of it in two network namespaces.
//!
//! ```text
//! namespace "device"                        namespace "router"
//! NetworkManager, agent ── eth0 ═══ peer0 ── dnsmasq, Internet, relay (10.77.0.1)
//! ```

mod battery;
mod bus;
mod internet;
mod listener;
mod wifi;

pub use battery::MockBattery;
pub use bus::Bus;
pub use internet::{Internet, Mode};
pub use listener::Listener;
pub use wifi::{CrashedWifi, MockWifi};

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::certificates;
use crate::container::Platform;
use crate::lab::{self, Namespace};
use crate::programs::{Running, eventually, path_of, run_with_input, without_proxies};

/// The router's address on the device's cable.
const ROUTER: &str = "10.77.0.1";
/// The router's address on the device's second cable, and the device's.
const SECOND_ROUTER: &str = "10.77.1.1";
const SECOND: &str = "10.77.1.2";
/// Where NetworkManager asks whether it sees the internet.
const INTERNET_PORT: u16 = 8088;
const RELAY_PORT: u16 = 8443;

/// Labs share the machine; one at a time is enough for it.
static TURN: Mutex<()> = Mutex::new(());

/// The whole laboratory. Taken down when it is dropped, from the inside out.
pub struct Lab {
    network_manager: Option<Running>,
    relay: Option<Running>,
    dnsmasq: Option<Running>,
    internet: Internet,
    bus: Bus,
    device: Namespace,
    router: Namespace,
    _hosts: lab::Lab,
    directory: TempDir,
    /// The root file system whose NetworkManager it is, if not this machine's.
    system: Option<PathBuf>,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// Plugged in, connected, with a relay; `None`, and a line that says why, where that cannot be had.
    pub fn start(test: &str) -> Option<Self> {
        for program in ["NetworkManager", "nmcli", "dnsmasq", "dbus-daemon", "nft", "tc", "ip"] {
            if !is_installed(program) {
                skip(test, &format!("{program} is not installed (tests/setup installs it)"));
                return None;
            }
        }
        let system = match Platform::named().map(Platform::root).transpose() {
            Ok(system) => system,
            Err(missing) => {
                skip(test, &missing);
                return None;
            }
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Where other systems have a directory, too.
        let directory = tempfile::tempdir_in("/tmp").expect("a temporary directory");
        let mut hosts = lab::Lab::new()?;
        let (device, router) = (hosts.host("device"), hosts.host("router"));
        cable(&device, &router);
        let internet = Internet::open(&router, (ROUTER, INTERNET_PORT));
        let dnsmasq = serve_addresses(&router, directory.path());
        let bus = Bus::start(directory.path());
        let mut lab = Self {
            network_manager: None,
            relay: None,
            dnsmasq: Some(dnsmasq),
            internet,
            bus,
            device,
            router,
            _hosts: hosts,
            directory,
            system,
            _turn: turn,
        };
        lab.start_relay();
        let listener = lab.listen();
        lab.start_network_manager();
        listener.wait_for_name();
        lab.check_version();
        lab.nmcli(&[
            "connection",
            "add",
            "type",
            "ethernet",
            "ifname",
            "eth0",
            "con-name",
            "wired",
            "ipv6.method",
            "disabled",
        ]);
        listener.wait_for("Connectivity", 4);
        Some(lab)
    }

    /// Plugs in a second cable, to the same router; with a way out of its own, or without as a lidar's.
    pub fn add_second_cable(&self, has_gateway: bool) {
        self.router.ip(&format!("link add peer1 type veth peer name eth1 netns {}", self.device.name()));
        self.router.add_address("peer1", &format!("{SECOND_ROUTER}/24"));
        self.router.set_up("peer1");
        let arguments = [
            "connection add type ethernet ifname eth1 con-name second ipv6.method disabled ipv4.method manual",
            &format!("ipv4.addresses {SECOND}/24 ipv4.route-metric 900"),
            &if has_gateway {
                format!("ipv4.gateway {SECOND_ROUTER}")
            } else {
                "ipv4.never-default yes".into()
            },
        ];
        self.nmcli(&arguments.join(" ").split(' ').collect::<Vec<_>>());
        let is_up =
            || self.nmcli(&["--terse", "--fields", "DEVICE,STATE", "device"]).contains("eth1:connected");
        eventually("the second cable is connected", PATIENCE, is_up);
    }

    /// Has NetworkManager bring a tunnel up, and take it down again.
    pub fn in_tunnel<T>(&self, work: impl FnOnce() -> T) -> T {
        let added = "connection add type tun ifname tun0 con-name tunnel mode tun ipv4.method manual \
                     ipv4.addresses 10.77.2.1/24 ipv6.method disabled";
        self.nmcli(&added.split_whitespace().collect::<Vec<_>>());
        let is_up =
            || self.nmcli(&["--terse", "--fields", "DEVICE,STATE", "device"]).contains("tun0:connected");
        eventually("the tunnel is up", PATIENCE, is_up);
        let done = work();
        self.nmcli(&["connection", "delete", "tunnel"]);
        done
    }

    /// Has NetworkManager take the first interface down.
    pub fn disconnect(&self) {
        self.nmcli(&["device", "disconnect", "eth0"]);
    }

    /// Established TCP connections of the device over the second cable.
    pub fn connections_over_second(&self) -> usize {
        let mut ss = self.device.command("ss".as_ref());
        let output = ss.args(["-Htn", "state", "established", "src", SECOND]).output().expect("ss runs");
        String::from_utf8_lossy(&output.stdout).lines().count()
    }

    /// Runs `work` on the router, with the relay's address, its authority and an engineer's credential.
    pub fn at_router<T: Send>(&self, work: impl FnOnce(&str, &Path, &str) -> T + Send) -> T {
        let config = self.directory.path().join("relay.toml");
        let mut command = std::process::Command::new(path_of("fieldlink-relay"));
        command.args(["engineer", "add", "Ada", "--company", "Scans", "--config"]).arg(config);
        let output = run_with_input(&mut command, b"");
        let credential = String::from_utf8(output.stdout).expect("text").trim().to_owned();
        let (url, authority) = (format!("wss://{ROUTER}:{RELAY_PORT}"), self.directory.path().join("ca.pem"));
        self.router.enter(|| work(&url, &authority, &credential))
    }

    /// Hears NetworkManager's signals over a bus connection of its own.
    pub fn listen(&self) -> Listener {
        Listener::start(&self.bus)
    }

    /// The internet behind the router.
    pub fn internet(&self) -> &Internet {
        &self.internet
    }

    /// A configuration for the agent that trusts the lab's relay, or another authority.
    pub fn agent_config(&self, authority: Option<&Path>) -> PathBuf {
        let authority = authority.map_or_else(|| self.directory.path().join("ca.pem"), Path::to_owned);
        let path = self.directory.path().join("agent.toml");
        let text = format!(
            "relay = \"wss://{ROUTER}:{RELAY_PORT}\"\nca_file = \"{}\"\nconsent = \"pin\"\n",
            authority.display()
        );
        std::fs::write(&path, text).expect("writable");
        path
    }

    /// The agent's program on the device.
    pub fn agent(&self, arguments: &[&str], config: &Path) -> Command {
        let mut command = self.device.command(&path_of("fieldlink-agent"));
        without_proxies(self.bus.address_for(&mut command)).args(arguments).arg("--config").arg(config);
        command
    }

    /// Runs `check-network` on the device: exit code and JSON.
    pub fn check_network(&self, authority: Option<&Path>) -> (i32, serde_json::Value) {
        let config = self.agent_config(authority);
        let output = run_with_input(&mut self.agent(&["check-network", "--json"], &config), b"");
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().expect("it exited"), report)
    }

    /// Starts NetworkManager (again).
    pub fn start_network_manager(&mut self) {
        let config = self.directory.path().join("NetworkManager.conf");
        std::fs::write(&config, network_manager_config()).expect("writable");
        let mut command = self.device.command("sh".as_ref());
        self.bus.address_for(&mut command).args(["-c", START_NETWORK_MANAGER]).arg(&config);
        // What it remembers over a restart, as a real one would.
        let remembered = self.directory.path().join("remembered");
        command.arg(&remembered).arg(self.system.as_deref().unwrap_or(Path::new("")));
        self.network_manager = Some(Running::start("NetworkManager", &mut command));
    }

    /// Kills NetworkManager, as a crash would.
    pub fn crash_network_manager(&mut self) {
        self.network_manager = None;
    }

    /// Starts the relay (again).
    pub fn start_relay(&mut self) {
        let directory = self.directory.path();
        let config = directory.join("relay.toml");
        if !config.exists() {
            let made = certificates::create_valid(directory, (2026, 2050), &[ROUTER]);
            let text = format!(
                "listen = \"{ROUTER}:{RELAY_PORT}\"\ncertificate = \"{}\"\nprivate_key = \"{}\"\n\
                 state_directory = \"{}/state\"\n[limits]\nmeasurements_per_minute = 1000\n",
                made.chain.display(),
                made.key.display(),
                directory.display()
            );
            std::fs::write(&config, text).expect("writable");
        }
        let mut command = self.router.command(&path_of("fieldlink-relay"));
        command.args(["serve", "--print-address", "--config"]).arg(&config);
        let mut relay = Running::start("the relay", &mut command);
        relay.wait_for("listening on ");
        self.relay = Some(relay);
    }

    /// Kills the relay.
    pub fn crash_relay(&mut self) {
        self.relay = None;
    }

    /// Stops the DHCP server: the device gets no more addresses.
    pub fn stop_serving_addresses(&mut self) {
        self.dnsmasq = None;
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.router.set_down("peer0");
    }

    /// Plugs the cable in again.
    pub fn plug(&self) {
        self.router.set_up("peer0");
    }

    /// The router drops what goes to the relay, without a word.
    pub fn drop_relay(&self) {
        self.filter(&format!("tcp dport {RELAY_PORT} drop"));
    }

    /// The router drops what goes to the relay and refuses everything else.
    pub fn leads_nowhere(&self) {
        self.filter(&format!("tcp dport {RELAY_PORT} drop"));
        self.filter(&format!("tcp dport {INTERNET_PORT} reject with tcp reset"));
    }

    fn filter(&self, rule: &str) {
        let rules = format!(
            "add table inet lab; add chain inet lab in {{ type filter hook input priority 0; }}; \
             add rule inet lab in {rule}"
        );
        run(&self.router, "nft", &[&rules]);
    }

    /// The router lets everything pass again.
    pub fn let_pass(&self) {
        run(&self.router, "nft", &["flush ruleset"]);
    }

    /// The cable carries no more than `rate` towards the device.
    pub fn throttle(&self, rate: &str) {
        let arguments = ["qdisc", "add", "dev", "peer0", "root", "tbf", "rate", rate];
        run(&self.router, "tc", &[&arguments[..], &["burst", "16kb", "latency", "400ms"]].concat());
    }

    /// Has NetworkManager look for the internet now rather than in a minute.
    pub fn check_connectivity(&self) {
        self.nmcli(&["networking", "connectivity", "check"]);
    }

    /// That it is the other system's NetworkManager, if one was named.
    fn check_version(&self) {
        let Some(system) = &self.system else { return };
        let asked = Command::new("chroot").arg(system).args(["NetworkManager", "--version"]).output();
        let wanted = String::from_utf8(asked.expect("chroot is there").stdout).expect("text");
        let running = self.nmcli(&["--terse", "--fields", "VERSION", "general"]);
        assert_eq!(running.trim(), wanted.trim(), "NetworkManager of {}", system.display());
    }

    fn nmcli(&self, arguments: &[&str]) -> String {
        let mut command = self.device.command("nmcli".as_ref());
        let output = self.bus.address_for(&mut command).args(arguments).output().expect("nmcli runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "nmcli {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// NetworkManager sees its own directories only: nothing of this machine is read or changed. With a third argument
/// it is that root file system's, in mounts of its own.
/// Arguments: its configuration, a directory for what it remembers, a root file system or nothing.
const START_NETWORK_MANAGER: &str = r#"set -e
configuration=$0 remembered=$1 system=$2 root=
mount -o remount,ro /sys
if [ -n "$system" ]; then
  here=$(dirname "$configuration") root=$remembered/system
  mkdir -p "$root"
  mount --bind "$system" "$root"
  mount -o remount,bind,ro "$root"
  for tree in /proc /sys /dev; do mount --rbind $tree "$root$tree"; done
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root$(dirname "$here")"
  mkdir "$root$here"
  mount --bind "$here" "$root$here"
fi
for parent in /etc /var/lib /run; do
  mkdir -p "$root$parent/NetworkManager" "$remembered$parent"
  mount --bind "$remembered$parent" "$root$parent/NetworkManager"
done
mkdir -p "$root/etc/NetworkManager/system-connections"
cp "$configuration" "$root/etc/NetworkManager/NetworkManager.conf"
exec ${root:+chroot "$root"} NetworkManager --no-daemon"#;

fn network_manager_config() -> String {
    format!(
        "[main]\nplugins=keyfile\ndns=none\nno-auto-default=*\nauth-polkit=root-only\n\
         [keyfile]\nunmanaged-devices=none\n\
         [device]\nmatch-device=*\nmanaged=1\n\
         [connectivity]\nenabled=true\nuri=http://{ROUTER}:{INTERNET_PORT}/nm-check\n\
         response={}\ninterval=60\n",
        internet::SEEN
    )
}

fn cable(device: &Namespace, router: &Namespace) {
    router.ip(&format!("link add peer0 type veth peer name eth0 netns {}", device.name()));
    router.add_address("peer0", &format!("{ROUTER}/24"));
    router.set_up("peer0");
}

/// Runs a program on a host that must succeed.
fn run(host: &Namespace, program: &str, arguments: &[&str]) {
    let output = host.command(program.as_ref()).args(arguments).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
}

fn serve_addresses(router: &Namespace, directory: &Path) -> Running {
    let mut command = router.command("dnsmasq".as_ref());
    command
        .args(["--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=peer0", "--bind-interfaces"])
        .args(["--dhcp-range=10.77.0.50,10.77.0.99,5m", &format!("--dhcp-option=3,{ROUTER}")])
        .arg(format!("--dhcp-leasefile={}", directory.join("leases").display()));
    Running::start("dnsmasq", &mut command)
}

/// Says why a test is left out. Not by `eprintln`: the test harness hides that of a test that passes.
fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped  {test}: {why}");
}

/// Whether `program` is on the path, or where only root looks.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let further = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(further).any(|directory| directory.join(program).exists())
}
