//! An interactive shell and single commands, by the stock OpenSSH client.

use std::process::{Command, Stdio};

use fieldlink_tests::programs::{Running, run_with_input};
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner};

/// How other programs can use the session is found out while the session's own ssh starts; that waits for it, also if it
/// takes long.
#[test]
fn nothing_is_said_into_a_shell() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    // An ssh that never says what it makes of the engineer's own configuration.
    let path = engineer.path_with("ssh", "[ \"$1\" = -G ] && exec sleep 1000; exec /usr/bin/ssh \"$@\"");
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--ticket", "T-1"]).env("PATH", path);
    let mut session = Running::start("fieldlink-connect", &mut command);
    session.type_line(&scanner.pin);
    session.type_line("echo shell-$((40+2)); exit");
    session.wait_for("shell-42");
    let said = session.transcript();
    let [note, shell] = ["from other terminals", "shell-42"].map(|words| said.find(words));
    assert!(note.is_some() && note < shell, "{said}");
}

#[test]
fn an_interactive_shell_has_a_terminal_that_resizes() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut terminal = Terminal::start(&call, &[]);
    terminal.type_keys("stty size; echo \"tty:$(tty | cut -c1-8) term:$TERM\"\r");
    terminal.wait_for("30 100");
    terminal.wait_for("tty:/dev/pts term:xterm-256color");
    terminal.pty.resize(pty_process::Size::new(50, 132)).expect("it resizes");
    // The kernel tells ssh, ssh tells the scanner; the far shell looks until it is there.
    terminal.type_keys("until stty size | grep -q '^50 132$'; do sleep 0.02; done; echo resized-$((40+2))\r");
    terminal.wait_for("resized-42");
    terminal.type_keys("sh -c 'echo started-$((40+3)); exec sleep 1000'\r");
    terminal.wait_for("started-43");
    terminal.type_keys("\u{3}");
    terminal.type_keys("echo interrupted-$?\r");
    terminal.wait_for("interrupted-130");
    terminal.type_keys("printf '\\303\\251-%s\\n' done\r");
    terminal.wait_for("é-done");
    terminal.type_keys("exit 7\r");
    assert_eq!(terminal.child.wait().expect("it ends").code(), Some(7));
}

#[test]
fn closing_the_terminal_hangs_the_shell_up() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut terminal = Terminal::start(&call, &[]);
    terminal.type_keys("echo armed-$((40+2))\r");
    terminal.wait_for("armed-42");
    let with_shell = scanner.descendants().len();
    terminal.child.kill().expect("ssh runs");
    terminal.child.wait().expect("it ends");
    let is_gone = || scanner.descendants().len() < with_shell;
    fieldlink_tests::programs::eventually("the shell was hung up", PATIENCE, is_gone);
}

#[test]
fn every_exit_code_arrives() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let codes: Vec<i32> = (0..=255).collect();
    std::thread::scope(|scope| {
        for part in codes.chunks(64) {
            let call = &call;
            scope.spawn(move || {
                for &code in part {
                    let output = run_with_input(&mut call.ssh(&format!("exit {code}")), b"");
                    assert_eq!(
                        output.status.code(),
                        Some(code),
                        "{}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                }
            });
        }
    });
}

#[test]
fn a_command_that_dies_by_a_signal_is_told_apart() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut command = call.tool("ssh");
    command.args(["-v", &call.alias, "kill -TERM $$"]);
    let output = run_with_input(&mut command, b"");
    assert_eq!(output.status.code(), Some(255));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("exit-signal"), "{log}");
}

#[test]
fn stdout_stderr_and_environment_are_what_they_should_be() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let output = run_with_input(&mut call.ssh("echo out; echo err >&2; exit 3"), b"");
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (b"out\n".as_slice(), b"err\n".as_slice())
    );
    assert_eq!(output.status.code(), Some(3));

    let mut command = call.tool("ssh");
    command.env("LANG", "de_DE.UTF-8").env("LC_TIME", "C").env("SECRET_TOKEN", "x");
    command.args(["-o", "SendEnv=SECRET_TOKEN", &call.alias, "env"]);
    let environment = String::from_utf8(run_with_input(&mut command, b"").stdout).expect("text");
    assert!(
        environment.contains("LANG=de_DE.UTF-8\n") && environment.contains("LC_TIME=C\n"),
        "{environment}"
    );
    assert!(!environment.contains("SECRET_TOKEN"), "{environment}");
    for secret in ["FIELDLINK_CONFIG", "SSH_AUTH_SOCK", "SSH_CLIENT"] {
        assert!(!environment.contains(secret), "{environment}");
    }
    assert_eq!(call.output_of("cat; echo ended").trim(), "ended", "an empty standard input ends");
}

#[test]
fn a_gibibyte_passes_unchanged_each_way() {
    // Every byte value, no period that a buffer size could hide; the same on both sides.
    const SOURCE: &str =
        "openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 1073741824";
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let expected = shell_output(&format!("{SOURCE} | sha256sum"));

    let mut down = call.ssh(SOURCE).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("ssh starts");
    let hash =
        Command::new("sha256sum").stdin(down.stdout.take().expect("taken over")).output().expect("it runs");
    assert!(down.wait().expect("it ends").success());
    assert_eq!(String::from_utf8_lossy(&hash.stdout), expected);

    let mut source =
        Command::new("sh").args(["-c", SOURCE]).stdout(Stdio::piped()).spawn().expect("it starts");
    let input = source.stdout.take().expect("taken over");
    let up = call.ssh("sha256sum").stdin(input).output().expect("it runs");
    source.wait().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&up.stdout), expected);
}

fn shell_output(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("sh runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_the_server_does_not_do_is_refused() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let attempt = |arguments: &[&str]| {
        let mut command = call.tool("ssh");
        command.args(arguments);
        run_with_input(&mut command, b"")
    };
    let reverse = attempt(&["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", &call.alias, "true"]);
    assert!(!reverse.status.success());
    assert!(String::from_utf8_lossy(&reverse.stderr).contains("remote port forwarding failed"));
    let other_user = attempt(&["-l", "nobody", &call.alias, "true"]);
    assert!(String::from_utf8_lossy(&other_user.stderr).contains("Permission denied"));
    let subsystem = attempt(&["-s", &call.alias, "netconf"]);
    assert!(String::from_utf8_lossy(&subsystem.stderr).contains("subsystem request failed"));
    for cipher in ["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-cbc"] {
        let weaker = attempt(&["-o", &format!("Ciphers={cipher}"), &call.alias, "true"]);
        assert!(String::from_utf8_lossy(&weaker.stderr).contains("no matching cipher"), "{cipher}");
    }
    let agent = attempt(&["-A", &call.alias, "echo ${SSH_AUTH_SOCK:-none}"]);
    assert_eq!(String::from_utf8_lossy(&agent.stdout).trim(), "none");
}
