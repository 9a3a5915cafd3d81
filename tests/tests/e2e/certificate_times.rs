//! Certificates and time: keys that take theirs, clocks that differ, certificates that end.

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Authority, Call, Engineer, PATIENCE, Relay, RelayOptions, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

use super::certificates::{CERTIFICATE_EXPIRED, CERTIFICATE_REFUSED, options, refused};
use super::clock::WallClock;

/// A touch, or a passphrase, takes as long as it takes, and giving up costs nothing.
#[test]
fn a_slow_key_is_waited_for_and_giving_up_is_no_wrong_pin() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    // A ssh-keygen that signs when it is told to: as a key does that waits for a touch.
    let fifo = engineer.home().join("touch");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let touched = format!("case \"$*\" in *sign*) read touched <{}; esac", fifo.display());
    let path = engineer.path_with("ssh-keygen", &format!("{touched}\nexec /usr/bin/ssh-keygen \"$@\""));
    let start = || {
        let mut command = engineer.connect();
        command.env("PATH", &path);
        command.args(["connect", &scanner.support_id, "--ticket", "T-1", "--no-shell", "--json"]);
        let mut holder = Running::start("fieldlink-connect", &mut command);
        holder.type_line(&scanner.pin);
        holder.wait_for("\"state\":\"signing\"");
        holder
    };
    for _ in 0..3 {
        let mut given_up = start();
        given_up.signal(Signal::SIGINT);
        given_up.wait_for_end();
    }
    let mut holder = start();
    // The person who touches the key late, not a wait for something: longer than all else of a pairing may take.
    std::thread::sleep(fieldlink_protocol::limits::PAIRING + std::time::Duration::from_secs(2));
    std::fs::write(&fifo, "touched\n").expect("somebody waits for it");
    wait_until_active(&mut holder);
    Call::of(&engineer, &scanner, holder).end();
}

#[test]
fn the_scanners_clock_decides_and_one_that_was_never_set_is_waited_for() {
    const DAY: i64 = 86_400;
    let directory = tempfile::tempdir().expect("a directory");
    let Some(clock) = WallClock::in_directory(directory.path()) else { return };
    // The relay's certificate is valid all the time: this is about the engineer's.
    let certificate = Some(((2015, 2050), vec!["127.0.0.1"]));
    let relay = Relay::start_with(RelayOptions { certificate, ..RelayOptions::default() });
    let authority = Authority::new();
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    let environment = clock.environment();
    let options = ScannerOptions { environment, ..options(authority.section(), false) };
    let mut scanner = Scanner::start_with(&relay, options);
    for (offset, wanted, ours, theirs) in [
        (DAY, CERTIFICATE_REFUSED, "certificate has expired", "name has expired"),
        (-DAY, CERTIFICATE_REFUSED, "certificate is not valid yet", "name is not valid yet"),
        (-2000 * DAY, 213, "clock is not set yet", "clock of this device is not set yet"),
    ] {
        clock.set(offset);
        let (code, said) = refused(&engineer, &scanner);
        assert_eq!(code, wanted, "{said}");
        assert!(said.contains(ours), "{said}");
        scanner.process.wait_for(theirs);
    }
    clock.set(0);
    engineer.call(&scanner).end();
}

#[test]
fn a_certificate_that_expires_ends_no_session_and_keeps_nobody_from_coming_back() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &["-V", "-5m:+10s"]);
    let mut scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let mut call = engineer.call(&scanner);
    let way_back = engineer.runtime().join(scanner.digits()).join("restart.json");
    eventually("the way back is kept", PATIENCE, || way_back.exists());
    eventually("the certificate has expired", PATIENCE, || {
        let shown = engineer.connect().args(["certificate", "show"]).output().expect("it runs");
        shown.status.code() == Some(CERTIFICATE_EXPIRED)
    });
    assert_eq!(call.output_of("echo goes on"), "goes on\n");
    call.holder.signal(Signal::SIGKILL);
    call.holder.wait_for_end();
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
    let mut holder = Running::start("fieldlink-connect", &mut command);
    wait_until_active(&mut holder);
    scanner.process.wait_for("The engineer's program was started again");
    Call::of(&engineer, &scanner, holder).end();
}
