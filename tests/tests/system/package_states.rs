//! What an operator did to services and packages before an upgrade holds after it, and what went wrong half-way
//! can be finished.

use fieldlink_tests::container::{Container, ContainerOptions, Package, Site, SiteOptions};

use super::second_version::check_installed;

const AGENT: &str = "fieldlink-agent.service";
const RELAY: &str = "fieldlink-relay.service";

fn state(container: &Container, unit: &str) -> (String, String) {
    (container.property(unit, "UnitFileState"), container.property(unit, "ActiveState"))
}

#[test]
fn what_was_stopped_disabled_or_masked_stays_so_and_what_ran_runs() {
    let Some(site) = Site::boot() else { return };
    let sides = [(&site.scanner, Package::Agent, AGENT), (&site.relay, Package::Relay, RELAY)];
    for (container, package, unit) in sides {
        let mut version = 90;
        for (action, expected) in [
            ("stop", ("enabled", "inactive")),
            ("start", ("enabled", "active")),
            ("disable", ("disabled", "active")),
            ("stop", ("disabled", "inactive")),
            ("mask", ("masked", "inactive")),
        ] {
            container.run(&["systemctl", action, unit]);
            version += 1;
            let version = format!("{version}.0");
            container.install(&container.another_version(package, &version, "true"));
            check_installed(container, package, &version);
            let found = state(container, unit);
            assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{unit} after {action}");
        }
        container.run(&["systemctl", "unmask", unit]);
        container.run(&["systemctl", "enable", "--now", unit]);
    }
    site.call().end();
}

#[test]
fn removed_or_reinstalled_a_package_keeps_its_settings() {
    let Some(site) = Site::boot() else { return };
    let sides = [
        (&site.scanner, Package::Agent, AGENT, "/etc/fieldlink/agent.toml"),
        (&site.relay, Package::Relay, RELAY, "/etc/fieldlink/relay.toml"),
    ];
    for (container, package, unit, settings) in sides {
        let edited = container.read(settings) + "# by the operator\n";
        container.write(settings, &edited);
        let path = container.another_version(package, "99.0", "true");
        container.install(&path);
        let options = "--reinstall -y -o APT::Sandbox::User=root";
        container.shell(&format!("DEBIAN_FRONTEND=noninteractive apt-get install {options} {path} 2>&1"));
        assert_eq!(state(container, unit).1, "active", "reinstalled: {unit}");
        container.shell(&format!("DEBIAN_FRONTEND=noninteractive apt-get remove -y {} 2>&1", package.name()));
        assert_eq!(container.read(settings), edited);
        container.install(&path);
        assert_eq!(container.read(settings), edited);
        assert_eq!(state(container, unit), ("enabled".to_owned(), "active".to_owned()), "{unit}");
    }
    assert!(site.scanner.read("/etc/needrestart/conf.d/fieldlink.conf").contains("fieldlink"));
    site.call().end();
}

#[test]
fn a_configuration_that_broke_off_is_finished_later_and_stops_no_session() {
    let Some(site) = Site::boot() else { return };
    let scanner = &site.scanner;
    let running = scanner.main_pid(AGENT);
    let broken = "sed -i '2i [ -e /root/go-on ] || exit 1' DEBIAN/postinst";
    let (said, is_done) = scanner.try_to_install(&[&scanner.another_version(Package::Agent, "99.0", broken)]);
    assert!(!is_done, "{said}");
    assert_eq!(scanner.installed_version(Package::Agent), "99.0 half-configured");
    assert_eq!(scanner.main_pid(AGENT), running);
    site.call().end();
    scanner.shell("touch /root/go-on && dpkg --configure -a 2>&1");
    check_installed(scanner, Package::Agent, "99.0");
    scanner.run(&["systemctl", "restart", AGENT]);
    assert!(scanner.property(AGENT, "Description").contains("99.0"));
    site.call().end();
}

#[test]
fn an_upgrade_that_finds_the_disk_full_stops_no_session_and_is_done_again() {
    let scanner = ContainerOptions { disk: Some("700m"), ..ContainerOptions::default() };
    let Some(site) = Site::boot_with(SiteOptions { scanner, ..SiteOptions::default() }) else { return };
    let scanner = &site.scanner;
    let path = scanner.another_version(Package::Agent, "99.0", "true");
    scanner.shell("rm -rf /root/repacked");
    assert_eq!(site.client().state(), "off");
    let running = scanner.main_pid(AGENT);
    scanner.shell("for size in 1M 4k 1; do dd if=/dev/zero of=/var/filler-$size bs=$size; done 2>&1; true");
    let (said, is_done) = scanner.try_to_install(&[&path]);
    assert!(!is_done, "{said}");
    assert_eq!(scanner.main_pid(AGENT), running);
    site.call().end();
    scanner.shell("rm /var/filler-*");
    scanner.shell("dpkg --configure -a 2>&1");
    scanner.install(&path);
    check_installed(scanner, Package::Agent, "99.0");
    site.call().end();
}
