//! The names that stand for sessions in plain `ssh`, with and without a session, and the line that brings them in.

use std::process::Output;

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Engineer, Home, Relay, Scanner};
use nix::sys::signal::Signal;

fn ssh(home: &Home<'_>, name: &str) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        run_with_input(home.program("ssh").args([name, "echo there"]), b"");
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn run(home: &Home<'_>, words: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = run_with_input(home.connect().args(words), b"");
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[test]
fn a_name_never_stands_for_another_computer() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let Some(home) = Home::of(&engineer) else { return };
    let (success, said) = run(&home, &["ssh-config", "--install"]);
    assert!(success && said.contains("no session is open now"), "{said}");
    let none = "fieldlink-connect: no session is open: run fieldlink-connect ID first\n";
    for name in ["scanner", "scanner-123456789"] {
        assert_eq!(ssh(&home, name), (Some(255), none.into()), "{name}");
    }
    // A computer of the engineer's own.
    let output = run_with_input(home.program("ssh").args(["-G", "scanner-warehouse"]), b"");
    let options = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        options.contains("hostname scanner-warehouse\n") && !options.contains("proxycommand"),
        "{options}"
    );

    let (first, second) = (Scanner::start(&relay), Scanner::start(&relay));
    let call = engineer.call(&first);
    for name in ["scanner", &call.alias, "ticket-T-1"] {
        assert_eq!(ssh(&home, name), (Some(0), "there\n".into()), "{name}");
    }
    let mut other = engineer.start_connecting(&second.support_id, &second.pin);
    wait_until_active(&mut other);
    let (code, said) = ssh(&home, "scanner");
    assert!(
        code == Some(255) && said.contains("2 sessions are open: name one; open now: scanner-"),
        "{said}"
    );
    let (_, said) = ssh(&home, "ticket-T-1");
    assert!(said.contains("for several; open now: scanner-"), "{said}");
    other.signal(Signal::SIGKILL);
    other.wait_for_end();
    let broken_off = format!("was broken off; come back to it with: fieldlink-connect {}", second.digits());
    let (code, said) = ssh(&home, &format!("scanner-{}", second.digits()));
    assert!(code == Some(255) && said.contains(&broken_off), "{said}");
    assert_eq!(ssh(&home, "scanner"), (Some(0), "there\n".into()), "one is left");
    call.end();
    let (code, said) = ssh(&home, "scanner");
    assert!(code == Some(255) && said.contains(&broken_off) && said.lines().count() == 1, "{said}");
    let (code, said) = ssh(&home, "ticket-T-1");
    assert!(code == Some(255) && said.contains("no open session"), "{said}");
}

#[test]
fn the_line_is_put_in_its_place() {
    let engineer = Engineer::new();
    let Some(home) = Home::of(&engineer) else { return };
    let (success, said) = run(&home, &["ssh-config"]);
    assert!(!success && said.contains("the line is not in "), "{said}");
    let line = said.lines().find(|line| line.starts_with("Include ")).expect("the line").to_owned();

    std::fs::create_dir(home.ssh_config().parent().expect("a directory")).expect("made");
    let own = format!("Host build\n  User ada\n  {line}\n");
    std::fs::write(home.ssh_config(), &own).expect("written");
    let (success, said) = run(&home, &["ssh-config"]);
    assert!(!success && said.contains("in line 3 of") && said.contains("moves it to the top"), "{said}");
    let (success, said) = run(&home, &["ssh-config", "--install"]);
    assert!(success && said.contains("moved the Include line"), "{said}");
    let text = std::fs::read_to_string(home.ssh_config()).expect("there");
    assert!(text.ends_with(&format!("{line}\n\nHost build\n  User ada\n")), "{text}");
    assert!(run(&home, &["ssh-config", "--install"]).1.contains("nothing was changed"));
    assert_eq!(std::fs::read_to_string(home.ssh_config()).expect("there"), text);
    assert!(run(&home, &["ssh-config"]).0);

    assert!(run(&home, &["ssh-config", "--uninstall"]).1.contains("took the Include line out"));
    assert_eq!(std::fs::read_to_string(home.ssh_config()).expect("there"), "Host build\n  User ada\n");
}
