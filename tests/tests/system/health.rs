//! The device's health on a real system: systemd's failed units, and the probe that is shipped as an example, asked by the
//! confined agent; the same for both sides, with before and after in the report.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::Site;
use fieldlink_tests::programs::eventually;
use serde_json::{Value, json};

const EXAMPLES: &str = "/usr/share/doc/fieldlink-agent/examples/probe";

/// What the example says that an operator does; the lidar at the back does not turn.
fn set_up(site: &Site) {
    site.scanner.shell(&format!(
        "cd {EXAMPLES} && install -D -m 755 lidars /usr/local/lib/scanner/lidars && \
         install -m 644 scanner-lidars.socket scanner-lidars@.service /etc/systemd/system && \
         cat agent.toml >>/etc/fieldlink/agent.toml && mkdir -p /run/scanner && echo 1200 >/run/scanner/lidar-front"
    ));
    site.scanner.shell(
        "systemctl daemon-reload && systemctl enable --quiet --now scanner-lidars.socket && systemctl restart fieldlink-agent",
    );
    site.scanner
        .shell("systemd-run --quiet --unit=scanner-driver false; systemctl is-failed --wait scanner-driver");
}

fn health(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(json)))
}

#[test]
fn both_sides_read_it_and_the_report_compares() {
    let Some(site) = Site::boot() else { return };
    set_up(&site);
    let client = site.client();
    let seen = health(client.run(&["health", "--json"]).as_bytes());
    let failed = seen["health"]["failed_units"].as_array().unwrap_or_else(|| panic!("{seen}"));
    assert!(failed.contains(&json!("scanner-driver.service")), "{seen}");
    let readings = seen["health"]["probes"][0]["readings"].as_array().expect("the probe answers").clone();
    let states: Vec<_> = readings.iter().map(|reading| (&reading["name"], &reading["state"])).collect();
    assert_eq!(states, [(&json!("front"), &json!("ok")), (&json!("rear"), &json!("bad"))], "{seen}");
    assert!(seen["health"]["kernel"].is_string() && seen["health"]["clock"].is_object(), "{seen}");

    let call = site.call();
    let theirs = call.connect(&["health", "--json"]);
    let theirs = health(&theirs.stdout);
    assert_eq!(theirs["health"]["probes"], seen["health"]["probes"]);
    assert_eq!(call.connect(&["health", "--check"]).status.code(), Some(4));
    // The engineer's account reaches neither the probe nor its socket.
    assert!(!call.try_to("test -w /run/fieldlink/probes/lidars.sock").status.success());
    site.scanner.shell("echo 1250 >/run/scanner/lidar-rear; systemctl reset-failed scanner-driver");
    call.end();
    eventually("the record is closed", PATIENCE, || {
        let listed = client.try_to(&["records", "--json"]).stdout;
        serde_json::from_slice::<Value>(&listed).is_ok_and(|listed| listed[0]["closed"] == true)
    });
    let report = client.run(&["report"]);
    for line in ["lidars: rear: none (bad) → 1250 rpm", "Failed: scanner-driver.service: yes → no"] {
        assert!(report.contains(line), "{line}: {report}");
    }
}
