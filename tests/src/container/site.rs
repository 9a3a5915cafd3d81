//! A scanner and a relay that boot, with everything installed from the packages, and a cable between them.

use std::path::Path;
use std::thread::scope;

use super::installed::Installed;
use super::{Call, Client, Container, ContainerOptions, Engineer, Package, Packages, laboratory};
use crate::PATIENCE;
use crate::certificates;
use crate::lab::{Cable, Lab, Plug};
use crate::programs::eventually;

const NAMES: &str = "127.0.0.1 localhost\n10.78.0.1 relay.test\n10.78.0.2 scanner.test\n";
const RELAY: &str = "wss://relay.test:8443";
const AUTHORITY: &str = "/etc/fieldlink/ca.pem";

/// What a test wants to be different from the defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct SiteOptions {
    /// Whether remote access starts with the scanner (`at-boot`), instead of on request.
    pub at_boot: bool,
    /// The scanner's computer.
    pub scanner: ContainerOptions,
}

/// Scanner and relay, each a computer. Fields are dropped in order: the network last.
pub struct Site {
    /// The scanner, with `fieldlink-agent`.
    pub scanner: Container,
    /// The relay, with `fieldlink-relay`; also the engineer's computer, with `fieldlink-connect`.
    pub relay: Container,
    /// The cable between them.
    pub cable: Cable,
    _lab: Lab,
}

impl Site {
    /// Everything as it is shipped, as far as it can be.
    pub fn boot() -> Option<Self> {
        Self::boot_with(SiteOptions::default())
    }

    /// The same with other settings.
    pub fn boot_with(options: SiteOptions) -> Option<Self> {
        // Without a laboratory nothing can be installed.
        laboratory()?;
        let installed = Installed::get(Self::install);
        let relay = ContainerOptions { over: Some(&installed.relay), ..ContainerOptions::default() };
        let scanner = ContainerOptions { over: Some(&installed.scanner), ..options.scanner };
        let site = Self::boot_computers(relay, scanner)?;
        if options.at_boot {
            site.configure(true);
            site.scanner.run(&["systemctl", "restart", "fieldlink-agent.service"]);
        }
        Some(site)
    }

    /// Sets two computers up, and keeps their disks.
    fn install(disks: &Installed) {
        let site = Self::boot_bare(SiteOptions::default()).expect("there is a laboratory");
        site.set_up();
        site.scanner.power_off_and_keep(&disks.scanner);
        site.relay.power_off_and_keep(&disks.relay);
    }

