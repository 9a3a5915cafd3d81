//! A really different second version over settings that an operator has edited: other defaults, other units, files
//! that have moved; unattended, and in the middle of a session.

use std::time::Duration;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Container, Package, Site, SiteOptions, state_of};
use fieldlink_tests::programs::eventually;

use super::packages::{check_that_nothing_is_new, everything, purge};

const AGENT: &str = "fieldlink-agent.service";
const RELAY: &str = "fieldlink-relay.service";
const SOCKET: &str = "fieldlink-session.socket";

/// An agent that was started often waits before it starts.
const RESTARTED: Duration = Duration::from_secs(90);

/// The agent waits until remote access has been off for a minute; here, for a second. That is a drop-in of the
/// operator's, which stays.
pub(crate) fn do_not_wait_for_quiet(site: &Site) {
    let place = format!("/etc/systemd/system/{AGENT}.d/quiet.conf");
    site.scanner.write(&place, "[Service]\nEnvironment=FIELDLINK_QUIET_SECONDS=1\n");
    site.scanner.shell(&format!("systemctl daemon-reload; systemctl restart {AGENT}"));
}

/// Nothing is left to do, and nothing was asked.
pub(crate) fn check_installed(container: &Container, package: Package, version: &str) {
    assert_eq!(container.installed_version(package), version);
    assert_eq!(container.run(&["dpkg", "--audit"]), "");
    assert_eq!(container.shell("find /etc -name '*.dpkg-*' -not -name '*.dpkg-old'"), "");
}

fn line_of(container: &Container, file: &str, start: &str) -> String {
    let text = container.read(file);
    text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
}

#[test]
fn settings_that_dpkg_knew_come_over_edited_or_not_and_go_with_the_purge() {
    let Some(site) = Site::boot_bare(SiteOptions::default()) else { return };
    let before = [&site.scanner, &site.relay].map(everything);
    let (scanner, relay) = (&site.scanner, &site.relay);
    scanner.install(&scanner.version_with_conffiles(Package::Agent));
    relay.install(&relay.version_with_conffiles(Package::Relay));
    // One file as the README tells to; and one that it does not name, but an operator may have edited.
    let settings = "/etc/fieldlink/agent.toml";
    scanner.shell(&format!("sed -i 's|^relay = .*|relay = \"wss://relay.test\"|' {settings}"));
    let needrestart = "/etc/needrestart/conf.d/fieldlink.conf";
    scanner.shell(&format!("echo '# mine' >>{needrestart}"));
    let kept = [settings, needrestart].map(|file| scanner.read(file));

    for version in ["98.0", "99.0"] {
        for (container, package) in [(scanner, Package::Agent), (relay, Package::Relay)] {
            container.install(&container.another_version(package, version, "true"));
            check_installed(container, package, version);
        }
        assert_eq!([settings, needrestart].map(|file| scanner.read(file)), kept, "{version}");
    }
    // What was not edited is the shipped one's again, and no old text stands before it.
    assert!(!scanner.has("/etc/pam.d/fieldlink-session"));
    assert!(scanner.read("/usr/lib/pam.d/fieldlink-session").contains("99.0"));
    let relays = relay.read("/etc/fieldlink/relay.toml");
    assert!(relays.contains("This file is yours"), "{relays}");
    assert!(line_of(relay, "/usr/share/fieldlink/relay.toml", "#connections = ").ends_with("30000"));

    purge(scanner, "fieldlink-agent");
    check_that_nothing_is_new(&before[0], scanner);
    purge(relay, "fieldlink-relay");
    check_that_nothing_is_new(&before[1], relay);
}

