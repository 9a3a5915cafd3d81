//! Restarts of the scanner with which a session goes on: by logind, and by cutting the power.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Site, wait_until_back};
use fieldlink_tests::programs::eventually;

const STORED: &str = "/var/lib/fieldlink-agent/carry-on.json";

/// Changes what was written down, as its owner could.
fn change_stored(site: &Site, expression: &str) {
    site.scanner.shell(&format!("sed '{expression}' {STORED} >/root/changed && cat /root/changed >{STORED}"));
}

/// The record is one, from the first boot to the last, and holds.
fn one_record_has_all_of_it(site: &Site) {
    let client = site.client();
    let session =
        || site.scanner.shell("ls /var/lib/fieldlink-agent/records | grep -v deleted").trim().to_owned();
    eventually("the record is closed", PATIENCE, || {
        site.scanner.has(&format!("/var/lib/fieldlink-agent/records/{}/SHA256SUMS", session()))
    });
    client.run(&["record", &session(), "-o", "/tmp/record"]);
    client.run(&["verify", "/tmp/record"]);
    let report = client.run(&["report"]);
    assert_eq!(report.matches("The record goes on after a restart of the device").count(), 2, "{report}");
    assert!(report.contains("echo back"), "{report}");
}

#[test]
fn a_session_goes_on_after_a_restart_without_a_pin_and_time_counts_on() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    let before = client.status();
    site.agree_to_restart(&mut call, &["--reason", "after the update"]);
    site.scanner.wait_for_next_boot();
    assert!(!site.scanner.has(STORED), "it is used up before it is used");
    let asked = site.answer_offer("allow");
    assert_eq!((&asked["state"], &asked["session"]), (&"asking".into(), &before["session"]));
    assert!((1..=60).contains(&asked["question"]["minutes"].as_u64().expect("minutes")));
    assert!(client.run(&["status"]).contains("Ada"));
    wait_until_back(&mut call);
    assert_eq!(call.output_of("cat /proc/sys/kernel/random/boot_id").trim().len(), 36);
    let after = client.status();
    assert_eq!((&after["state"], &after["session"]), (&"active".into(), &before["session"]));
    let left = |status: &serde_json::Value| status["remaining_seconds"].as_u64().expect("seconds");
    assert!(left(&after) < left(&before), "{after} {before}");
    assert_eq!(client.code_of(&["credentials"]), Some(1), "no pair leads in");
    // Once more in the same session.
    site.agree_to_restart(&mut call, &[]);
    site.scanner.wait_for_next_boot();
    site.answer_offer("allow");
    wait_until_back(&mut call);
    assert_eq!(call.output_of("echo back").trim(), "back");
    call.end();
    one_record_has_all_of_it(&site);
    let journal = site.scanner.journal("fieldlink-agent.service");
    assert!(
        journal.contains("whether the session goes on") && journal.contains("the client agreed"),
        "{journal}"
    );
}

#[test]
fn what_the_client_does_not_want_or_what_is_not_as_it_was_written_does_not_go_on() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    site.agree_to_restart(&mut call, &["--power", "--reason", "the battery"]);
    let said = client.run(&["status"]);
    assert!(said.contains("the power can be switched off"), "{said}");
    let mode = site.scanner.run(&["stat", "--format=%a %U", STORED]);
    assert_eq!(mode.trim(), "600 fieldlink");
    assert!(!call.try_to("true").status.success(), "everything of the session has ended");
    site.scanner.cut_power();
    site.answer_offer("refuse");
    call.holder.wait_for("client-refused");
    call.holder.wait_for_end();
    assert_eq!(client.state(), "off");

    // Late, another computer's, readable by others.
    let spoilt: [&dyn Fn(); 3] = [
        &|| change_stored(&site, "s/\"wall\":1\\([0-9]*\\)/\"wall\":0\\1/; s/\"wall\":0*/\"wall\":/"),
        &|| change_stored(&site, "s/\"machine\":\"[0-9a-f]*/\"machine\":\"0/"),
        &|| drop(site.scanner.shell(&format!("chmod 644 {STORED}"))),
    ];
    for spoil in spoilt {
        let mut call = site.call();
        site.agree_to_restart(&mut call, &["--power"]);
        spoil();
        site.scanner.cut_power();
        eventually("the agent is there", PATIENCE, || client.code_of(&["status"]) == Some(0));
        assert!(!site.scanner.has(STORED));
        eventually("it says why not", PATIENCE, || {
            let boots = site.scanner.run(&[
                "journalctl",
                "--boot",
                "--unit",
                "fieldlink-agent.service",
                "--output",
                "cat",
            ]);
            boots.contains("a session does not go on after a restart")
        });
        assert_eq!(client.state(), "off");
        // A session that the scanner gave up for good has ended here, too.
        site.relay.shell("pkill -INT fieldlink-conne || true");
        call.holder.wait_for_end();
    }
}

