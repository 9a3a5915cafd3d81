//! The record of a real call with a time stamp of an authority, which anybody can check.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_evidence::{Directory, MANIFEST, TIME_STAMP, Trust, check};
use fieldlink_tests::programs::eventually;
use fieldlink_tests::{Engineer, PATIENCE, Relay, RelayOptions, Scanner};

const SETTINGS: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4.1\n\
    digests = sha256\nsigner_digest = sha256\naccuracy = secs:1\nordering = yes\n\
    [stamps]\nextendedKeyUsage = critical,timeStamping\n";

fn openssl(directory: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let output = command.args(arguments.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(output.status.success(), "{arguments}: {output:?}");
}

/// A throw-away authority in this directory.
fn make_authority(directory: &Path) {
    std::fs::write(directory.join("tsa.cnf"), SETTINGS).expect("written");
    std::fs::write(directory.join("serial"), "01\n").expect("written");
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa",
        "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile tsa.cnf -extensions stamps -out tsa.pem",
    ] {
        openssl(directory, arguments);
    }
}

/// Answers one question, as RFC 3161, section 3.4, has it over HTTP.
fn answer(mut stream: TcpStream, directory: &Path) {
    let mut request = Vec::new();
    let query = loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).expect("readable");
        assert_ne!(count, 0, "it ends too early");
        request.extend_from_slice(&piece[..count]);
        let Some(head) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let length: usize = length.expect("a length");
        if request.len() >= head + 4 + length {
            break request.split_off(head + 4);
        }
    };
    std::fs::write(directory.join("query"), query).expect("written");
    openssl(
        directory,
        "ts -reply -config tsa.cnf -section t -queryfile query -signer tsa.pem -inkey tsa.key -out stamp",
    );
    let stamp = std::fs::read(directory.join("stamp")).expect("it is there");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        stamp.len()
    );
    stream.write_all(&[head.as_bytes(), &stamp].concat()).expect("writable");
}

fn by_hand(record: &Path, authority: &Path) -> std::process::Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evidence/check-by-hand.sh");
    let mut command = Command::new("bash");
    command.arg(script).arg(record).arg("--tsa-ca").arg(authority.join("ca.pem"));
    command.output().expect("bash")
}

#[test]
fn an_authority_says_when_a_record_was_closed() {
    let workshop = tempfile::tempdir().expect("a directory");
    make_authority(workshop.path());
    let listener = TcpListener::bind("127.0.0.1:0").expect("free");
    let port = listener.local_addr().expect("bound").port();
    let directory = workshop.path().to_owned();
    let serving = std::thread::spawn(move || answer(listener.accept().expect("somebody asks").0, &directory));
    let settings = format!("[records]\nanchor_tsa = \"http://127.0.0.1:{port}/\"");
    let relay = Relay::start_with(RelayOptions { settings, ..RelayOptions::default() });
    let scanner = Scanner::start(&relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo stamped"), "stamped\n");
    call.end();
    serving.join().expect("it answered");
    let stamped = || {
        let entries = std::fs::read_dir(scanner.records()).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).find(|path| path.join(TIME_STAMP).exists())
    };
    eventually("the stamp is kept", PATIENCE, || stamped().is_some());
    let record: PathBuf = stamped().expect("just seen");
    let checked = by_hand(&record, workshop.path());
    assert!(checked.status.success(), "{checked:?}");
    let findings = check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong");
    assert!(findings.has_time_stamp);
    // It is of this list of files, and of no other.
    let sums = std::fs::read(record.join(MANIFEST)).expect("readable");
    std::fs::write(workshop.path().join("SHA256SUMS"), [&sums[..], b"\n"].concat()).expect("written");
    let stamp = record.join(TIME_STAMP).display().to_string();
    let mut other = Command::new("openssl");
    let arguments = format!("ts -verify -data SHA256SUMS -in {stamp} -CAfile ca.pem");
    let other = other.args(arguments.split(' ')).current_dir(workshop.path()).output().expect("openssl");
    assert!(!other.status.success(), "{other:?}");
}
