//! What root on the device can do, who has its key: write the record anew and sign it.

use fieldlink_evidence::*;
use fieldlink_identity::SigningKey;

use super::record::{Case, another, honest};
use super::{accepted, refused};

/// Writes the account anew with other events, closes and signs it.
fn rewritten(edit: impl FnOnce(&mut Vec<String>)) -> Case {
    let mut case = honest();
    case.files.remove("anchors.jsonl");
    let mut events = case.events();
    edit(&mut events);
    case.close(events, |_, line| line);
    case
}

/// Writes the account anew with a part of one event replaced.
fn replaced(kind: &str, from: &str, to: &str) -> Case {
    rewritten(|events| {
        let kind = format!("{{\"type\":\"{kind}\"");
        let event = events.iter_mut().find(|event| event.starts_with(&kind)).expect("an event");
        assert!(event.contains(from), "{event}");
        *event = event.replacen(from, to, 1);
    })
}

fn fault(problem: Problem) -> AnchorFault {
    let Problem::Anchor { fault, .. } = problem else { panic!("{problem}") };
    fault
}

#[test]
fn what_was_anchored_cannot_be_rewritten() {
    let honest = honest();
    let last = honest.heads().len() - 1;
    let time = || "2026-12-01T00:00:00Z".to_owned();
    let mut case = replaced("chat", "quoted", "forged");
    accepted("a chat that nobody outside knows", &case);
    case.receipt = Some(honest.heads()[last]);
    assert_eq!(refused("the receipt is held", &case), Problem::Receipt);
    case.receipt = None;
    case.outside = vec![honest.anchor(9), honest.anchor(last)];
    assert_eq!(
        fault(refused("anchors are held", &case)),
        AnchorFault::Rewritten { seq: last as u64, time: time() }
    );
    case.files.insert("anchors.jsonl".into(), honest.files["anchors.jsonl"].clone());
    case.outside.clear();
    refused("anchors are left in the record", &case);

    for cut in [1, 5, last - 1] {
        let mut case = rewritten(|events| events.truncate(events.len() - cut));
        accepted("an account that was cut", &case);
        case.outside = vec![honest.anchor(last)];
        let expected = AnchorFault::Cut { last: (last - cut) as u64, seq: last as u64, time: time() };
        assert_eq!(fault(refused("the last anchor is held", &case)), expected);
    }
    let mut case = rewritten(|events| events.push("{\"type\":\"called\"}".into()));
    case.outside = vec![honest.anchor(9)];
    accepted("something happened behind the anchor", &case);
    // And without the engineers' proofs, which name the session.
    let (old, new) = (honest.session.to_string(), another().session.to_string());
    let mut case = rewritten(|events| {
        events[0] = events[0].replace(&old, &new);
        events.retain(|event| !event.contains("\"certified\""));
    });
    accepted("it is called another session", &case);
    case.outside = vec![honest.anchor(9)];
    let expected = Problem::OtherAnchors(another().session);
    assert_eq!(refused("anchors of the session that it was are held", &case), expected);
    let mut case = rewritten(|events| events.swap(3, 4));
    case.outside = vec![honest.anchor(9)];
    refused("the order was changed", &case);
}

#[test]
fn a_new_device_key_is_another_device() {
    let mut case = honest();
    let known = case.device.public_line().expect("a line");
    case.device = SigningKey::generate("scanner-7").expect("a key");
    let line = case.device.public_line().expect("a line");
    case.put("device.pub", format!("{line}\n"));
    let events = case.events();
    case.sign();
    assert!(matches!(refused("the account names the old key", &case), Problem::Event { line: 1, .. }));
    let events = events.into_iter().map(|event| event.replace(&known, &line)).collect();
    case.close(events, |_, line| line);
    assert!(matches!(fault(refused("anchors are there", &case)), AnchorFault::Rewritten { seq: 3, .. }));
    case.files.remove("anchors.jsonl");
    accepted("nobody knows the device", &case);
    case.device_key = Some(known);
    assert!(matches!(refused("the device is known", &case), Problem::OtherDevice { .. }));
}