#[test]
fn the_engineer_can_give_up_waiting_and_can_be_started_again_meanwhile() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    let pair_of_before = client.status();
    site.agree_to_restart(&mut call, &["--power"]);
    // The engineer's program is killed, and started again, while the scanner is away.
    site.relay.shell("pkill -KILL fieldlink-conne");
    call.holder.wait_for_end();
    let id = call.support_id();
    let mut again = site.engineer().come_back(&id);
    again.wait_for("\"state\":\"restarting\"");
    let seen = String::from_utf8_lossy(&call.connect(&["status", "--json"]).stdout).into_owned();
    assert!(seen.contains("\"restarting\""), "other terminals see what is waited for, too: {seen}");
    // Two moments at which the power may go are as good as any.
    std::thread::park_timeout(Duration::from_millis(u64::from(std::process::id() % 400)));
    site.scanner.cut_power();
    let asked = site.answer_offer("allow");
    assert_eq!(asked["session"], pair_of_before["session"]);
    again.wait_for_within("\"state\":\"active\"", PATIENCE).expect("the engineer is back");
    let mut call = site.engineer().continued(&id, again);
    assert_eq!(call.output_of("echo back").trim(), "back");

    let stored = || site.scanner.shell(&format!("cp --preserve {STORED} /root/kept 2>/dev/null || true"));
    site.agree_to_restart(&mut call, &["--power"]);
    stored();
    site.relay.shell("pkill -INT fieldlink-conne");
    call.holder.wait_for_end();
    site.scanner.cut_power();
    site.answer_offer("allow");
    eventually("the client reads that the engineer ended it", PATIENCE, || client.state() == "off");
    assert!(client.status()["notice"]["sentence"].as_str().expect("why").contains("the engineer ended it"));
    // What was written down is worth nothing any more, should somebody have kept it.
    site.scanner.shell(&format!("cp --preserve /root/kept {STORED}"));
    site.scanner.reboot();
    site.answer_offer("allow");
    eventually("it is refused", PATIENCE, || client.state() == "off");
}

#[test]
fn an_update_asks_for_a_restart_and_the_session_goes_on() {
    let Some(site) = Site::boot() else { return };
    super::operations::set_up(&site);
    site.scanner.shell(
        "printf '#!/bin/sh\\necho ::fieldlink restart\\n' >/usr/local/lib/scanner/update; \
         printf '[policy]\\noperations = \"allowed\"\\n' >>/etc/fieldlink/agent.toml; systemctl restart fieldlink-agent",
    );
    let mut call = site.call();
    let updated = call.connect(&["operation", "update"]);
    let said = String::from_utf8_lossy(&updated.stderr).into_owned();
    assert!(updated.status.success() && said.contains("fieldlink-connect restart"), "{said}");
    site.agree_to_restart(&mut call, &["--reason", "for the update"]);
    site.scanner.wait_for_next_boot();
    site.answer_offer("allow");
    wait_until_back(&mut call);
    assert_eq!(call.output_of("echo back").trim(), "back");
    call.end();
}

