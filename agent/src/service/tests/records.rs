//! The records, as their client reads them over the bus.

use std::io::{Read, Write};

use fieldlink_device::bus::{ErrorCode, RecordOnBus, RecordsProperties};
use fieldlink_evidence::{ANCHORS, DEVICE_KEY, Digest, Directory, EVENTS, KeptAnchor, Receipt, Trust, check};
use fieldlink_identity::TrustedKey;

use super::peers::{Call, Peers, RECORDED, Said};

const RECORDS: &str = RecordsProperties::INTERFACE;

async fn read(peers: &Peers, call: Call) -> String {
    let mut text = String::new();
    peers.file_of(&call).await.read_to_string(&mut text).expect("text");
    text
}

#[tokio::test]
async fn a_record_is_read_file_by_file_and_can_be_checked_elsewhere() {
    let peers = Peers::start(Said::default()).await;
    let list: Vec<RecordOnBus> = peers.body_of(&Call::new(RECORDS, "List", ())).await;
    assert!(matches!(&list[..], [(session, .., true)] if session == RECORDED), "{list:?}");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let names: Vec<String> = peers.body_of(&Call::new(RECORDS, "Files", RECORDED)).await;
    for name in &names {
        let content = read(&peers, Call::new(RECORDS, "Open", (RECORDED, name.as_str()))).await;
        std::fs::write(elsewhere.path().join(name), content).expect("written");
    }
    let key = peers.property(RECORDS, "DeviceKey").await;
    let device_key = Some(TrustedKey::from_line(&key).expect("a key"));
    let trust = Trust { device_key, ..Trust::default() };
    let findings = check(&Directory::new(elsewhere.path()), &trust).expect("nothing is wrong");
    assert!(names.iter().any(|name| name == DEVICE_KEY) && findings.device_key_is_trusted);
    let (session, words, head, anchor, anchored): (String, String, String, String, bool) =
        peers.body_of(&Call::new(RECORDS, "Receipt", "")).await;
    assert!(words.parse::<Receipt>().expect("twelve words").is_of(&findings.head.digest));
    assert!(session == RECORDED && findings.head.digest.to_string().starts_with(&head) && head.len() == 32);
    assert_eq!((anchor.as_str(), anchored), ("", false));
}

#[tokio::test]
async fn what_is_read_cannot_be_written() {
    let peers = Peers::start(Said::default()).await;
    for call in [
        Call::new(RECORDS, "Open", (RECORDED, EVENTS)),
        Call::new(RECORDS, "Report", (RECORDED, "en", "html")),
    ] {
        peers.file_of(&call).await.write_all(b"x").expect_err("it is for reading");
    }
}

#[tokio::test]
async fn a_report_is_made_in_the_form_and_language_that_are_asked_for() {
    let peers = Peers::start(Said::default()).await;
    let report = async |language: &str, form: &str| {
        read(&peers, Call::new(RECORDS, "Report", (RECORDED, language, form))).await
    };
    assert!(report("en", "html").await.starts_with("<!"));
    let [english, german] = [report("en", "text").await, report("de", "text").await];
    assert!(
        english != german && english.contains(RECORDED) && german.contains(RECORDED),
        "{english}{german}"
    );
    serde_json::from_str::<serde_json::Value>(&report("en", "json").await).expect("JSON");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let mut peers = Peers::start(Said::default()).await;
    let other = "ff".repeat(16);
    // A link is none of the record's files, wherever it leads.
    let link = peers.state.path().join("records").join(RECORDED).join("passwd");
    std::os::unix::fs::symlink("/etc/passwd", link).expect("made");
    for call in [
        Call::new(RECORDS, "Files", other.as_str()),
        Call::new(RECORDS, "Report", (other.as_str(), "en", "text")),
        Call::new(RECORDS, "Receipt", other.as_str()),
        Call::new(RECORDS, "Open", (RECORDED, "terminal-9.cast")),
    ] {
        assert_eq!(peers.call(&call, Ok(())).await, Err(ErrorCode::NoRecord.name().to_owned()));
    }
    let link = Call::new(RECORDS, "Open", (RECORDED, "passwd"));
    assert_eq!(peers.call(&link, Ok(())).await, Err(ErrorCode::RecordsUnusable.name().to_owned()));
}

#[tokio::test]
async fn a_receipt_has_the_anchor_that_is_of_its_session_and_nearest_to_its_end() {
    let peers = Peers::start(Said::default()).await;
    let record = peers.state.path().join("records").join(RECORDED);
    let head = check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong").head;
    let line = |session: &str, seq: u64, digest: Digest| {
        let line = format!("fieldlink-anchor v1 | {session} | {seq} | {digest} | 2026-11-30T17:36:33Z");
        let kept = KeptAnchor { line, signature: String::new() };
        format!("{}\n", serde_json::to_string(&kept).expect("JSON"))
    };
    let other = line(&"ff".repeat(16), 99, head.digest);
    let earlier = line(RECORDED, 0, Digest::NONE);
    let last = line(RECORDED, head.seq, head.digest);
    let receipt = async |kept: &str| {
        std::fs::write(record.join(ANCHORS), kept).expect("written");
        let receipt: (String, String, String, String, bool) =
            peers.body_of(&Call::new(RECORDS, "Receipt", RECORDED)).await;
        (receipt.3, receipt.4)
    };
    assert_eq!(receipt(&other).await, (String::new(), false));
    let (anchor, is_whole) = receipt(&format!("{earlier}{other}")).await;
    assert!(anchor.contains(" | 0 | ") && !is_whole, "{anchor}");
    let (anchor, is_whole) = receipt(&format!("{last}{earlier}{other}")).await;
    assert!(anchor.contains(&format!(" | {} | {}", head.seq, head.digest)) && is_whole, "{anchor}");
}
