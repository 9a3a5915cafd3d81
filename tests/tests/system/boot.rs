//! The agent comes up by itself, and reports its state.

use std::time::Duration;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Client, Person, Site, SiteOptions};
use fieldlink_tests::programs::eventually;

const AGENT: &str = "fieldlink-agent.service";

fn wait_for_agent(site: &Site) -> u32 {
    let mut pid = None;
    eventually("the agent runs", PATIENCE, || {
        let is_active = site.scanner.property(AGENT, "ActiveState") == "active";
        pid = site.scanner.main_pid(AGENT).filter(|_| is_active);
        pid.is_some()
    });
    pid.expect("just found")
}

#[test]
fn the_agent_is_up_after_a_boot_and_remote_access_is_off() {
    let Some(site) = Site::boot() else { return };
    site.client().start();
    site.scanner.reboot();
    wait_for_agent(&site);
    assert_eq!(site.client().state(), "off", "{}", site.client().status());
    assert_eq!(site.scanner.property(AGENT, "NRestarts"), "0");
    assert_eq!(site.scanner.property(AGENT, "User"), "fieldlink");
    let units = ["fieldlink-agent.service", "fieldlink-session.socket", "fieldlink-diagnose.socket"];
    for unit in units {
        assert_eq!(site.scanner.run(&["systemctl", "is-active", unit]).trim(), "active", "{unit}");
    }
    assert_eq!(site.scanner.processes_of("fieldlink-support"), "", "before any session");

    // What an administrator reads: which service it is, that it runs, and a line with its state.
    let text = site.scanner.run(&["systemctl", "status", "--no-pager", AGENT]);
    let status = text.lines().find_map(|line| line.trim().strip_prefix("Status: "));
    let status = status.unwrap_or_else(|| panic!("no status line:\n{text}"));
    assert!(status.to_lowercase().contains("off"), "{status}");
    assert!(text.contains("Active: active (running)"), "{text}");
    let description = site.scanner.property(AGENT, "Description");
    assert!(description.contains("Fieldlink"), "{description}");
    assert!(!text.contains("\u{1b}["), "no colours in a journal:\n{text}");
    site.client().start();
    let text = site.scanner.run(&["systemctl", "status", "--no-pager", AGENT]);
    assert!(
        !text.contains(&site.client().credentials().pin),
        "the PIN is nobody's but the client's:\n{text}"
    );
}

#[test]
fn nobody_but_the_client_at_the_screen_sees_the_pair() {
    let Some(site) = Site::boot() else { return };
    let pair = site.client().start();
    assert_eq!(pair, site.client().credentials(), "the pair stays");
    for person in [Person::Away, Person::Account("nobody")] {
        let other = Client::as_person(&site.scanner, person);
        let output = other.try_to(&["credentials", "--json"]);
        assert_eq!(output.status.code(), Some(4), "{person:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains(&pair.pin), "{person:?}");
        // Reading the state is open to every account.
        assert_eq!(other.state(), "ready", "{person:?}");
        assert_eq!(other.code_of(&["stop"]), Some(4), "{person:?}");
    }
    assert_eq!(site.client().code_of(&["stop"]), Some(0));
    assert_eq!(site.client().state(), "off");
    assert_ne!(site.client().start(), pair, "a new start is a new pair");
    site.scanner.run(&["systemctl", "stop", AGENT]);
    assert_eq!(site.client().code_of(&["status"]), Some(3));
    assert_eq!(site.client().code_of(&["no-such-command"]), Some(2));
}

#[test]
fn at_boot_gives_a_new_pair_once_a_boot_and_never_after_a_crash() {
    let Some(site) = Site::boot_with(SiteOptions { at_boot: true, ..SiteOptions::default() }) else {
        return;
    };
    let mut pairs = Vec::new();
    for _ in 0..2 {
        site.scanner.reboot();
        wait_for_agent(&site);
        site.client().watch().until_state("ready");
        pairs.push(site.client().credentials());
    }
    assert_ne!(pairs[0], pairs[1]);
    assert_ne!(pairs[0].support_id, pairs[1].support_id);

    let killed = wait_for_agent(&site);
    site.scanner.signal("KILL", killed);
    eventually("another agent runs", Duration::from_secs(30), || {
        site.scanner.main_pid(AGENT).is_some_and(|pid| pid != killed)
    });
    wait_for_agent(&site);
    assert_eq!(site.client().state(), "off", "after a crash only a press starts it");

    // Neither does a restart in order.
    site.scanner.run(&["systemctl", "restart", AGENT]);
    wait_for_agent(&site);
    assert_eq!(site.client().state(), "off", "once a boot");
}
