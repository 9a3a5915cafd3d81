//! Operations, with the units that are shipped as an example: a real `dpkg` run, which nothing may cut.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Client, Container, Site};
use fieldlink_tests::programs::eventually;

const EXAMPLES: &str = "/usr/share/doc/fieldlink-agent/examples/operation";
const AGENT: &str = "fieldlink-agent.service";
/// Where the engineer has the update.
const UPDATE: &str = "/var/tmp/scanner-update.tar";

/// What the example says that an operator does, with a signer of this test's.
pub(crate) fn set_up(site: &Site) {
    let scanner = &site.scanner;
    scanner.shell("ssh-keygen -q -t ed25519 -N '' -f /root/maker && mkdir -p /etc/scanner");
    scanner.shell("echo \"maker $(cut -d' ' -f1,2 /root/maker.pub)\" >/etc/scanner/update-signers");
    scanner.shell(&format!(
        "cd {EXAMPLES} && install -D -m 755 update /usr/local/lib/scanner/update && \
         install -m 644 scanner-update.socket scanner-update@.service scanner-update-continue.service /etc/systemd/system && \
         cat agent.toml >>/etc/fieldlink/agent.toml"
    ));
    scanner.shell(
        "systemctl daemon-reload && systemctl enable --quiet --now scanner-update.socket && systemctl restart fieldlink-agent",
    );
}

/// A signed package whose installation says that it has begun, and waits.
fn make_update(site: &Site) {
    let scanner = &site.scanner;
    scanner.shell(
        "mkdir -p /root/p/DEBIAN && cd /root && \
         printf 'Package: scanner-software\\nVersion: 2\\nArchitecture: all\\nMaintainer: M <m@example.com>\\nDescription: X\\n' >p/DEBIAN/control && \
         printf '#!/bin/sh\\ntouch /var/tmp/begun\\nwhile [ ! -e /var/tmp/go ]; do sleep 0.1; done\\n' >p/DEBIAN/postinst && \
         chmod 755 p/DEBIAN/postinst && dpkg-deb --build p scanner-software.deb && \
         tar --create --file update.tar scanner-software.deb && \
         ssh-keygen -q -Y sign -n scanner-update -f maker update.tar && \
         tar --create --file scanner-update.tar update.tar update.tar.sig",
    );
    let update = scanner.shell("base64 --wrap=0 /root/scanner-update.tar");
    site.relay.write("/var/tmp/update.base64", update.trim());
    site.relay.shell(&format!("base64 --decode /var/tmp/update.base64 >{UPDATE} && chmod 644 {UPDATE}"));
}

fn phase(client: &Client<'_>) -> String {
    client.status()["operation"]["phase"].as_str().unwrap_or("none").to_owned()
}

fn until_phase(client: &Client<'_>, wanted: &str) {
    eventually(wanted, PATIENCE, || client.code_of(&["status"]) == Some(0) && phase(client) == wanted);
}

fn is_installed(scanner: &Container) -> bool {
    scanner.shell("dpkg-query --show --showformat='${Status}' scanner-software 2>&1 || true")
        == "install ok installed"
}

fn assert_whole(scanner: &Container) {
    assert_eq!(scanner.shell("dpkg --audit"), "");
    assert!(is_installed(scanner));
}

