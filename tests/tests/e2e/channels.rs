//! What goes through a channel arrives whole, and one channel after another works on one connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Cable, Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};

/// More than OpenSSH's client takes unread.
const NUMBERS: u32 = 300_000;

fn numbers(line_end: &str) -> Vec<u8> {
    (1..=NUMBERS).flat_map(|number| format!("{number}{line_end}").into_bytes()).collect()
}

/// Reads to the end, `bytes_a_second` at most, and calls `disturb` after every quarter mebibyte.
fn read_slowly(mut source: impl Read, bytes_a_second: f64, mut disturb: impl FnMut()) -> Vec<u8> {
    let (begin, mut text, mut next) = (Instant::now(), Vec::new(), 1 << 18);
    let mut piece = vec![0; 16 * 1024];
    loop {
        match source.read(&mut piece).expect("readable") {
            0 => return text,
            read => text.extend_from_slice(&piece[..read]),
        }
        if text.len() >= next {
            next += 1 << 18;
            disturb();
        }
        let due = Duration::from_secs_f64(text.len() as f64 / bytes_a_second);
        std::thread::park_timeout(due.saturating_sub(begin.elapsed()));
    }
}

fn start(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// What `child` printed, read at that speed. It must end well.
fn output_at(mut child: Child, bytes_a_second: f64, disturb: impl FnMut()) -> Vec<u8> {
    let text = read_slowly(child.stdout.take().expect("taken over"), bytes_a_second, disturb);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn assert_same(what: &str, found: &[u8], expected: &[u8]) {
    let differs = found.iter().zip(expected).position(|(a, b)| a != b);
    assert!(
        found == expected,
        "{what}: {} of {} bytes, the first difference at {differs:?}",
        found.len(),
        expected.len()
    );
}

fn with_terminal(call: &Call<'_>, remote: &str) -> Command {
    let mut command = call.tool("ssh");
    command.args(["-tt", &call.alias, remote]);
    command
}

#[test]
fn what_was_written_before_the_end_arrives_at_any_speed() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let remote = format!("seq 1 {NUMBERS}; exit 3");
    std::thread::scope(|scope| {
        for speed in [700e3, 1.5e6, 4e6, f64::INFINITY] {
            let (call, remote) = (&call, &remote);
            scope.spawn(move || {
                let text = output_at(start(&mut with_terminal(call, remote)), speed, || {});
                assert_same(&format!("terminal, {speed} B/s"), &text, &numbers("\r\n"));
            });
            scope.spawn(move || {
                let text = output_at(start(&mut call.ssh(remote)), speed, || {});
                assert_same(&format!("pipe, {speed} B/s"), &text, &numbers("\n"));
            });
        }
    });
}

#[test]
fn an_interactive_shell_shows_all_of_its_last_command() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut command = call.tool("ssh");
    command.args(["-tt", &call.alias]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut shell = command.spawn().expect("it starts");
    let line = format!("stty -echo; echo 'be''gin'; seq 1 {NUMBERS}; exit 3\r");
    shell.stdin.take().expect("taken over").write_all(line.as_bytes()).expect("writable");
    let text = String::from_utf8(output_at(shell, 1e6, || {})).expect("text");
    let (_, shown) = text.split_once("begin\r\n").expect("it began");
    let expected = numbers("\r\n");
    assert_same("shell", &shown.as_bytes()[..expected.len().min(shown.len())], &expected);
}

#[test]
fn cuts_lose_nothing_of_what_a_program_that_has_ended_wrote() {
    let relay = Relay::start();
    let (scanners, engineers) = (Cable::to(&relay), Cable::to(&relay));
    let scanner = Scanner::start_at(&scanners.url(), relay.authority(), ScannerOptions::default());
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.redirect_to(&engineers.url());
    let call = engineer.call(&scanner);
    let cut = |cable: &Cable| {
        cable.cut();
        cable.mend();
    };
    let mut turn = 0;
    let mut disturb = || {
        turn += 1;
        cut(if turn % 2 == 0 { &scanners } else { &engineers });
    };
    let remote = format!("seq 1 {NUMBERS}; exit 3");
    let text = output_at(start(&mut with_terminal(&call, &remote)), 4e6, &mut disturb);
    assert_same("terminal", &text, &numbers("\r\n"));
    let text = output_at(start(&mut call.ssh(&remote)), 4e6, &mut disturb);
    assert_same("pipe", &text, &numbers("\n"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(&numbers("\n")).expect("writable");
    });
    let mut forward = call.tool("ssh");
    forward.args(["-W", &format!("127.0.0.1:{port}"), &call.alias]);
    let mut child = start(&mut forward);
    let text = read_slowly(child.stdout.take().expect("taken over"), 4e6, &mut disturb);
    assert!(child.wait().expect("it ends").success());
    server.join().expect("it has sent everything");
    assert_same("forward", &text, &numbers("\n"));
    let data = engineer.home().join("data");
    std::fs::write(&data, numbers("\n")).expect("writable");
    let copy = scanner.directory().join("copy");
    let mut upload = call.tool("scp");
    upload.args(["-q", "-l", "40000"]).arg(&data).arg(format!("{}:{}", call.alias, copy.display()));
    let mut upload = Running::start("scp", &mut upload);
    eventually("it has begun", PATIENCE, || std::fs::metadata(&copy).is_ok_and(|data| data.len() > 0));
    disturb();
    assert!(upload.wait_for_end().success(), "{}", upload.transcript());
    assert_same("sftp", &std::fs::read(&copy).expect("it is there"), &numbers("\n"));
}

#[test]
fn what_background_children_write_afterwards_holds_up_nothing() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let remote = "echo first; (trap '' HUP; exec yes) & sleep 0.1; exit 3";
    let text = output_at(start(&mut with_terminal(&call, remote)), f64::INFINITY, || {});
    assert!(text.starts_with(b"first\r\n"), "{}", String::from_utf8_lossy(&text[..text.len().min(200)]));
}

