//! Engineers prove who they are to a scanner that trusts an authority of the manufacturer's, and no relay.

use std::process::Command;

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Authority, Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

/// Exit codes of `fieldlink-connect`.
pub(super) const CERTIFICATE_REFUSED: i32 = 222;
pub(super) const CERTIFICATE_EXPIRED: i32 = 223;

pub(super) fn options(section: String, asks: bool) -> ScannerOptions {
    ScannerOptions { engineers: section, asks, ..ScannerOptions::default() }
}

/// Tries to connect with the right PIN; the exit code and what was said.
pub(super) fn refused(engineer: &Engineer, scanner: &Scanner) -> (i32, String) {
    let mut connect = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    let code = connect.wait_for_end().code().expect("an exit code");
    (code, connect.transcript())
}

/// The client reads why, once, and no try at the PIN was charged: three wrong ones are still to be had.
pub(super) fn nothing_was_charged(relay: &Relay, scanner: &mut Scanner, authority: &Authority, why: &str) {
    scanner.process.wait_for(why);
    let honest = Engineer::enrolled(relay, "Grace");
    authority.certify(&honest, &[]);
    let call = honest.call(scanner);
    assert!(!scanner.process.transcript().contains("wrong PIN"), "{}", scanner.process.transcript());
    call.end();
}

#[test]
fn the_client_reads_the_name_that_the_certificate_proves() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Whoever the relay says");
    authority.certify(&engineer, &[]);
    let mut scanner = Scanner::start_with(&relay, options(authority.section(), true));
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    let question = scanner.answer("yes");
    assert!(
        question
            .contains("The name is certified by Scans Ltd engineers. Allow Ada Lovelace (Scans Ltd), ticket"),
        "{question}"
    );
    wait_until_active(&mut holder);
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(call.output_of("echo in"), "in\n");
    call.end();
    assert_eq!(relay.audit()[0]["engineer_name"], "Whoever the relay says");
}

#[test]
fn where_no_authority_is_named_the_client_reads_whose_word_it_is() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    let mut scanner = Scanner::start_asking(&relay);
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    for line in [
        "They may use: a command line, single commands, copying files to this device",
        "You will be asked again before: updates and other prepared operations, a restart of this device, other people who join or watch, fetching diagnostics (excerpts of this device's logs).",
        "The connection leads to this scanner only.",
        "It lasts 60 minutes at most",
        "This session is recorded on this device: what is done, and what the engineer's terminals show. The record stays here for 90 days.",
    ] {
        scanner.process.wait_for(line);
    }
    let question = scanner.answer("yes");
    assert!(question.contains("The name is what the support service says. Allow Ada ("), "{question}");
    wait_until_active(&mut holder);
    Call::of(&engineer, &scanner, holder).end();
}

#[test]
fn whoever_proves_nothing_is_turned_away_and_costs_nothing() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let mut scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let engineer = Engineer::enrolled(&relay, "Eve");
    for _ in 0..2 {
        let (code, said) = refused(&engineer, &scanner);
        assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
        assert!(said.contains("none arrived") && said.contains("certificate use FILE"), "{said}");
    }
    let why = "no proof of the engineer's name arrived";
    nothing_was_charged(&relay, &mut scanner, &authority, why);
}

#[test]
fn another_authoritys_certificate_is_refused() {
    let (relay, authority, other) = (Relay::start(), Authority::new(), Authority::new());
    let mut scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let engineer = Engineer::enrolled(&relay, "Eve");
    other.certify(&engineer, &[]);
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("not from an authority that the scanner trusts"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "not from the office that this device trusts");
}

#[test]
fn while_authorities_change_both_count() {
    let (relay, old, new) = (Relay::start(), Authority::new(), Authority::new());
    let section =
        format!("authority = [\"{}\", \"{}\"]\nprincipals = [\"*@scans.example\"]", old.line(), new.line());
    let engineer = Engineer::enrolled(&relay, "Ada");
    for authority in [old, new] {
        let scanner = Scanner::start_with(&relay, options(section.clone(), false));
        authority.certify(&engineer, &[]);
        engineer.call(&scanner).end();
    }
}

#[test]
fn certificates_for_others_and_revoked_ones_are_refused() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let list = tempfile::NamedTempFile::new().expect("a file");
    authority.revoke("serial: 13", list.path());
    let section = format!("{}\nrevoked = \"{}\"", authority.section(), list.path().display());
    let mut scanner = Scanner::start_with(&relay, options(section, false));
    let engineer = Engineer::enrolled(&relay, "Eve");
    for (options, ours, theirs) in [
        (&["-n", "eve@elsewhere.example"][..], "none of the people", "none of the people who may connect"),
        (&["-z", "13"], "was revoked", "was withdrawn"),
    ] {
        authority.certify(&engineer, options);
        let (code, said) = refused(&engineer, &scanner);
        assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
        assert!(said.contains(ours), "{said}");
        scanner.process.wait_for(theirs);
    }
    authority.certify(&engineer, &["-z", "14"]);
    std::fs::write(list.path(), "damaged").expect("writable");
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("cannot read its list of revoked certificates"), "{said}");
    authority.revoke("serial: 13", list.path());
    nothing_was_charged(&relay, &mut scanner, &authority, "lets nobody in");
}

