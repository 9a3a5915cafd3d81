//! What OpenSSH's `sftp` changes on the device beside the bytes of files is in the record.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fieldlink_evidence::{Change, ChangeResult, Event, FileChange};
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::record::{check_both, events_of, record_of};
use fieldlink_tests::{Engineer, Relay, Scanner};

const DONE: ChangeResult = ChangeResult::Done {};
/// `SSH_FX_NO_SUCH_FILE`, which is also said of what is no directory, and `SSH_FX_FAILURE`.
const NO_SUCH_FILE: ChangeResult = ChangeResult::Refused { status: 2 };
const FAILURE: ChangeResult = ChangeResult::Refused { status: 4 };

fn changes(events: &[Event]) -> Vec<(&Change, ChangeResult)> {
    let changed = events.iter().filter_map(|event| match event {
        Event::FileChanged(FileChange { change, result, .. }) => Some((change, *result)),
        _ => None,
    });
    changed.collect()
}

/// Each with what came of it, and nothing beside.
#[test]
fn what_sftp_changes_is_in_the_record_with_what_came_of_it() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (near, far) = (engineer.home().join("near"), scanner.directory().join("fern  weit"));
    fs::create_dir(&far).expect("writable");
    fs::write(&near, "data").expect("writable");
    fs::set_permissions(&near, fs::Permissions::from_mode(0o640)).expect("ours");
    let steps = [
        ("put -p", "near", "a"),
        ("rename", "a", "b"),
        ("rename -l", "b", "c"),
        ("-rename", "gone", "d"),
        ("ln", "c", "hard"),
        ("-ln", "gone", "hard"),
        ("ln -s", "c", "soft"),
        ("chmod", "600", "c"),
        ("-chmod", "600", "gone"),
        ("mkdir", "", "dir"),
        ("-mkdir", "", "dir"),
        ("-rmdir", "", "c"),
        ("rmdir", "", "dir"),
        ("rm", "", "soft"),
        ("-rm", "", "gone"),
    ];
    let at = |name: &str| format!("{}/{name}", far.display());
    let quoted = |name: &str| match name {
        "" | "600" => name.to_owned(),
        "near" => format!("\"{}\"", near.display()),
        name => format!("\"{}\"", at(name)),
    };
    let lines = steps.map(|(verb, one, other)| format!("{verb} {} {}\n", quoted(one), quoted(other)));
    call.sftp(&lines.concat());
    assert_eq!(fs::read_to_string(far.join("c")).expect("there"), "data");
    call.end();

    let record = record_of(&scanner);
    check_both(&record);
    let events = events_of(&record);
    let rename = |from, to| Change::Rename { from: at(from), to: at(to) };
    let hard = |target, path| Change::HardLink { target: at(target), path: at(path) };
    let mode = |path, mode| Change::Attributes {
        path: at(path),
        permissions: Some(mode),
        user: None,
        group: None,
        size: None,
    };
    let expected = [
        (mode("a", 0o640), DONE),
        (rename("a", "b"), DONE),
        (rename("b", "c"), DONE),
        (rename("gone", "d"), NO_SUCH_FILE),
        (hard("c", "hard"), DONE),
        (hard("gone", "hard"), NO_SUCH_FILE),
        (Change::SymbolicLink { path: at("soft"), target: at("c") }, DONE),
        (mode("c", 0o600), DONE),
        (mode("gone", 0o600), NO_SUCH_FILE),
        (Change::MakeDirectory { path: at("dir") }, DONE),
        (Change::MakeDirectory { path: at("dir") }, FAILURE),
        (Change::RemoveDirectory { path: at("c") }, NO_SUCH_FILE),
        (Change::RemoveDirectory { path: at("dir") }, DONE),
        (Change::Remove { path: at("soft") }, DONE),
        (Change::Remove { path: at("gone") }, NO_SUCH_FILE),
    ];
    let expected: Vec<_> = expected.iter().map(|(change, result)| (change, *result)).collect();
    assert_eq!(changes(&events), expected);
    let is_lost = events.iter().any(|event| matches!(event, Event::TransfersLost { .. }));
    assert!(!is_lost, "all of it was understood");
}

/// OpenSSH's client of version 9 and newer: the bytes stay on the device.
#[test]
fn a_copy_within_the_device_is_no_empty_file() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let at = |name: &str| scanner.directory().join(name).display().to_string();
    fs::write(at("original"), "data").expect("writable");
    let mut sftp = call.tool("sftp");
    sftp.args(["-b", "-", &call.alias]);
    let copied = run_with_input(&mut sftp, format!("cp {} {}\n", at("original"), at("copy")).as_bytes());
    if !copied.status.success() {
        return eprintln!("left out, because this sftp copies nothing: {copied:?}");
    }
    assert_eq!(fs::read_to_string(at("copy")).expect("copied"), "data");
    call.end();
    let record = record_of(&scanner);
    check_both(&record);
    let events = events_of(&record);
    let copy = Change::Copy { from: at("original"), to: at("copy") };
    assert!(changes(&events).contains(&(&copy, DONE)), "{events:?}");
    let hashed = events.iter().filter_map(|event| match event {
        Event::FileTransferred(file) if file.path == at("copy") => Some((file.size, file.sha256)),
        _ => None,
    });
    assert_eq!(hashed.collect::<Vec<_>>(), [(0, None)]);
}