/// A client that sends and sends, to a program that answers, reads nothing and ends.
#[test]
fn a_flood_of_input_does_not_hold_up_the_end_of_a_program() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let zeros = || std::fs::File::open("/dev/zero").expect("it is there");
    for _ in 0..5 {
        let mut command = call.ssh("head -c 20000000 /dev/zero; exit 3");
        let child = command.stdin(zeros()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let text = output_at(child.expect("it starts"), 40e6, || {});
        assert_eq!(text.len(), 20_000_000);
    }
}

/// Says much, reads nothing, and closes: its answer is on its way while it resets the connection.
fn rude_server(connections: usize, answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.expect("a connection");
            stream.read_exact(&mut [0]).expect("a beginning");
            stream.write_all(answer).expect("writable");
            stream.shutdown(Shutdown::Write).expect("open");
            // Its kernel has passed on everything when it waits for our end only (FIN_WAIT2).
            eventually("the answer has left", PATIENCE, || has_sent_all(port));
            // Dropped with unread input, which the kernel answers with a reset.
        }
    });
    port
}

fn has_sent_all(port: u16) -> bool {
    let local = format!(":{port:04X} ");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|address| format!("{address} ").ends_with(&local))
            && fields.nth(1) == Some("05")
    })
}

#[test]
fn the_answer_of_a_server_that_reads_no_more_arrives() {
    static ANSWER: [u8; 1 << 20] = [b'a'; 1 << 20];
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let port = rude_server(4, &ANSWER);
    for _ in 0..2 {
        let mut command = call.tool("ssh");
        command.args(["-W", &format!("127.0.0.1:{port}"), &call.alias]);
        let output = run_with_input(&mut command, &vec![b'q'; 8 << 20]);
        assert_eq!(output.stdout.len(), ANSWER.len(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut command = engineer.connect();
    command.args(["forward", &format!("0:127.0.0.1:{port}")]);
    let mut forward = Running::start("forward", &mut command);
    let line = forward.wait_for("forwarding 127.0.0.1:");
    let local = line.split("127.0.0.1:").nth(1).and_then(|rest| rest.split(' ').next()).expect("a port");
    for _ in 0..2 {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{local}")).expect("it listens");
        let mut sending = stream.try_clone().expect("a clone");
        let sender = std::thread::spawn(move || {
            let _ = sending.write_all(&vec![b'q'; 8 << 20]);
        });
        let mut answer = vec![0; ANSWER.len()];
        stream.read_exact(&mut answer).expect("the whole answer");
        sender.join().expect("it ends");
    }
}

/// A connection that OpenSSH's tools share, and none of their own beside it.
struct Shared<'a> {
    call: &'a Call<'a>,
    path: PathBuf,
    _master: Running,
}

impl<'a> Shared<'a> {
    fn begin(engineer: &Engineer, call: &'a Call<'a>) -> Self {
        let path = engineer.home().join("mux");
        let mut command = call.tool("ssh");
        command.args(["-N", "-o", "ControlMaster=yes", "-o"]).arg(format!("ControlPath={}", path.display()));
        command.arg(&call.alias);
        let master = Running::start("ssh", &mut command);
        eventually("the connection is there", PATIENCE, || path.exists());
        Self { call, path, _master: master }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = self.call.tool(name);
        command.args(["-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-o", "ProxyUseFdpass=no", "-o"]);
        command.arg(format!("ControlPath={}", self.path.display()));
        command
    }

    fn output_of(&self, remote: &str) -> String {
        let mut command = self.tool("ssh");
        let output = run_with_input(command.arg(&self.call.alias).arg(remote), b"");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && errors.is_empty(), "{remote}: {}: {errors}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }
}

#[test]
fn one_connection_serves_one_command_after_another_and_sftp_beside_them() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let shared = Shared::begin(&engineer, &call);
    for number in 0..30 {
        assert_eq!(shared.output_of(&format!("echo {number}")), format!("{number}\n"));
    }
    let mut sftp = shared.tool("sftp");
    let mut sftp = Running::start("sftp", sftp.arg("-q").arg(&call.alias));
    sftp.type_line("!echo sftp-$((40+2))");
    sftp.wait_for("sftp-42");
    for number in 0..5 {
        assert_eq!(shared.output_of(&format!("echo {number}")), format!("{number}\n"));
        sftp.type_line(&format!("mkdir {}/of-sftp-{number}", scanner.directory().display()));
    }
    eventually("sftp works too", PATIENCE, || scanner.directory().join("of-sftp-4").exists());
    let mut long = shared.tool("ssh");
    let mut long = Running::start("ssh", long.args([&call.alias, "echo running; read line"]));
    long.wait_for("running");
    assert_eq!(shared.output_of("echo beside"), "beside\n");
    long.type_line("");
    assert!(long.wait_for_end().success());
}

/// Whichever channels of a connection are stalled or flood: the others answer.
#[test]
fn a_stall_holds_up_nothing_else_of_its_connection() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let shared = Shared::begin(&engineer, &call);
    let zeros = || std::fs::File::open("/dev/zero").expect("it is there");
    let mut stalled: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = shared.tool("ssh");
            command.args([&call.alias, "echo running; sleep 1000"]).stdin(zeros());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
            let mut running = [0; 8];
            child.stdout.take().expect("taken over").read_exact(&mut running).expect("it runs");
            child
        })
        .collect();
    let mut unread = shared.tool("ssh");
    unread.args([&call.alias, "cat /dev/zero"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut unread = unread.spawn().expect("it starts");
    for number in 0..200 {
        assert_eq!(shared.output_of(&format!("echo {number}")), format!("{number}\n"));
    }
    for child in stalled.iter_mut().chain([&mut unread]) {
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

/// A filter whose output is read slowly while its input floods in.
#[test]
fn a_filter_gets_through() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let data = engineer.home().join("data");
    let text: Vec<u8> = numbers("\n").repeat(10);
    std::fs::write(&data, &text).expect("writable");
    for remote in ["cat; exit 3", "sed p; exit 3"] {
        let mut command = call.ssh(remote);
        command.stdin(std::fs::File::open(&data).expect("it is there"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let found = output_at(child, 20e6, || {});
        let times = if remote.starts_with("cat") { 1 } else { 2 };
        assert_eq!(found.len(), times * text.len(), "{remote}");
        if times == 1 {
            assert_same(remote, &found, &text);
        }
    }
}

/// As long a command as Linux takes, and a longer one.
#[test]
fn commands_may_be_as_long_as_on_any_linux() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let script = |length: usize| format!(": {}; echo end", "x".repeat(length - 12));
    // Longer than one argument of ssh's own may be: from several, which it joins.
    let run = |length: usize| {
        let script = script(length);
        let mut command = call.tool("ssh");
        command
            .arg(&call.alias)
            .args(script.split_inclusive("xxxxxxxxxx").map(|part| part.trim_end_matches('\n')));
        command
    };
    let output = run_with_input(&mut call.ssh(&script(131_000)), b"");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "end\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = run_with_input(&mut run(200_000), b"");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(126) && errors.contains("at most"), "{errors}");
}

/// `sftp-server` is stopped while much is under way to it.
#[test]
fn a_stalled_sftp_holds_up_no_command_of_its_connection() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let shared = Shared::begin(&engineer, &call);
    let data = engineer.home().join("data");
    std::fs::File::create(&data).and_then(|file| file.set_len(64 << 20)).expect("writable");
    let copy = scanner.directory().join("copy");
    let mut upload = shared.tool("sftp");
    let mut upload = Running::start("sftp", upload.arg("-q").arg(&call.alias));
    upload.type_line("pwd");
    upload.wait_for("Remote working directory");
    let server = scanner.descendants().into_iter().find(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("sftp-server"))
    });
    let server = server.expect("it runs");
    let signal = |signal| {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.cast_signed()), signal).expect("it runs")
    };
    upload.type_line(&format!("put {} {}", data.display(), copy.display()));
    eventually("it has begun", PATIENCE, || std::fs::metadata(&copy).is_ok_and(|data| data.len() > 0));
    signal(nix::sys::signal::Signal::SIGSTOP);
    for number in 0..20 {
        assert_eq!(shared.output_of(&format!("echo {number}")), format!("{number}\n"));
    }
    signal(nix::sys::signal::Signal::SIGCONT);
    upload.type_line("bye");
    assert!(upload.wait_for_end().success(), "{}", upload.transcript());
    assert_eq!(std::fs::metadata(&copy).expect("it is there").len(), 64 << 20);
}

#[test]
fn many_variables_leave_some_out_and_hold_up_nothing() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut command = call.tool("ssh");
    command.args(["-o", "SendEnv=LC_*", &call.alias, "env | grep -c ^LC_X"]);
    for number in 0..500 {
        command.env(format!("LC_X{number}"), "x");
    }
    let output = run_with_input(&mut command, b"");
    let count: usize = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    assert!((32..=64).contains(&count), "{count}");
    let mut command = call.tool("ssh");
    command.args(["-o", "SendEnv=LC_*", &call.alias, "echo ${#LC_LONG}"]);
    let output =
        run_with_input(command.env("LC_LONG", "x".repeat(4_000)).env("LC_LONGER", "x".repeat(100_000)), b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "4000\n");
}

/// An SSH client that connects and does not log in.
#[test]
fn who_does_not_log_in_is_disconnected() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut command = engineer.connect();
    command.args(["proxy", "--stdio", &scanner.support_id]);
    let mut silent = Running::start("proxy", &mut command);
    silent.wait_for("SSH-2.0-fieldlink");
    silent.type_line("SSH-2.0-silent\r");
    silent.wait_for_end_within(Duration::from_secs(45));
    call.end();
}