    /// Installs and configures everything, and enrols the engineer.
    pub fn set_up(&self) {
        let certificates = tempfile::tempdir().expect("a temporary directory");
        let files = certificates::create_valid(certificates.path(), (2026, 2050), &["relay.test"]);
        scope(|scope| {
            let relay = scope.spawn(|| {
                self.install_relay(certificates.path());
                self.enrol_engineer();
            });
            self.install_agent(&files.authority);
            relay.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    /// Two computers with nothing of Fieldlink's.
    pub fn boot_bare(options: SiteOptions) -> Option<Self> {
        Self::boot_computers(ContainerOptions::default(), options.scanner)
    }

    fn boot_computers(relay_options: ContainerOptions, scanner_options: ContainerOptions) -> Option<Self> {
        let mut lab = laboratory()?;
        let (relay, scanner) = (lab.host("relay"), lab.host("scanner"));
        let cable = lab
            .cable(Plug::new(&relay, "host0", "10.78.0.1/24"), Plug::new(&scanner, "host0", "10.78.0.2/24"));
        let (relay, scanner) = scope(|scope| {
            let relay = scope.spawn(|| Container::boot(&relay, "relay", relay_options));
            let scanner = Container::boot(&scanner, "scanner", scanner_options);
            (relay.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), scanner)
        });
        for container in [&relay, &scanner] {
            container.write("/etc/hosts", NAMES);
        }
        Some(Self { scanner, relay, cable, _lab: lab })
    }

    /// What the operator of a relay does: install, put certificate and key there, start.
    fn install_relay(&self, certificates: &Path) {
        let packages = Packages::built();
        packages.install(&self.relay, Package::Relay);
        packages.install(&self.relay, Package::Connect);
        for (file, place) in [("ca.pem", AUTHORITY), ("relay.crt", "/etc/fieldlink/relay.crt")] {
            let content = std::fs::read(certificates.join(file)).expect("readable");
            self.relay.write(place, content);
        }
        let key = std::fs::read(certificates.join("relay.key")).expect("readable");
        self.relay.shell("install -m 600 /dev/null /etc/fieldlink/relay.key");
        self.relay.write("/etc/fieldlink/relay.key", key);
        self.relay.shell("chmod 600 /etc/fieldlink/relay.key");
        self.relay.shell("echo 'listen = \"0.0.0.0:8443\"' >>/etc/fieldlink/relay.toml");
        self.relay.run(&["systemctl", "restart", "fieldlink-relay.service"]);
    }

    fn enrol_engineer(&self) {
        let words = ["fieldlink-relay", "engineer", "add", Engineer::NAME, "--company", Engineer::COMPANY];
        let credential = self.relay.run(&words);
        Engineer::enrol(&self.relay, "ada", (RELAY, AUTHORITY), &credential);
    }

    /// A further engineer, with an account of their own on the same computer.
    pub fn enrol_another<'a>(&'a self, name: &str, user: &'a str) -> Engineer<'a> {
        let words = ["fieldlink-relay", "engineer", "add", name, "--company", Engineer::COMPANY];
        let credential = self.relay.run(&words);
        Engineer::enrol(&self.relay, user, (RELAY, AUTHORITY), &credential)
    }

    /// What the maker of a scanner does: install, write the configuration.
    fn install_agent(&self, authority: &Path) {
        Packages::built().install(&self.scanner, Package::Agent);
        self.scanner.write(AUTHORITY, std::fs::read(authority).expect("readable"));
        self.configure(false);
        self.scanner.run(&["systemctl", "restart", "fieldlink-agent.service"]);
    }

    /// Writes the agent's configuration, for its next start.
    pub fn configure(&self, at_boot: bool) {
        let access = if at_boot { "at-boot" } else { "on-request" };
        let lines = format!("relay = \"{RELAY}\"\nca_file = \"{AUTHORITY}\"\naccess = \"{access}\"\n");
        self.scanner.write("/etc/fieldlink/agent.toml", lines);
    }

    /// The client, at the scanner's screen.
    pub fn client(&self) -> Client<'_> {
        Client::of(&self.scanner)
    }

    /// The engineer.
    pub fn engineer(&self) -> Engineer<'_> {
        Engineer::at(&self.relay)
    }

    /// A whole beginning: the client starts remote access and reads out ID and PIN, the engineer connects,
    /// the client allows it.
    pub fn call(&self) -> Call<'_> {
        let client = self.client();
        // The agent may be on its way back, and the end of a session before this one not through yet.
        eventually("the agent is there", PATIENCE, || client.code_of(&["status"]) == Some(0));
        let mut watch = client.watch();
        watch.until_state("off");
        let pair = client.start();
        let holder = self.engineer().start_connecting(&pair);
        watch.until_state("asking");
        client.run(&["allow"]);
        let call = self.engineer().begin(&pair, holder);
        watch.until_state("active");
        call
    }

    /// The process that a session's programs are started by.
    pub fn session_process(&self) -> u32 {
        let units = self.scanner.run(&[
            "systemctl",
            "list-units",
            "--plain",
            "--no-legend",
            "--state=running",
            "fieldlink-session@*",
        ]);
        let unit = units.split_whitespace().next().unwrap_or_else(|| panic!("no session: {units:?}"));
        self.scanner.main_pid(unit).expect("it runs")
    }
}