#[test]
fn a_different_version_comes_in_the_middle_of_a_session_and_is_taken_up_whole() {
    let Some(site) = Site::boot() else { return };
    do_not_wait_for_quiet(&site);
    let (scanner, relay) = (&site.scanner, &site.relay);
    scanner.write(
        "/etc/fieldlink/agent.toml",
        scanner.read("/etc/fieldlink/agent.toml") + "# by the operator\n",
    );
    let edited = [scanner.read("/etc/fieldlink/agent.toml"), relay.read("/etc/fieldlink/relay.toml")];
    let call = site.call();
    let mut shell = call.start_in_terminal("bash --norc");
    shell.type_keys("mark=$$; echo shell-$mark-he''re\r");
    let mark = shell.wait_for_within("-here", PATIENCE).rsplit("shell-").next().expect("a part").to_owned();
    let (agent, serving) = (scanner.main_pid(AGENT), relay.main_pid(RELAY));

    scanner.install(&scanner.another_version(Package::Agent, "99.0", "true"));
    relay.install(&relay.another_version(Package::Connect, "99.0", "true"));
    relay.install(&relay.another_version(Package::Relay, "99.0", "true"));
    check_installed(scanner, Package::Agent, "99.0");
    check_installed(relay, Package::Relay, "99.0");
    check_installed(relay, Package::Connect, "99.0");

    // The agent goes on, the relay is another one, and the session is the same.
    assert_eq!(scanner.main_pid(AGENT), agent);
    assert_ne!(relay.main_pid(RELAY), serving);
    assert!(relay.property(RELAY, "Description").contains("99.0"));
    shell.type_keys("echo still-$mark-$$-he''re\r");
    shell.wait_for(&format!("still-{mark}-{mark}-here"));
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    assert_eq!(state_of(&site.client().status()), "active");
    call.end();

    eventually("the agent of the new version runs", RESTARTED, || {
        scanner.main_pid(AGENT).is_some_and(|pid| Some(pid) != agent)
            && site.client().code_of(&["status"]) == Some(0)
    });
    for (unit, setting, value) in [(AGENT, "Description", "99.0"), (SOCKET, "Backlog", "64")] {
        let found = scanner.property(unit, setting);
        assert!(found.contains(value), "{unit} {setting}: {found}");
    }
    assert!(scanner.property(AGENT, "DropInPaths").contains("quiet.conf"));
    assert_eq!([scanner.read("/etc/fieldlink/agent.toml"), relay.read("/etc/fieldlink/relay.toml")], edited);
    assert!(scanner.read("/usr/share/fieldlink/agent.toml").contains("idle_seconds = 900"));
    assert!(scanner.read("/etc/needrestart/conf.d/fieldlink.conf").contains("# another"));
    scanner.run(&["man", "--where", "fieldlink-moved"]);
    assert!(!scanner.has("/usr/share/fish/vendor_completions.d/fieldlink.fish"));
    let call = site.call();
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    call.end();
}

#[test]
fn a_version_that_cannot_use_the_settings_says_so_and_does_not_replace_what_runs() {
    let Some(site) = Site::boot() else { return };
    do_not_wait_for_quiet(&site);
    let (scanner, relay) = (&site.scanner, &site.relay);
    // As after going back from a version that knows these, or going on to one that does not any more.
    let [agents, relays] = ["/etc/fieldlink/agent.toml", "/etc/fieldlink/relay.toml"];
    scanner.shell(&format!("echo 'of_another_version = 1' >>{agents}"));
    relay.shell(&format!("echo 'of_another_version = 1' >>{relays}"));
    let running = [scanner.main_pid(AGENT), relay.main_pid(RELAY)];
    for (container, package, file) in [(scanner, Package::Agent, agents), (relay, Package::Relay, relays)] {
        let said = container.install(&container.another_version(package, "99.0", "true"));
        check_installed(container, package, "99.0");
        for part in ["of_another_version", file, "cannot use the settings", "systemctl restart"] {
            assert!(said.contains(part), "{package:?}, {part}: {said}");
        }
    }
    let call = site.call();
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    call.end();
    // Long enough for an agent that would make room.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!([scanner.main_pid(AGENT), relay.main_pid(RELAY)], running);

    for (container, file, unit) in [(scanner, agents, AGENT), (relay, relays, RELAY)] {
        container.shell(&format!("sed -i '/^of_another_version/d' {file} && systemctl restart {unit}"));
        assert!(container.property(unit, "Description").contains("99.0"));
    }
    site.call().end();
}