#[test]
fn a_crash_before_the_power_goes_and_a_second_restart_lose_nothing_and_what_starts_at_boot_waits() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    let session = client.status()["session"].clone();
    site.agree_to_restart(&mut call, &["--power"]);
    site.scanner.shell("systemctl kill --signal=KILL fieldlink-agent");
    eventually("the agent is there again", PATIENCE, || client.code_of(&["status"]) == Some(0));
    assert!(site.scanner.has(STORED), "what is for the next boot is left alone in this one");
    // From the next boot on remote access starts by itself.
    site.configure(true);
    site.scanner.cut_power();
    site.wait_until_offered();
    assert!(!site.scanner.has(STORED), "it is used up before it is used");
    site.scanner.reboot();
    site.wait_until_offered();
    site.scanner.shell("systemctl restart fieldlink-agent");
    let asked = site.answer_offer("allow");
    assert_eq!(asked["session"], session);
    wait_until_back(&mut call);
    assert_eq!(call.output_of("echo back").trim(), "back");
    call.end();
    eventually("it is over", PATIENCE, || client.state() == "off");
}

#[test]
fn remote_access_that_starts_at_boot_starts_after_a_no() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    site.configure(true);
    site.agree_to_restart(&mut call, &[]);
    site.scanner.wait_for_next_boot();
    site.answer_offer("refuse");
    call.holder.wait_for("client-refused");
    call.holder.wait_for_end();
    eventually("it starts", PATIENCE, || client.state() == "ready");
    assert_eq!(client.code_of(&["credentials"]), Some(0));
}

#[test]
fn a_clock_that_is_behind_is_waited_for_before_anything_is_refused() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut call = site.call();
    site.agree_to_restart(&mut call, &["--power"]);
    // As if the clock had been set back: what was written down is ahead of it.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    change_stored(&site, &format!("s/\"wall\":[0-9]*/\"wall\":{}/", now.as_secs() + 18));
    site.scanner.cut_power();
    eventually("the client reads why", PATIENCE, || {
        client.code_of(&["status"]) == Some(0) && client.status()["notice"]["code"] == "clock-awaited"
    });
    assert_eq!(client.state(), "off");
    site.answer_offer("allow");
    wait_until_back(&mut call);
    assert_eq!(call.output_of("echo back").trim(), "back");
    call.end();
}

#[test]
fn the_power_may_go_at_any_moment_once_both_sides_read_so() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    for _ in 0..3 {
        site.agree_to_restart(&mut call, &["--power"]);
        let moment = Duration::from_millis(RandomState::new().build_hasher().finish() % 1_000);
        std::thread::park_timeout(moment);
        site.scanner.cut_power();
        site.answer_offer("allow");
        wait_until_back(&mut call);
        assert_eq!(call.output_of("echo back").trim(), "back", "the power went after {moment:?}");
    }
    call.end();
}

#[test]
fn who_does_not_know_the_key_does_not_get_in_and_keeps_nobody_out() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    let id = call.support_id();
    site.agree_to_restart(&mut call, &["--power"]);
    site.relay.shell("pkill -KILL fieldlink-conne");
    call.holder.wait_for_end();
    // Somebody has the session's files, but not the key.
    site.relay.shell(
        "set -eu; where=$(dirname /home/ada/run/*/restart.json); cp --archive \"$where\" /root/kept; \
         echo \"$where\" >/root/where; sed --in-place 's/\"key\":\"..../\"key\":\"AAAA/' /home/ada/run/*/restart.json",
    );
    let mut stranger = site.engineer().come_back(&id);
    stranger.wait_for("\"state\":\"restarting\"");
    site.scanner.cut_power();
    site.answer_offer("allow");
    stranger.wait_for_end();
    assert!(!stranger.transcript().contains("\"active\""), "{}", stranger.transcript());
    assert_eq!(site.client().state(), "returning");
    // Another engineer has all of it.
    let put_back = || {
        site.relay
            .shell("set -eu; where=$(cat /root/where); rm -rf \"$where\"; cp --archive /root/kept \"$where\"")
    };
    put_back();
    site.relay.shell(
        "cd /home/ada/config; cp --archive credential /root/credential; \
         fieldlink-relay engineer add Eve --company Other >credential",
    );
    let mut other = site.engineer().come_back(&id);
    other.wait_for_end();
    assert!(!other.transcript().contains("\"active\""), "{}", other.transcript());
    assert_eq!(site.client().state(), "returning");
    site.relay.shell("cp --archive /root/credential /home/ada/config/credential");
    put_back();
    let mut again = site.engineer().come_back(&id);
    again.wait_for_within("\"state\":\"active\"", PATIENCE).expect("the engineer is back");
}
