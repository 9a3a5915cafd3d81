//! The README's sections for operators, followed word for word on computers with nothing of Fieldlink's.

use fieldlink_tests::certificates;
use fieldlink_tests::container::{Container, Package, Packages, Site, SiteOptions};

const README: &str = include_str!("../../../README.md");
/// The name that the README uses.
const NAMES: &str = "127.0.0.1 localhost\n10.78.0.1 relay.example.com\n";

/// The blocks of commands in a section.
fn commands(title: &str) -> Vec<String> {
    let from = README.find(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let section = &README[from + 4..];
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// A folder with what the section takes for granted; the commands are typed there.
fn prepare(container: &Container, packages: &[Package], files: &[(&str, Vec<u8>)]) {
    container.write("/etc/hosts", NAMES);
    container.shell("mkdir -p /root/here");
    for package in packages {
        let path = Packages::built().copy_to(container, *package);
        container.shell(&format!("mv {path} /root/here/{}_1_amd64.deb", package.name()));
    }
    for (name, content) in files {
        container.write(&format!("/root/here/{name}"), content);
    }
    // There is no network to fetch what is merely recommended from.
    container.write("/etc/apt/apt.conf.d/99-test", "APT::Install-Recommends \"false\";\n");
    // The README's scanner trusts the system's store.
    container.shell(
        "cp /root/here/ca.crt /usr/local/share/ca-certificates/ && update-ca-certificates >/dev/null 2>&1",
    );
}

/// Types a block; every command in it must succeed.
fn follow(container: &Container, block: &str) -> String {
    container.shell(&format!("cd /root/here && set -e && export HOME=/root SYSTEMD_PAGER=cat\n{block}"))
}

#[test]
fn a_relay_and_a_scanner_are_set_up_by_what_the_readme_says() {
    let Some(site) = Site::boot_bare(SiteOptions::default()) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let files = certificates::create_valid(directory.path(), (2026, 2050), &["relay.example.com"]);
    let read = |path: &std::path::Path| std::fs::read(path).expect("readable");
    let authority = ("ca.crt", read(&files.authority));
    let (chain, key) = (("relay.crt", read(&files.chain)), ("relay.key", read(&files.key)));
    prepare(&site.relay, &[Package::Relay, Package::Connect], &[authority.clone(), chain, key]);
    prepare(&site.scanner, &[Package::Agent], &[authority]);

    let [relay, engineer] = &commands("Run a relay")[..] else { panic!("two blocks") };
    let shown = follow(&site.relay, relay);
    assert!(shown.contains("active (running)"), "{shown}");
    follow(&site.relay, engineer);

    let [install, configure] = &commands("Install on a scanner")[..] else { panic!("two blocks") };
    follow(&site.scanner, install);
    assert_eq!(site.client().state(), "off", "it runs, and remote access is off");
    let shown = follow(&site.scanner, configure);
    assert!(shown.contains("active (running)") && shown.contains("(N0)") || shown.contains("N0 "), "{shown}");
    let pair = site.client().start();
    assert_eq!(pair.pin.len(), 4);
}
