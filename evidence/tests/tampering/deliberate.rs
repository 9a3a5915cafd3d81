//! What somebody can do who has the files and no key.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fieldlink_evidence::*;

use super::judges::{by_crate_in, by_hand_in};
use super::record::{Case, another, honest};
use super::{accepted, refused};

fn changed(change: impl FnOnce(&mut Case)) -> Case {
    let mut case = honest();
    change(&mut case);
    case
}

#[test]
fn what_is_missing_or_too_much_is_found() {
    let without = |name: &str| changed(|case| drop(case.files.remove(name)));
    assert_eq!(refused("no manifest", &without("SHA256SUMS")), Problem::NotClosed);
    for name in ["SHA256SUMS.sig", "device.pub", "events.jsonl", "terminal-1.cast", "engineer-1.cert.pub"] {
        assert_eq!(refused(name, &without(name)), Problem::Missing(name.into()));
    }
    accepted("no anchors", &without("anchors.jsonl"));
    for name in [".hidden", "terminal-3.cast", "line\nend", "SHA256SUMS~"] {
        let case = changed(|case| case.put(name, ""));
        assert_eq!(refused(name, &case), Problem::Extra(name.into()));
    }
}

/// Both find what is in the directory itself.
fn refused_in(what: &str, change: impl FnOnce(&Path)) -> Problem {
    let (case, directory) = (honest(), tempfile::tempdir().expect("a directory"));
    case.write(directory.path());
    change(directory.path());
    by_hand_in(&case, directory.path(), &[]).expect_err(what);
    by_crate_in(&case, directory.path()).expect_err(what)
}

#[test]
fn only_plain_files_count() {
    let case = honest();
    let whole = tempfile::tempdir().expect("a directory");
    case.write(whole.path());
    by_crate_in(&case, whole.path()).expect("whole");
    for name in ["terminal-1.cast", "anchors.jsonl", "device.pub", "SHA256SUMS.sig"] {
        let there = whole.path().join(name);
        let linked = refused_in("a link", |directory| {
            fs::remove_file(directory.join(name)).expect("removed");
            symlink(&there, directory.join(name)).expect("linked");
        });
        assert_eq!(linked, Problem::Missing(name.into()));
    }
    let directory =
        refused_in("a directory", |path| fs::create_dir(path.join("SHA256SUMS.tsr")).expect("made"));
    assert_eq!(directory, Problem::Missing("SHA256SUMS.tsr".into()));
    let empty = refused_in("a further directory", |path| fs::create_dir(path.join("more")).expect("made"));
    assert_eq!(empty, Problem::Extra("more".into()));
    let nameless = std::os::unix::ffi::OsStrExt::from_bytes(&b"\xff.txt"[..]);
    let nameless = refused_in("no text", |path| {
        fs::write(path.join::<&std::ffi::OsStr>(nameless), "").expect("written")
    });
    assert!(matches!(nameless, Problem::Extra(_)));
}

#[test]
fn files_of_another_record_are_found() {
    let other = another();
    for names in [
        &["SHA256SUMS.sig"][..],
        &["SHA256SUMS", "SHA256SUMS.sig"],
        &["device.pub"],
        &["device.pub", "SHA256SUMS", "SHA256SUMS.sig"],
        &["events.jsonl"],
        &["engineer-0.statement.sig"],
        &["anchors.jsonl"],
    ] {
        let case = changed(|case| {
            names.iter().for_each(|name| case.put(name, &other.files[*name]));
        });
        refused(&format!("{names:?}"), &case);
    }
    let case = changed(|case| case.put_anchors(&[case.anchor(3), other.anchor(3)]));
    let fault = AnchorFault::OtherSession;
    assert_eq!(refused("an anchor", &case), Problem::Anchor { from: AnchorSource::Record, line: 2, fault });
}

#[test]
fn signatures_have_one_form() {
    for edit in [
        |text: &str| format!("{text}\n"),
        |text: &str| format!("{text}more"),
        |text: &str| format!("\n{text}"),
        |text: &str| text.trim_end().to_owned(),
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| text.replacen('\n', "\n\n", 2),
        |text: &str| text.replacen("=\n", "\n", 1) + " ",
    ] {
        let case = changed(|case| case.put("SHA256SUMS.sig", edit(&case.text("SHA256SUMS.sig"))));
        assert_eq!(refused("another form", &case), Problem::DeviceSignature);
        let case = changed(|case| {
            let anchor = case.anchor(3);
            case.put_anchors(&[KeptAnchor { signature: edit(&anchor.signature), ..anchor }]);
        });
        let fault = AnchorFault::Signature;
        let expected = Problem::Anchor { from: AnchorSource::Record, line: 1, fault };
        assert_eq!(refused("another form of an anchor's", &case), expected);
    }
}

