//! What the packages bring, and that they take it away again.

use std::collections::BTreeSet;

use fieldlink_tests::container::{Container, Site, SiteOptions};

/// Everything that a package could leave behind, one a line.
pub(crate) fn everything(container: &Container) -> BTreeSet<String> {
    let files = "find / /run -xdev \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
                 -o -path /root -o -path /run/systemd -o -path /run/udev -o -path /run/log \\) -prune -o -print";
    let accounts = "getent passwd; getent group; getent shadow | cut -d: -f1";
    let units = "systemctl list-unit-files --no-legend --plain | awk '{print \"unit\", $1, $2}'";
    let denied = "cat /etc/cron.deny /etc/cron.allow /etc/at.deny /etc/at.allow 2>/dev/null; true";
    let lines = container.shell(&format!("{files}; {accounts}; {units}; {denied}"));
    lines.lines().filter(|line| !is_a_trace_of_use(line)).map(str::to_owned).collect()
}

/// What editing accounts or running a computer leaves on any Debian, also without a package of ours.
fn is_a_trace_of_use(line: &str) -> bool {
    let backups = ["/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"];
    let of_others = ["/var/lib/systemd/", "/var/lib/private", "/run/needrestart", "/run/agetty.reload"];
    // Of services that are not ours, such as polkit on Debian 13.
    let is_private = line.starts_with("/var/tmp/systemd-private-") && !line.contains("fieldlink");
    backups.contains(&line) || of_others.iter().any(|begin| line.starts_with(begin)) || is_private
}

pub(crate) fn purge(container: &Container, packages: &str) {
    container.shell("rm -f /etc/fieldlink/ca.pem /etc/fieldlink/relay.crt /etc/fieldlink/relay.key");
    container.shell(&format!("DEBIAN_FRONTEND=noninteractive apt-get purge -y {packages} 2>&1"));
}

pub(crate) fn check_that_nothing_is_new(before: &BTreeSet<String>, container: &Container) {
    let after = everything(container);
    let left: Vec<&String> = after.difference(before).collect();
    assert!(left.is_empty(), "left behind: {left:#?}");
    let lost: Vec<&String> = before.difference(&after).filter(|line| !line.starts_with("/run")).collect();
    assert!(lost.is_empty(), "taken away: {lost:#?}");
}

/// As an operator may have done: what names an account that is no more must not stay.
fn enable_examples(container: &Container) {
    let examples = "/usr/share/doc/fieldlink-agent/examples";
    let drop_ins = "/etc/systemd/system/fieldlink-session@.service.d";
    container.shell(&format!(
        "install -m 0440 {examples}/sudoers /etc/sudoers.d/fieldlink-support
         mkdir -p {drop_ins} && cp {examples}/no-network.conf {drop_ins}/
         cp {examples}/log-directories.conf /etc/tmpfiles.d/fieldlink-log-directories.conf"
    ));
}

#[test]
fn purge_leaves_nothing_even_after_sessions() {
    let Some(site) = Site::boot_bare(SiteOptions::default()) else { return };
    // The account of the client is the test's own.
    site.scanner.run_as(fieldlink_tests::container::Person::Client, &["true"]);
    site.relay.shell("useradd --create-home ada && userdel --remove ada");
    let before = [&site.scanner, &site.relay].map(everything);
    site.set_up();
    let call = site.call();
    call.output_of("touch ~/of-the-engineer");
    call.end();
    enable_examples(&site.scanner);
    purge(&site.scanner, "fieldlink-agent");
    check_that_nothing_is_new(&before[0], &site.scanner);
    site.relay.shell("userdel --remove ada");
    purge(&site.relay, "fieldlink-relay fieldlink-connect");
    check_that_nothing_is_new(&before[1], &site.relay);
}

#[test]
fn removing_stops_the_agent_and_keeps_what_was_configured() {
    let Some(site) = Site::boot() else { return };
    site.scanner.shell("DEBIAN_FRONTEND=noninteractive apt-get remove -y fieldlink-agent 2>&1");
    assert_eq!(site.scanner.processes_of("fieldlink"), "");
    assert!(site.scanner.read("/etc/fieldlink/agent.toml").contains("relay.test"));
    assert!(!site.scanner.has("/usr/bin/fieldlink"));
    assert!(!site.scanner.has("/run/fieldlink/session.sock"));
}

#[test]
fn what_was_installed_is_whole_and_describes_itself() {
    let Some(site) = Site::boot() else { return };
    let verified = site.scanner.shell("dpkg --verify fieldlink-agent || true");
    // The configuration is the only file that was changed.
    assert_eq!(
        verified.lines().filter(|line| !line.contains("/etc/fieldlink/agent.toml")).count(),
        0,
        "{verified}"
    );
    for page in ["fieldlink", "fieldlink-agent"] {
        site.scanner.run(&["man", "--where", page]);
    }
    for page in ["fieldlink-relay", "fieldlink-connect"] {
        site.relay.run(&["man", "--where", page]);
    }
    let version = site.client().run(&["version"]);
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    // Nothing listens on a scanner.
    let listeners = site.scanner.run(&["ss", "--no-header", "--listening", "--tcp", "--udp", "--numeric"]);
    assert_eq!(listeners.trim(), "", "{listeners}");
    let degraded = site.scanner.shell("systemctl --failed --no-legend --plain");
    assert_eq!(degraded.trim(), "");
}