#[test]
fn neither_end_nor_crash_nor_deadline_cuts_a_real_dpkg_run() {
    let Some(site) = Site::boot() else { return };
    set_up(&site);
    make_update(&site);
    let (scanner, client) = (&site.scanner, site.client());
    let mut call = site.call();
    let listed = call.connect(&["operation"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("update  System update"), "{listed:?}");
    let mut update = call.start_connect(&["operation", "update", UPDATE]);
    let mut watch = client.watch();
    watch.until("the client is asked", |status| status["question"]["kind"] == "operation");
    client.run(&["allow"]);
    update.wait_for("update runs");
    eventually("dpkg is in the middle of it", PATIENCE, || scanner.has("/var/tmp/begun"));
    // The engineer has no part in it: neither socket nor record.
    for closed in
        ["test -w /run/fieldlink/operations/scanner-update.sock", "ls /var/lib/fieldlink-operations"]
    {
        assert!(!call.try_to(closed).status.success(), "{closed}");
    }

    client.run(&["end"]);
    call.wait_until_ended();
    update.wait_for("goes on by itself");
    assert_eq!(phase(&client), "running");
    let said = client.run(&["status"]);
    assert!(said.contains("System update is finishing") && said.contains("Do not switch off."), "{said}");

    let mut call = site.call();
    let busy = call.connect(&["operation", "update", UPDATE]);
    assert_eq!(busy.status.code(), Some(221), "{}", String::from_utf8_lossy(&busy.stderr));
    scanner.shell("printf '[session]\\nlength_seconds = 12\\n' >>/etc/fieldlink/agent.toml");
    let agent = scanner.main_pid(AGENT).expect("it runs");
    scanner.signal("KILL", agent);
    call.wait_until_ended();
    until_phase(&client, "running");

    let mut call = site.call();
    let said = call.wait_until_ended();
    assert!(said.contains("time-up"), "{said}");
    assert_eq!(phase(&client), "running");
    assert!(!is_installed(scanner));

    scanner.shell("touch /var/tmp/go");
    until_phase(&client, "succeeded");
    assert_whole(scanner);
    let journal = scanner.journal(AGENT);
    assert!(journal.contains("an operation") && journal.contains("Succeeded"), "{journal}");
    // Whoever comes next hears of it, once.
    let mut call = site.call();
    call.holder.wait_for("\"succeeded\"");
    call.wait_until_ended();
    until_phase(&client, "none");
}

#[test]
fn an_update_that_is_not_the_makers_changes_nothing_and_a_shutdown_waits_for_one_that_is() {
    let Some(site) = Site::boot() else { return };
    set_up(&site);
    make_update(&site);
    let client = site.client();
    site.scanner.shell("printf '[policy]\\noperations = \"allowed\"\\n' >>/etc/fieldlink/agent.toml; systemctl restart fieldlink-agent");
    let call = site.call();
    site.relay.shell(&format!("sed 's/scanner-software/scanner-softwarE/' {UPDATE} >/var/tmp/changed.tar"));
    let changed = call.connect(&["operation", "update", "/var/tmp/changed.tar"]);
    let said = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert!(!changed.status.success() && said.contains("has failed"), "{said}");
    assert!(!site.scanner.has("/var/tmp/begun"), "{said}");
    let without = call.connect(&["operation", "update"]);
    assert_eq!(without.status.code(), Some(2), "the script says so");

    let mut update = call.start_connect(&["operation", "update", UPDATE]);
    update.wait_for("update runs");
    eventually("dpkg is in the middle of it", PATIENCE, || site.scanner.has("/var/tmp/begun"));
    assert_eq!(phase(&client), "running");
    let inhibitors = site.scanner.run(&["systemd-inhibit", "--list"]);
    assert!(inhibitors.contains("The software is being updated"), "{inhibitors}");
    site.scanner
        .shell("systemd-run --quiet --property=DefaultDependencies=no sh -c 'sleep 3; touch /var/tmp/go'");
    site.scanner.reboot();
    assert_whole(&site.scanner);
    let client = site.client();
    until_phase(&client, "succeeded");
}

#[test]
fn an_update_goes_on_after_a_restart_and_the_client_is_told_not_to_switch_off() {
    let Some(site) = Site::boot() else { return };
    set_up(&site);
    site.scanner.shell(
        "printf '#!/bin/sh\\necho half of it\\necho ::fieldlink continues\\n' >/usr/local/lib/scanner/update; \
         printf '#!/bin/sh\\nwhile [ ! -e /var/tmp/go ]; do sleep 0.1; done\\necho the rest\\n' >/usr/local/lib/scanner/update-continue; \
         chmod 755 /usr/local/lib/scanner/*; systemctl enable --quiet scanner-update-continue.service; \
         printf '[policy]\\noperations = \"allowed\"\\n' >>/etc/fieldlink/agent.toml; systemctl restart fieldlink-agent",
    );
    let call = site.call();
    let half = call.connect(&["operation", "update"]);
    let said = String::from_utf8_lossy(&half.stderr).into_owned();
    assert!(half.status.success() && said.contains("when the scanner has restarted"), "{said}");
    assert_eq!(phase(&site.client()), "after-restart");
    drop(call);
    site.scanner.reboot();
    let client = site.client();
    until_phase(&client, "running");
    assert!(client.run(&["status"]).contains("System update is finishing. Do not switch off."));
    site.scanner.shell("touch /var/tmp/go");
    until_phase(&client, "succeeded");
    let mut call = site.call();
    call.holder.wait_for("\"succeeded\"");
    call.end();
}