#[test]
fn hardware_is_asked_for_where_it_is_wanted() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let section = format!("{}\nrequire = \"hardware\"", authority.section());
    let mut scanner = Scanner::start_with(&relay, options(section, false));
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("security key that verifies its user"), "{said}");
    scanner.process.wait_for("has to use a security key");
}

/// The engineer learns at once what no scanner has to be called for, and whom to ask.
#[test]
fn an_expired_certificate_is_seen_before_anybody_is_called() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    let certificate = authority.certify(&engineer, &["-V", "-5m:+10m"]);
    let show = || engineer.connect().args(["certificate", "show"]).output().expect("it runs");
    let shown = String::from_utf8_lossy(&show().stdout).into_owned();
    for part in ["Ada Lovelace (Scans Ltd), as ada@scans.example", "expires in 10 minutes", "SHA256:"] {
        assert!(shown.contains(part), "{shown}");
    }
    // The authority's next one, in the same place, is over already.
    authority.sign(&engineer, &["-V", "-2h:-1h"]);
    let shown = show();
    assert_eq!(shown.status.code(), Some(CERTIFICATE_EXPIRED));
    let scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_EXPIRED, "{said}");
    assert!(said.contains("no scanner was called") && said.contains("ask it for one"), "{said}");
    assert!(relay.audit().is_empty());
    // It is renewed.
    authority.sign(&engineer, &[]);
    engineer.call(&scanner).end();
    std::fs::remove_file(certificate).expect("there");
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, 2, "{said}");
    let forgotten = engineer.connect().args(["certificate", "forget"]).output().expect("it runs");
    assert!(forgotten.status.success());
    assert_eq!(show().status.code(), Some(2), "none is chosen");
}

#[test]
fn only_certificates_that_could_be_used_are_taken() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    let taken = |options: &[&str]| {
        let file = authority.sign(&engineer, options);
        let output = engineer.connect().args(["certificate", "use"]).arg(file).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (options, named) in [
        (&["-h"][..], "host certificate"),
        (&["-O", "force-command=true"], "force-command"),
        (&["-O", "source-address=10.0.0.0/8"], "source-address"),
        (&["-V", "-2h:-1h"], "has expired"),
        (&["-V", "+1h:+2h"], "not valid yet"),
    ] {
        let (code, said) = taken(options);
        assert!(code != Some(0) && said.contains(named), "{options:?}: {said}");
    }
    assert_eq!(taken(&[]).0, Some(0));
}

/// PIV cards and others whose key no file holds.
#[test]
fn the_key_may_be_in_an_agent() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    let socket = engineer.home().join("agent");
    let mut agent = Command::new("ssh-agent");
    let _agent = Running::start("ssh-agent", agent.args(["-D", "-a"]).arg(&socket));
    eventually("the agent listens", PATIENCE, || socket.exists());
    let key = engineer.home().join("id_ed25519");
    // The plain key, as a card has it, and nothing of it in a file.
    std::fs::remove_file(engineer.home().join("id_ed25519.pub")).expect("there");
    let certificate = engineer.home().join("id_ed25519-cert.pub");
    let aside = engineer.home().join("aside");
    std::fs::rename(&certificate, &aside).expect("there");
    let added =
        engineer.program("ssh-add").env("SSH_AUTH_SOCK", &socket).arg(&key).output().expect("ssh-add");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    std::fs::rename(&aside, &certificate).expect("there");
    std::fs::remove_file(&key).expect("there");
    let scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("neither beside it nor in your ssh-agent"), "{said}");
    let mut command = engineer.connect();
    command.env("SSH_AUTH_SOCK", &socket);
    command.args(["connect", &scanner.support_id, "--ticket", "T-1", "--no-shell", "--json"]);
    let mut holder = Running::start("fieldlink-connect", &mut command);
    holder.type_line(&scanner.pin);
    wait_until_active(&mut holder);
    Call::of(&engineer, &scanner, holder).end();
}

/// A restart key that was stolen is worth nothing without the key that proved the session.
#[test]
fn coming_back_takes_the_same_key() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    let mut scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let mut call = engineer.call(&scanner);
    let come_back = || {
        let mut command = engineer.connect();
        command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
        Running::start("fieldlink-connect", &mut command)
    };
    let way_back = engineer.runtime().join(scanner.digits()).join("restart.json");
    eventually("the way back is kept", PATIENCE, || way_back.exists());
    call.holder.signal(Signal::SIGKILL);
    call.holder.wait_for_end();
    let (own, kept) = (engineer.home().join("id_ed25519"), engineer.home().join("kept"));
    std::fs::rename(&own, &kept).expect("there");
    authority.sign(&engineer, &[]);
    let mut thief = come_back();
    let code = thief.wait_for_end().code();
    assert!(
        thief.transcript().contains("not for the key with which the session began"),
        "{}",
        thief.transcript()
    );
    assert_eq!(code, Some(CERTIFICATE_REFUSED));
    // The certificate has been renewed meanwhile, and the key is the same.
    std::fs::rename(&kept, &own).expect("there");
    let public = run_with_input(Command::new("ssh-keygen").args(["-y", "-f"]).arg(&own), b"");
    std::fs::write(own.with_extension("pub"), public.stdout).expect("writable");
    authority.sign(&engineer, &["-z", "2"]);
    let mut holder = come_back();
    wait_until_active(&mut holder);
    scanner.process.wait_for("The engineer's program was started again");
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(call.output_of("echo back"), "back\n");
    call.end();
}
