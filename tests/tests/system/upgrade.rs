//! A newer package comes while the agent runs: no session notices, and the new version starts when it can.

use std::time::Duration;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Container, Package, Packages, Site, state_of};
use fieldlink_tests::programs::eventually;

const AGENT: &str = "fieldlink-agent.service";
const PROGRAM: &str = "/usr/bin/fieldlink-agent";
const VERSION: &str = "99.0";

/// An agent that was started often waits before it starts.
const RESTARTED: Duration = Duration::from_secs(90);

/// `apt` on a busy machine.
const APT: Duration = Duration::from_secs(180);

/// A package with another version of the agent: a byte more at the end makes it another file, which does
/// the same.
fn newer_package(site: &Site) -> String {
    do_not_wait_for_quiet(site);
    let package = Packages::built().copy_to(&site.scanner, Package::Agent);
    site.scanner.repack(&package, VERSION, &format!("echo >>.{PROGRAM}"))
}

/// The agent waits until remote access has been off for a minute; here, for a second.
fn do_not_wait_for_quiet(site: &Site) {
    let place = format!("/etc/systemd/system/{AGENT}.d/quiet.conf");
    site.scanner.write(&place, "[Service]\nEnvironment=FIELDLINK_QUIET_SECONDS=1\n");
    site.scanner.shell(&format!("systemctl daemon-reload; systemctl restart {AGENT}"));
}

/// Whether the agent that runs is the program that is installed.
fn is_current(scanner: &Container, pid: u32) -> bool {
    scanner
        .output_as(fieldlink_tests::container::Person::Root, &["cmp", &format!("/proc/{pid}/exe"), PROGRAM])
        .status
        .success()
}

fn check_installed_version(scanner: &Container) {
    let version = scanner.run(&["dpkg-query", "--show", "--showformat=${Version}", "fieldlink-agent"]);
    assert_eq!(version, VERSION);
}

fn wait_for_new_agent(site: &Site) {
    eventually("the new version runs", RESTARTED, || {
        site.scanner.main_pid(AGENT).is_some_and(|pid| is_current(&site.scanner, pid))
            && site.client().code_of(&["status"]) == Some(0)
    });
}

#[test]
fn an_engineer_upgrades_the_agent_from_inside_of_the_session() {
    let Some(site) = Site::boot() else { return };
    let newer = newer_package(&site);
    let public = "/tmp/fieldlink-agent.deb";
    site.scanner.shell(&format!(
        "install -m 644 {newer} {public}; install -m 440 /usr/share/doc/fieldlink-agent/examples/*sudo* /etc/sudoers.d/fieldlink-support"
    ));
    let call = site.call();
    let mut shell = call.start_in_terminal("bash --norc");
    shell.type_keys("mark=$$; echo shell-$mark-he''re\r");
    let before = shell.wait_for_within("-here", PATIENCE);
    let mark = before.rsplit("shell-").next().expect("a part").to_owned();
    let agent = site.scanner.main_pid(AGENT).expect("it runs");
    assert!(is_current(&site.scanner, agent));

    // As harsh as it gets: needrestart may restart whatever it likes.
    let apt =
        format!("sudo -n env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get install -y {public}");
    let mut apt = call.start(&apt);
    let status = apt.wait_for_end_within(APT);
    assert!(status.success(), "apt: {status}\n{}", apt.transcript());
    check_installed_version(&site.scanner);
    assert_eq!(site.scanner.main_pid(AGENT), Some(agent), "the agent was restarted");
    assert!(!is_current(&site.scanner, agent), "it is still the version before");
    shell.type_keys("echo still-$mark-$$-he''re\r");
    shell.wait_for(&format!("still-{mark}-{mark}-here"));
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support", "further connections begin");
    assert_eq!(state_of(&site.client().status()), "active");

    call.end();
    wait_for_new_agent(&site);
    let call = site.call();
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    call.end();
}

#[test]
fn an_idle_agent_makes_place_for_the_new_version() {
    let Some(site) = Site::boot() else { return };
    let newer = newer_package(&site);
    assert_eq!(site.client().state(), "off");
    site.scanner.install(&newer);
    check_installed_version(&site.scanner);
    wait_for_new_agent(&site);
    assert_eq!(site.client().state(), "off");
}

#[test]
fn a_boot_starts_the_new_version() {
    let Some(site) = Site::boot() else { return };
    let newer = newer_package(&site);
    let pair = site.client().start();
    site.scanner.install(&newer);
    assert_eq!(site.client().credentials(), pair, "who reads out a PIN is not interrupted");
    site.scanner.reboot();
    wait_for_new_agent(&site);
}