#[test]
fn files_are_bound_into_the_account() {
    let mut case = honest();
    case.put("diagnostics-before.txt", "disk: 99 % full\n");
    case.sign();
    assert_eq!(refused("diagnostics", &case), Problem::Close("diagnostics-before.txt".into()));
    let mut case = honest();
    case.put("more.txt", "");
    case.sign();
    assert_eq!(refused("a file more", &case), Problem::Close("more.txt".into()));
    let mut case = honest();
    case.files.remove("diagnostics-before.txt");
    case.sign();
    assert_eq!(refused("a file less", &case), Problem::Close("\"diagnostics-before.txt\"".into()));
    let mut case = honest();
    let cast = case.text("terminal-1.cast").replacen("scanning", "sleeping", 1);
    case.put("terminal-1.cast", cast);
    let events = case.events();
    case.files.remove("anchors.jsonl");
    case.close(events, |_, line| line);
    let sealed = Problem::Seal { file: "terminal-1.cast".into(), size: 300, line: 7 };
    assert_eq!(refused("a recording", &case), sealed);
    let mut case = honest();
    let cut = case.text("terminal-2.cast")[..400].to_owned();
    case.put("terminal-2.cast", cut);
    case.files.remove("anchors.jsonl");
    let events = case.events();
    case.close(events, |_, line| line);
    refused("a shorter recording", &case);
}

#[test]
fn the_end_is_the_end() {
    let mut case = honest();
    case.files.remove("anchors.jsonl");
    let events = case.events();
    case.chain(events.clone(), |_, line| line);
    assert_eq!(refused("not closed again", &case), Problem::Open(events.len() as u64));
    for (from, to) in [
        ("\"late\":false", "\"late\":0"),
        (",\"late\":false", ""),
        ("\"size\":16", "\"size\":17"),
        ("\"size\":16", "\"size\":\"16\""),
        ("\"size\":16", "\"size\":16,\"more\":1"),
        ("{\"device.pub\"", "{\"device.sub\""),
        ("\"files\"", "\"giles\""),
    ] {
        let closing = case.closing();
        assert!(closing.contains(from), "{closing}");
        let mut forged = case.clone();
        forged.chain([events.clone(), vec![closing.replacen(from, to, 1)]].concat(), |_, line| line);
        refused(to, &forged);
    }
}

#[test]
fn lines_are_written_in_one_way() {
    let replacements: [(&str, &str); 16] = [
        ("\"boot_ms\":7", "\"boot_ms\":7.0"),
        ("\"boot_ms\":7", "\"boot_ms\":NaN"),
        ("\"boot_ms\":7", "\"boot_ms\":-1"),
        ("\"boot_ms\":7", "\"boot_ms\":18446744073709551616"),
        ("\"boot_ms\":7", "\"boot_ms\":07"),
        ("\"boot_ms\":7", "\"boot_ms\":7,\"boot_ms\":7"),
        ("\"boot_ms\":7", "\"boot_ms\":7,\"more\":7"),
        ("\"boot_ms\":7", "\"boot_ms\": 7"),
        ("\"seq\":3", "\"seq\":03"),
        ("\"seq\":3", "\"seq\":true"),
        ("\"seq\":3", "\"seq\":4"),
        ("3600", "3600,\"seconds\":3601"),
        ("3600", "1e3"),
        ("3600", "\"\\u0041\""),
        ("3600", "\"\\ud800\""),
        ("}}\n", "}}\r\n"),
    ];
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    accepted("as deep as can be", &replaced("session-began", "3600", &nested(125)));
    let deep = nested(126);
    let long = format!("\"{}\"", "a".repeat(256 * 1024));
    let further = [("3600", deep.as_str()), ("3600", &long), ("}}\n", "}}"), ("}}\n", "}}\n\n")];
    for (from, to) in replacements.into_iter().chain(further) {
        let mut case = honest();
        case.files.remove("anchors.jsonl");
        let events = case.events();
        let edit = |seq, line: String| if seq == 3 { line.replacen(from, to, 1) } else { line };
        case.close(events, edit);
        refused(&to[..to.len().min(40)], &case);
    }
}

#[test]
fn the_first_event_has_one_form() {
    for (from, to) in [
        ("\"format\":1", "\"format\":2"),
        ("\"format\":1", "\"format\":true"),
        ("\"random\":\"", "\"random\":\"0"),
        ("\"session\":\"", "\"session\":\"0"),
        ("\"type\":\"record-began\"", "\"type\":\"record-begun\""),
        ("\"anchor_keys\":[\"", "\"anchor_keys\":[\"x"),
        ("\"anchor_keys\":[", "\"anchor_keys\":[1,"),
        ("\"key\":\"", "\"key\":\" "),
    ] {
        refused(to, &replaced("record-began", from, to));
    }
    let case = rewritten(|events| events.insert(5, events[0].clone()));
    assert!(matches!(refused("a second beginning", &case), Problem::Event { line: 6, .. }));
    let mut case = honest();
    case.put("device.pub", case.text("device.pub").replacen('\n', "\r\n", 1));
    case.sign();
    assert_eq!(refused("carriage return", &case), Problem::DeviceKey);
}

