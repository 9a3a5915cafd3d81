//! Diagnostics on a real system: the unit as it is shipped, the real journal, and secrets that were planted; saved by the
//! person at the device without a session and without a network, and fetched by an engineer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use fieldlink_tests::container::{Client, Container, Person, Site};
use fieldlink_tests::diagnosis::{LOG, assert_redacted, unpacked};

const SETTINGS: &str = "
[diagnostics]
units = [\"scanner-driver.service\"]
files = [\"/var/log/scanner/*\", \"/var/log/nothing/*.log\"]
";

/// What the maker lists, with secrets in it, and what is not to be taken.
fn plant(site: &Site) {
    let scanner = &site.scanner;
    scanner.shell("mkdir -p /var/log/scanner; ln -s /etc/hostname /var/log/scanner/link.log");
    scanner.write("/var/log/scanner/scanner.log", LOG);
    scanner.write("/var/log/scanner/adm.log", "for adm\n");
    scanner.write("/var/log/scanner/private.log", "for root\n");
    scanner.write("/var/log/scanner/old.log.gz", "x");
    // Nothing makes this much shorter.
    scanner.shell("head -c 100000 /dev/urandom | base64 >/var/log/scanner/noise.log");
    scanner.shell("cd /var/log/scanner; chgrp adm adm.log; chmod 640 adm.log; chmod 600 private.log");
    scanner.write("/root/settings", SETTINGS);
    scanner.shell("cat /root/settings >>/etc/fieldlink/agent.toml; systemctl restart fieldlink-agent");
    scanner.shell(
        "systemd-run --quiet --wait --unit=scanner-driver \
         sh -c 'echo the driver is up; echo wpa: psk=planted-in-the-journal; echo -- --token planted-argument'",
    );
}

/// The files of the one diagnosis in a directory of that computer.
fn diagnosis_in(computer: &Container, directory: &str) -> BTreeMap<String, String> {
    let encoded = computer.shell(&format!("base64 --wrap=0 {directory}/fieldlink-diagnosis-*.tar.zst"));
    let archive = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(archive.path(), BASE64.decode(encoded.trim()).expect("base64")).expect("written");
    unpacked(archive.path())
}

fn assert_whole(files: &BTreeMap<String, String>) {
    assert_redacted(files);
    let log = &files["logs/var/log/scanner/scanner.log"];
    assert!(log.contains("1200 rpm") && log.contains("rear stands still"), "{log}");
    let unit = &files["journal/unit-scanner-driver.service.txt"];
    assert!(unit.contains("the driver is up") && unit.contains("psk=[redacted]"), "{unit}");
    assert!(files["journal/system.txt"].contains("systemd[1]"), "{:?}", files["journal/system.txt"]);
    assert!(files["journal/fieldlink.txt"].contains("fieldlink-agent"), "and our own part of it");
    assert_eq!(files["logs/var/log/scanner/adm.log"], "for adm\n");
    let contents = &files["contents.txt"];
    for line in [
        "/var/log/scanner/private.log: fieldlink-diagnose may not read it",
        "/var/log/scanner/link.log: it is a link",
        "/var/log/scanner/old.log.gz: it is compressed",
        "/var/log/nothing/*.log: there is no such file",
    ] {
        assert!(contents.contains(line), "{line}: {contents}");
    }
}

#[test]
fn the_person_at_the_device_saves_them_without_a_session_and_without_a_network() {
    let Some(site) = Site::boot() else { return };
    plant(&site);
    site.scanner.shell("ip link set host0 down");
    let client = site.client();
    site.scanner.shell("mkdir -m 777 /run/stick");
    let said = client.run(&["diagnose", "--output", "/run/stick"]);
    assert!(said.contains("/run/stick/fieldlink-diagnosis-"), "{said}");
    let files = diagnosis_in(&site.scanner, "/run/stick");
    assert_whole(&files);
    assert!(files["health.json"].contains("\"kernel\""), "{:?}", files.keys());
    let owner = site.scanner.shell("stat --format='%U %a' /run/stick/*");
    assert_eq!(owner, "client 600\n");

    let failed = |client: &Client<'_>, arguments: &[&str]| {
        let output = client.try_to(&[&["diagnose"], arguments].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    site.scanner.shell(
        "mkdir /mnt/full /mnt/protected; mount -t tmpfs -o size=32k,mode=777 tmpfs /mnt/full; \
         mount -t tmpfs -o ro tmpfs /mnt/protected",
    );
    let (code, said) = failed(&client, &["--output", "/mnt/full"]);
    assert!(code == Some(1) && said.contains("not enough room in /mnt/full"), "{said}");
    assert_eq!(site.scanner.shell("ls -A /mnt/full"), "");
    let (code, said) = failed(&client, &["--output", "/mnt/protected"]);
    assert!(code == Some(1) && said.contains("write-protected"), "{said}");
    let (code, said) = failed(&client, &["--usb"]);
    assert!(code == Some(1) && said.contains("no-stick"), "{said}");
    // Not from elsewhere.
    let away = Client::as_person(&site.scanner, Person::Away);
    let (code, said) = failed(&away, &["--output", "/tmp"]);
    assert_eq!(code, Some(4), "{said}");

    // Where the agent does not run, root still gets what there is.
    site.scanner.run(&["systemctl", "stop", "fieldlink-agent"]);
    site.scanner.shell("mkdir /root/found; fieldlink diagnose --output /root/found");
    let files = diagnosis_in(&site.scanner, "/root/found");
    assert_whole(&files);
    assert!(files["contents.txt"].contains("the agent did not tell it"), "{}", files["contents.txt"]);
}

#[test]
fn an_engineer_fetches_them_and_gets_at_nothing_else() {
    let Some(site) = Site::boot() else { return };
    plant(&site);
    let client = site.client();
    let call = site.call();
    for attempt in ["fieldlink diagnose --output /tmp", "test -w /run/fieldlink/diagnose.sock"] {
        assert!(!call.try_to(attempt).status.success(), "{attempt}");
    }
    let home = site.engineer().home();
    let mut fetching = call.start_connect(&["diagnose", "--output", &home]);
    client.watch().until("the client is asked", |status| status["question"]["function"] == "diagnostics");
    client.run(&["allow"]);
    assert!(fetching.wait_for_end().success(), "{}", fetching.transcript());
    assert_whole(&diagnosis_in(&site.relay, &home));
    // What systemd makes of the unit: an account of its own, without privileges and without a network.
    for (name, value) in [
        ("User", "fieldlink-diagnose"),
        ("PrivateNetwork", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
    ] {
        assert_eq!(site.scanner.property("fieldlink-diagnose@0.service", name), value, "{name}");
    }
    call.end();
}
