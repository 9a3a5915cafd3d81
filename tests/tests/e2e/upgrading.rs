//! Another version is put in the place of a program that runs.

use std::path::Path;

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Build, path_of};
use fieldlink_tests::{Call, Engineer, Relay, RelayOptions, Scanner, ScannerOptions};

const PROGRAMS: [&str; 4] = ["fieldlink-relay", "fieldlink-agent", "fieldlink-session", "fieldlink-connect"];

/// As dpkg does it: beside it, then in its place.
fn put(name: &str, directory: &Path) {
    let new = directory.join(format!("{name}.dpkg-new"));
    std::fs::copy(path_of(name), &new).expect("copied");
    std::fs::rename(new, directory.join(name)).expect("in its place");
}

#[test]
fn the_engineers_program_is_replaced_while_the_client_is_asked_and_ssh_finds_the_new_one() {
    let directory = tempfile::tempdir().expect("a directory");
    PROGRAMS.iter().for_each(|name| put(name, directory.path()));
    let build = Build::in_directory(directory.path().to_owned());
    let relay = Relay::start_with(RelayOptions { build, ..RelayOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    let asking = ScannerOptions { asks: true, ..ScannerOptions::default() };
    let mut scanner = Scanner::start_with(&relay, asking);
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.process.wait_for("Allow ");
    put("fieldlink-connect", directory.path());
    scanner.process.type_line("yes");
    wait_until_active(&mut holder);
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(call.output_of("echo in").trim(), "in");
    call.end();
}