#[test]
fn manifests_have_one_form() {
    let manifest = honest().text("SHA256SUMS");
    let lines: Vec<&str> = manifest.lines().collect();
    for (what, text) in [
        ("carriage returns", manifest.replace('\n', "\r\n")),
        ("binary", manifest.replace("  ", " *")),
        ("capitals", manifest.to_uppercase()),
        ("reversed", lines.iter().rev().map(|line| format!("{line}\n")).collect()),
        ("twice", format!("{}\n{manifest}", lines[0])),
        ("cut", manifest.trim_end().to_owned()),
        ("empty", String::new()),
        (
            "no account",
            manifest.replace(
                &format!(
                    "{}\n",
                    manifest.lines().find(|line| line.ends_with("events.jsonl")).expect("listed")
                ),
                "",
            ),
        ),
        ("outside", format!("{}  ../x\n{manifest}", &lines[0][..64])),
        ("escaped", format!("\\{manifest}")),
    ] {
        let mut case = honest();
        case.sign_manifest(text);
        let problem = refused(what, &case);
        assert!(matches!(problem, Problem::Manifest(_) | Problem::NotListed(_)), "{what}: {problem}");
    }
}

#[test]
fn an_engineers_proof_proves_one_request() {
    let other = another();
    let mut case = honest();
    case.files.remove("anchors.jsonl");
    for name in ["engineer-0.statement", "engineer-0.statement.sig", "engineer-0.cert.pub"] {
        case.put(name, &other.files[name]);
    }
    let events = case.events();
    case.close(events.clone(), |_, line| line);
    assert!(matches!(refused("another's proof", &case), Problem::Engineer { line: 2, .. }));
    // With everything that the event says of it.
    let mut borrowed = events;
    borrowed[1] = other.events()[1].clone();
    case.close(borrowed, |_, line| line);
    let problem = refused("a proof of another session", &case);
    assert!(problem.to_string().contains("the session"), "{problem}");

    for (kind, from, to) in [
        ("consent-asked", "\"serial\":7", "\"serial\":8"),
        ("consent-asked", "\"user_verified\":false", "\"user_verified\":true"),
        ("consent-asked", "\"key_id\":\"Ada", "\"key_id\":\"Eve"),
        ("consent-asked", "\"fingerprint\":\"SHA256:", "\"fingerprint\":\"SHA256:A"),
        ("consent-asked", "\"authority_fingerprint\":\"SHA256:", "\"authority_fingerprint\":\"SHA256:A"),
        ("consent-asked", "\"statement\":\"engineer-0", "\"statement\":\"engineer-1"),
        ("consent-asked", "\"statement\":\"engineer-0", "\"statement\":\"engineer-9"),
        ("consent-asked", "\"run\":\"", "\"run\":\"0"),
        ("consent-asked", "\"certified\"", "\"sertified\""),
        ("leave-asked", "\"certificate\":\"engineer-1", "\"certificate\":\"engineer-0"),
        ("leave-asked", "\"engineer\":\"", "\"engineer\":\"0"),
        ("leave-asked", "\"seat\":1", "\"seat\":-1"),
        ("guest-let-in", "\"serial\":7", "\"serial\":8"),
        ("guest-let-in", "\"run\":\"", "\"run\":\"0"),
        ("guest-let-in", "\"certified\"", "\"sertified\""),
    ] {
        refused(to, &replaced(kind, from, to));
    }
    for (name, edit) in [
        ("engineer-0.statement", (|bytes| [bytes, b"\0"].concat()) as fn(&[u8]) -> Vec<u8>),
        ("engineer-0.statement.sig", |bytes| [bytes, b"\n"].concat()),
        ("engineer-1.cert.pub", |bytes| [b" ", bytes].concat()),
        ("engineer-1.cert.pub", |bytes| [bytes, bytes].concat()),
    ] {
        let mut case = honest();
        case.files.remove("anchors.jsonl");
        case.put(name, edit(&case.files[name]));
        let events = case.events();
        case.close(events, |_, line| line);
        assert!(matches!(refused(name, &case), Problem::Engineer { .. }));
    }
}

#[test]
fn seals_are_checked_in_any_order() {
    for (from, to) in [
        ("\"size\":300", "\"size\":301"),
        ("\"size\":300", "\"size\":99999999"),
        ("\"size\":300", "\"size\":-300"),
        ("\"file\":\"terminal-1", "\"file\":\"terminal-9"),
        ("\"file\":\"terminal-1.cast\"", "\"file\":[]"),
        ("\"sha256\":\"", "\"sha256\":\"0"),
    ] {
        refused(to, &replaced("terminal-sealed", from, to));
    }
    accepted("in another order", &rewritten(|events| events.swap(6, 10)));
}
