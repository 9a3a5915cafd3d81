//! The account that engineers work as, whatever the scanner's directory calls it.

use std::io::Write;

use fieldlink_tests::{Engineer, Relay, Scanner, ScannerOptions};

fn named(name: &str) -> ScannerOptions {
    ScannerOptions { account: Some(name.into()), ..ScannerOptions::default() }
}

/// Whether this is root, which alone can rename the account; prints that the test is skipped otherwise.
fn can_rename() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        let _ = writeln!(std::io::stderr(), "skipped  accounts with other names: they need root (sudo)");
    }
    is_root
}

#[test]
fn an_account_of_a_directory_is_worked_as() {
    if !can_rename() {
        return;
    }
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    for name in ["ada@corp.example", "CORP\\ada", "scanner$", "Zoë", "a.b+c"] {
        let scanner = Scanner::start_with(&relay, named(name));
        let call = engineer.call(&scanner);
        assert_eq!(call.output_of("printf '%s\\n' \"$USER\""), format!("{name}\n"));
        call.end();
    }
}

#[test]
fn a_name_that_ssh_could_misread_is_refused_before_the_relay_is_asked() {
    if !can_rename() {
        return;
    }
    let relay = Relay::start();
    for name in ["ada lovelace", "%h", "a;b"] {
        let mut scanner = Scanner::launch_at(&relay.url(), relay.authority(), named(name));
        assert_eq!(scanner.process.wait_for_end().code(), Some(1));
        let told = scanner.process.transcript();
        assert!(told.contains(&format!("{name:?}")) && told.contains("another account"), "{told}");
        assert!(!told.contains("Support ID"), "{told}");
    }
}
