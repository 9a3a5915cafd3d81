//! The record of a session on a real system: the client's, and out of reach of the account that engineers work as.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Client, Site};
use fieldlink_tests::programs::eventually;

const RECORDS: &str = "/var/lib/fieldlink-agent/records";

/// Whether the one record is closed.
fn is_closed(client: &Client<'_>) -> bool {
    let listed = client.try_to(&["records", "--json"]).stdout;
    serde_json::from_slice::<serde_json::Value>(&listed).is_ok_and(|listed| listed[0]["closed"] == true)
}

#[test]
fn what_is_recorded_is_the_clients_and_not_the_engineers() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let call = site.call();
    assert_eq!(call.output_of("echo recorded-line"), "recorded-line\n");
    for attempt in [
        format!("ls {RECORDS}"),
        format!("cat {RECORDS}/*/events.jsonl"),
        format!("rm -rf {RECORDS}"),
        format!("sh -c 'echo >> {RECORDS}/deleted.jsonl'"),
        "cat /var/lib/fieldlink-agent/device-key".to_owned(),
        "fieldlink records".to_owned(),
        "fieldlink forget --all --yes".to_owned(),
    ] {
        let output = call.try_to(&attempt);
        assert!(!output.status.success() && output.stdout.is_empty(), "{attempt}: {output:?}");
    }
    call.end();
    eventually("the record is closed", PATIENCE, || is_closed(&client));
    let report = client.run(&["report"]);
    assert!(report.contains("echo recorded-line") && report.contains("the engineer ended it"), "{report}");
    let session = site.scanner.shell(&format!("ls {RECORDS} | grep -v deleted"));
    let copy = "/tmp/record";
    client.run(&["record", session.trim(), "-o", copy]);
    let verified = client.run(&["verify", copy]);
    assert!(verified.contains(session.trim()), "{verified}");
    let mode = site.scanner.run(&["stat", "-c", "%a %U", RECORDS]);
    assert_eq!(mode, "700 fieldlink\n");
    assert!(
        site.scanner
            .run(&["cat", &format!("{RECORDS}/{}/SHA256SUMS", session.trim())])
            .contains("events.jsonl")
    );
}

/// The power is cut in the middle of a session: its record is closed when the agent starts, and holds.
#[test]
fn a_power_cut_leaves_a_record_that_is_closed_at_the_next_start() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    assert_eq!(call.output_of("echo before-the-cut"), "before-the-cut\n");
    eventually("it is written", PATIENCE, || {
        site.scanner.shell(&format!("cat {RECORDS}/*/events.jsonl")).contains("before-the-cut")
    });
    site.scanner.cut_power();
    drop(call);
    let client = site.client();
    eventually("the record is closed", PATIENCE, || is_closed(&client));
    let session = site.scanner.shell(&format!("ls {RECORDS} | grep -v deleted"));
    client.run(&["record", session.trim(), "-o", "/tmp/record"]);
    let verified = client.run(&["verify", "/tmp/record"]);
    assert!(verified.contains("closed the record when it started again"), "{verified}");
}
