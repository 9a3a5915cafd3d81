//! What the other tests rely on: that the computers boot, and that polkit takes the client for the one at the screen.

use std::path::Path;

use fieldlink_tests::container::{Container, ContainerOptions, Person, Site, SiteOptions, laboratory};
use fieldlink_tests::terminal::Terminal;

/// Allowed to the session at the screen; every other one needs a password.
const AT_THE_SCREEN_ONLY: &str = "pkcheck --action-id org.freedesktop.login1.power-off --process $$";

fn may_power_off(container: &Container, person: Person<'_>) -> bool {
    container.shell_command(person, AT_THE_SCREEN_ONLY).output().expect("it runs").status.success()
}

#[test]
fn the_client_is_at_the_screen_and_others_are_not() {
    let Some(mut lab) = laboratory() else { return };
    let host = lab.host("scanner");
    let scanner = Container::boot(&host, "scanner", ContainerOptions::default());
    for boot in 0..2 {
        assert!(may_power_off(&scanner, Person::Client), "boot {boot}");
        assert!(!may_power_off(&scanner, Person::Away), "boot {boot}");
        assert!(!may_power_off(&scanner, Person::Account("nobody")), "boot {boot}");
        // Another session of the same account does not take the screen away.
        assert!(may_power_off(&scanner, Person::Client), "boot {boot}");
        if boot == 0 {
            scanner.reboot();
        }
    }
}

#[test]
fn the_client_has_a_terminal() {
    let Some(mut lab) = laboratory() else { return };
    let host = lab.host("scanner");
    let scanner = Container::boot(&host, "scanner", ContainerOptions::default());
    let line = "test -t 0 && test -t 1 && read line && echo $(id -un) typed $line";
    let mut terminal = Terminal::run(&scanner.shell_command(Person::Client, line));
    terminal.type_keys("this\r");
    terminal.wait_for("client typed this");
}

#[test]
fn a_reboot_keeps_the_disk_and_the_cable_and_the_end_leaves_nothing() {
    let Some(site) = Site::boot_bare(SiteOptions::default()) else { return };
    let boot_id = site.scanner.read("/proc/sys/kernel/random/boot_id");
    assert_eq!(site.scanner.run(&["hostname"]).trim(), "scanner");
    site.scanner.write("/etc/kept", "kept");
    site.scanner.shell("logger --tag kept said-before");
    site.scanner.reboot();
    assert_eq!(site.scanner.read("/etc/kept"), "kept");
    let entries = site.scanner.entries(None);
    let boots: Vec<&str> = entries.iter().map(|entry| entry.field("_BOOT_ID")).collect();
    // What says that it is another boot is the journal; the kernel is the same one.
    assert_ne!(boots.first(), boots.last(), "{boot_id}");
    assert!(entries.iter().any(|entry| entry.source() == "kept" && entry.message() == "said-before"));
    site.scanner.run(&["ping", "-c1", "-W5", "relay.test"]);

    let leader = site.scanner.leader();
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("readable");
    assert!(!mounts.contains("nspawn"), "a mount can be seen from outside:\n{mounts}");
    drop(site);
    assert!(!Path::new("/proc").join(leader.to_string()).exists());
}

#[test]
fn a_small_disk_can_be_full() {
    let Some(mut lab) = laboratory() else { return };
    let host = lab.host("scanner");
    let options = ContainerOptions { disk: Some("64m"), ..ContainerOptions::default() };
    let scanner = Container::boot(&host, "scanner", options);
    let filled = scanner.output_as(Person::Root, &["dd", "if=/dev/zero", "of=/var/filler", "bs=64k"]);
    assert!(String::from_utf8_lossy(&filled.stderr).contains("No space left on device"));
    scanner.run(&["rm", "/var/filler"]);
    scanner.power_off();
}
