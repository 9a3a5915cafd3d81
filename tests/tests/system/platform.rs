//! What the system that a scanner was delivered with makes of what the packages bring.

use std::collections::BTreeSet;

use fieldlink_tests::container::{Container, Person, Platform, Site};

/// What systemd leaves out of our units, and says so.
fn unknown_settings(container: &Container, units: &[&str]) -> BTreeSet<String> {
    let cursor = container.cursor();
    container.run(&["systemctl", "daemon-reload"]);
    // systemd reads a unit only when it is asked for.
    container.run(&[&["systemctl", "show", "--property=LoadState"], units].concat());
    let entries = container.entries(Some(&cursor));
    let said = entries.iter().map(|entry| entry.message()).filter(|message| message.contains("fieldlink"));
    let ignored = said.filter(|message| message.contains("gnoring"));
    // /lib/systemd/system/fieldlink-agent.service:83: Unknown key name 'ExecPaths' in section 'Service', ignoring.
    ignored
        .map(|message| {
            let name = message.split_once("key name '").and_then(|(_, rest)| rest.split_once('\''));
            name.map_or(message, |(name, _)| name).to_owned()
        })
        .collect()
}

#[test]
fn every_setting_is_known_or_named_as_missing() {
    let Some(site) = Site::boot() else { return };
    let missing: &[&str] = match Platform::chosen() {
        Platform::Debian11 => &["ExecPaths", "NoExecPaths"],
        Platform::Debian12 | Platform::Debian13 => &[],
    };
    let missing: BTreeSet<String> = missing.iter().map(|&name| name.to_owned()).collect();
    let agents = [
        "fieldlink-agent.service",
        "fieldlink-at-jobs.service",
        "fieldlink-diagnose.socket",
        "fieldlink-diagnose@0.service",
        "fieldlink-session.socket",
        "fieldlink-session@0.service",
    ];
    assert_eq!(unknown_settings(&site.scanner, &agents), missing);
    assert_eq!(unknown_settings(&site.relay, &["fieldlink-relay.service"]), missing);
}

/// Whether polkit lets an account restart the computer: yes, no, or only with a password. Root asks: the bus lets the
/// support account send polkit nothing.
fn may_restart(scanner: &Container, user: &str) -> Option<i32> {
    let line = "setpriv --reuid=\"$0\" --clear-groups sleep 60 & \
                until [ \"$(stat --format=%U /proc/$!)\" = \"$0\" ]; do kill -0 $! || exit 9; done; \
                pkcheck --action-id org.freedesktop.login1.reboot --process $!; code=$?; kill $!; exit $code";
    scanner.output_as(Person::Root, &["bash", "-c", line, user]).status.code()
}

#[test]
fn polkit_decides_by_the_rules_that_it_reads() {
    const YES: Option<i32> = Some(0);
    const NO: Option<i32> = Some(1);
    const WITH_A_PASSWORD: Option<i32> = Some(2);
    let Some(site) = Site::boot() else { return };
    let scanner = &site.scanner;
    let (read, unread) = {
        let rules = "/usr/share/polkit-1/rules.d/10-com.navvis.fieldlink1.rules";
        let authority = "/var/lib/polkit-1/localauthority/10-vendor.d/com.navvis.fieldlink1.pkla";
        match Platform::chosen() {
            Platform::Debian11 => (authority, rules),
            Platform::Debian12 | Platform::Debian13 => (rules, authority),
        }
    };
    let answers = || ["fieldlink", "fieldlink-support", "nobody"].map(|user| may_restart(scanner, user));
    assert_eq!(answers(), [YES, NO, WITH_A_PASSWORD]);
    scanner.run(&["rm", unread]);
    scanner.run(&["systemctl", "restart", "polkit"]);
    assert_eq!(answers(), [YES, NO, WITH_A_PASSWORD], "without {unread}");
    scanner.run(&["rm", read]);
    scanner.run(&["systemctl", "restart", "polkit"]);
    assert_eq!(answers(), [WITH_A_PASSWORD; 3], "without {read}");
}