#[test]
fn anchors_have_one_form_and_the_keys_of_the_relay() {
    let edited = |edit: &dyn Fn(&str) -> String| {
        changed(|case| case.put("anchors.jsonl", edit(&case.text("anchors.jsonl"))))
    };
    accepted("none", &edited(&|_| String::new()));
    accepted("one", &edited(&|text| text.lines().take(1).map(|line| format!("{line}\n")).collect()));
    accepted(
        "in another order",
        &edited(&|text| text.lines().rev().map(|line| format!("{line}\n")).collect()),
    );
    for (what, case) in [
        ("cut", edited(&|text| text.trim_end().to_owned())),
        ("spaces", edited(&|text| text.replacen(':', ": ", 1))),
        ("a member", edited(&|text| text.replacen("{", "{\"more\":1,", 1))),
        ("twice", edited(&|text| text.replacen("{", "{\"line\":\"\",", 1))),
        ("an empty line", edited(&|text| format!("{text}\n"))),
        ("carriage returns", edited(&|text| text.replace("}\n", "}\r\n"))),
        ("zeros", edited(&|text| text.replacen("| 3 |", "| 03 |", 1))),
        ("an escape", edited(&|text| text.replacen("fieldlink", "\\u0066ieldlink", 1))),
        ("a list", edited(&|_| "[\"line\",\"signature\"]\n".to_owned())),
    ] {
        let form = |problem: &Problem| matches!(problem, Problem::Anchor { fault: AnchorFault::Form, .. });
        assert!(form(&refused(what, &case)), "{what}");
    }
    let case = changed(|case| {
        let relay = std::mem::replace(&mut case.relay, case.device.clone());
        let anchor = case.anchor(3);
        case.relay = relay;
        case.put_anchors(&[anchor]);
    });
    let signature = |problem| matches!(problem, Problem::Anchor { fault: AnchorFault::Signature, .. });
    assert!(signature(refused("the device's own", &case)));
    let case = changed(|case| case.anchor_key = another().relay.public_line().ok());
    assert!(signature(refused("another relay's", &case)));
}

#[test]
fn what_the_reader_knows_counts() {
    let other = another();
    let case = changed(|case| case.device_key = other.device.public_line().ok());
    assert!(matches!(refused("another device", &case), Problem::OtherDevice { .. }));
    let case = changed(|case| case.receipt = other.heads().last().copied());
    assert_eq!(refused("another receipt", &case), Problem::Receipt);
}

#[test]
fn the_script_reads_the_words_of_a_receipt() {
    let case = honest();
    let directory = tempfile::tempdir().expect("a directory");
    let (record, words) = (directory.path().join("record"), directory.path().join("words"));
    fs::create_dir(&record).expect("made");
    case.write(&record);
    fs::write(&words, bip39::Language::English.word_list().join("\n")).expect("written");
    let words = words.to_str().expect("a plain path");
    let said = |receipt: &str| by_hand_in(&case, &record, &["--words", words, "--receipt", receipt]);
    let receipt = Receipt::of(&case.heads()[5]).to_string();
    assert!(said(&receipt.to_uppercase()).expect("whole").contains("the first 6 of"));
    said(&Receipt::of(&another().heads()[5]).to_string()).expect_err("another's");
    let (first, rest) = receipt.split_once(' ').expect("words");
    said(&format!("{rest} {first}")).expect_err("in another order");
    said(rest).expect_err("eleven");
}

/// What an authority for time stamps is made of, for `openssl ts`.
const AUTHORITY: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4.1\n\
    digests = sha256\nsigner_digest = sha256\n[stamps]\nextendedKeyUsage = critical,timeStamping\n";

#[test]
fn the_script_verifies_a_time_stamp() {
    let workshop = tempfile::tempdir().expect("a directory");
    let path = |name: &str| workshop.path().join(name);
    let mut case = honest();
    fs::create_dir(path("record")).expect("made");
    fs::write(path("tsa.cnf"), AUTHORITY).expect("written");
    fs::write(path("serial"), "01\n").expect("written");
    fs::write(path("data"), &case.files["SHA256SUMS"]).expect("written");
    for command in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa",
        "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile tsa.cnf -extensions stamps -out tsa.pem",
        "ts -query -data data -sha256 -cert -out query",
        "ts -reply -config tsa.cnf -section t -queryfile query -signer tsa.pem -inkey tsa.key -out stamp",
    ] {
        let mut openssl = std::process::Command::new("openssl");
        let output = openssl.args(command.split(' ')).current_dir(workshop.path()).output().expect("openssl");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said = |case: &Case| {
        case.write(&path("record"));
        let authority = path("ca.pem");
        by_hand_in(case, &path("record"), &["--tsa-ca", authority.to_str().expect("a plain path")])
    };
    said(&case).expect_err("there is none");
    case.put("SHA256SUMS.tsr", fs::read(path("stamp")).expect("a stamp"));
    assert!(said(&case).expect("whole").contains("time stamp  valid"));
    let events = case.events();
    case.close(events, |_, line| line.replace("T00:00", "T00:01"));
    case.put_anchors(&[]);
    said(&case).expect_err("the stamp is of what was signed before");
}
