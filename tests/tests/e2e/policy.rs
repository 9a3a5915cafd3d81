//! What the scanner's owner permits, by the stock tools: every function with every value.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Call, Engineer, Relay, Scanner};

/// With these closed, files go only by SFTP.
const CLOSED: &str = "shell = \"never\"\nexec = \"never\"\nforward = \"never\"\n";

fn scanner_with(relay: &Relay, policy: &str) -> Scanner {
    Scanner::start_with(relay, ScannerOptions { policy: policy.into(), ..ScannerOptions::default() })
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs `command` while the client answers the question about `what`.
fn while_answering(
    scanner: &mut Scanner,
    (what, answer): (&str, &str),
    command: &mut Command,
    input: &'static [u8],
) -> Output {
    let mut running = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = running.stdin.take().expect("taken over");
    let writing = thread::spawn(move || {
        // A program that is refused may not read it.
        let _ = stdin.write_all(input);
    });
    let question = scanner.process.wait_for("Allow it for this session?");
    assert!(question.contains(what), "{question}");
    scanner.process.type_line(answer);
    let output = running.wait_with_output().expect("it ends");
    writing.join().expect("written");
    output
}

/// How an engineer uses a function, what they type, and what shows that it worked.
struct Used {
    name: &'static str,
    what: &'static str,
    command: fn(&Call<'_>, u16) -> Command,
    input: &'static [u8],
}

const USES: [Used; 3] = [
    Used {
        name: "shell",
        what: "a command line",
        command: |call, _| {
            let mut shell = call.tool("ssh");
            shell.arg(&call.alias);
            shell
        },
        input: b"echo used-$((1+1))\nexit\n",
    },
    Used {
        name: "exec",
        what: "single commands",
        command: |call, _| call.ssh("echo used-$((1+1))"),
        input: b"",
    },
    Used {
        name: "forward",
        what: "ports of this device",
        command: |call, port| {
            let mut forward = call.tool("ssh");
            forward.args(["-W", &format!("127.0.0.1:{port}"), &call.alias]);
            forward
        },
        input: b"",
    },
];

/// A port of the scanner's where everybody is greeted.
fn greeting_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"used-2\n"));
        }
    });
    port
}

#[test]
fn a_shell_a_command_and_a_forward_with_every_value() {
    let (relay, port) = (Relay::start(), greeting_port());
    let engineer = Engineer::enrolled(&relay, "Ada");
    for Used { name, what, command, input } in USES {
        let is_done = |output: &Output| stdout(output).contains("used-2");
        let line = |value: &str| format!("policy.{name} = \"{value}\"");

        let scanner = scanner_with(&relay, &format!("{name} = \"never\""));
        let output = run_with_input(&mut command(&engineer.call(&scanner), port), input);
        assert!(!is_done(&output) && stderr(&output).contains(&line("never")), "{name}: {output:?}");

        let mut scanner = scanner_with(&relay, &format!("{name} = \"ask\""));
        let call = engineer.call(&scanner);
        let output = while_answering(&mut scanner, (what, "no"), &mut command(&call, port), input);
        assert!(!is_done(&output) && stderr(&output).contains(&line("ask")), "{name}: {output:?}");
        let again = run_with_input(&mut command(&call, port), input);
        assert!(!is_done(&again) && stderr(&again).contains(&line("ask")), "a no stands: {again:?}");
        drop(call);

        let mut scanner = scanner_with(&relay, &format!("{name} = \"ask\""));
        let call = engineer.call(&scanner);
        let output = while_answering(&mut scanner, (what, "yes"), &mut command(&call, port), input);
        assert!(is_done(&output), "{name}: {output:?}");
        let again = run_with_input(&mut command(&call, port), input);
        assert!(is_done(&again), "for the session: {again:?}");
        drop(call);

        let scanner = scanner_with(&relay, &format!("{name} = \"allowed\""));
        let output = run_with_input(&mut command(&engineer.call(&scanner), port), input);
        assert!(is_done(&output), "{name}: {output:?}");
    }
}

fn sftp(call: &Call<'_>) -> Command {
    let mut command = call.tool("sftp");
    command.args(["-b", "-", &call.alias]);
    command
}

/// One file on each side, and the two transfers.
struct Files<'a> {
    near: &'a Path,
    far: &'a Path,
}

impl Files<'_> {
    fn up(&self) -> Vec<u8> {
        format!("put {}/data {}/up\n", self.near.display(), self.far.display()).into_bytes()
    }

    fn down(&self) -> Vec<u8> {
        format!("get {}/data {}/down\n", self.far.display(), self.near.display()).into_bytes()
    }

    /// Whether the file arrived, whole.
    fn is_up(&self) -> bool {
        fs::read(self.far.join("up")).is_ok_and(|read| read == vec![1; 300_000])
    }

    fn is_down(&self) -> bool {
        fs::read(self.near.join("down")).is_ok_and(|read| read == vec![2; 300_000])
    }
}

#[test]
fn files_go_each_way_with_every_value() {
    let relay = Relay::start();
    for (function, what) in
        [("upload", "copying files to this device"), ("download", "copying files from this device")]
    {
        for (value, answer) in [("never", ""), ("ask", "no"), ("ask", "yes"), ("allowed", "")] {
            let engineer = Engineer::enrolled(&relay, &format!("Ada {function} {value} {answer}"));
            let mut scanner = scanner_with(&relay, &format!("{CLOSED}{function} = \"{value}\""));
            let call = engineer.call(&scanner);
            let far = scanner.directory().to_owned();
            let near = engineer.home();
            let files = Files { near: &near, far: &far };
            fs::write(files.near.join("data"), vec![1; 300_000]).expect("writable");
            fs::write(far.join("data"), vec![2; 300_000]).expect("writable");
            let is_upload = function == "upload";
            let batch: &'static [u8] = (if is_upload { files.up() } else { files.down() }).leak();
            let output = match answer {
                "" => run_with_input(&mut sftp(&call), batch),
                answer => while_answering(&mut scanner, (what, answer), &mut sftp(&call), batch),
            };
            let is_there = if is_upload { files.is_up() } else { files.is_down() };
            let may_go = value == "allowed" || answer == "yes";
            assert_eq!(
                (is_there, output.status.success()),
                (may_go, may_go),
                "{function} {value}: {output:?}"
            );
            if !may_go {
                let line = format!("policy.{function} = \"{value}\"");
                assert!(stderr(&output).contains(&line), "{output:?}");
                let name = if is_upload { far.join("up") } else { files.near.join("down") };
                let left = fs::read(&name).unwrap_or_default();
                assert!(left.is_empty(), "{function} {value}: {} bytes got through", left.len());
            }
            let other = if is_upload { files.down() } else { files.up() };
            let output = run_with_input(&mut sftp(&call), &other);
            assert!(output.status.success(), "the other way is open: {output:?}");
        }
    }
}

#[test]
fn without_uploads_nothing_on_the_scanner_changes() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = scanner_with(&relay, &format!("{CLOSED}upload = \"never\""));
    let call = engineer.call(&scanner);
    let far = scanner.directory().to_owned();
    fs::write(far.join("data"), "kept").expect("writable");
    fs::create_dir(far.join("sub")).expect("writable");
    let before = fs::metadata(far.join("data")).expect("it is there").permissions();
    for request in [
        "rm {}/data",
        "rmdir {}/sub",
        "mkdir {}/new",
        "rename {}/data {}/new",
        "ln {}/data {}/new",
        "ln -s {}/data {}/new",
        "chmod 777 {}/data",
        "put /etc/passwd {}/new",
        "reput /etc/passwd {}/data",
    ] {
        let request = request.replace("{}", &far.display().to_string()) + "\n";
        let output = run_with_input(&mut sftp(&call), request.as_bytes());
        assert!(!output.status.success(), "{request}: {output:?}");
    }
    assert_eq!(fs::read_to_string(far.join("data")).expect("readable"), "kept");
    assert_eq!(fs::metadata(far.join("data")).expect("it is there").permissions(), before);
    assert!(far.join("sub").is_dir() && !far.join("new").exists());
    let look = format!("ls -l {f}\nget {f}/data {}/data\n", engineer.home().display(), f = far.display());
    let output = run_with_input(&mut sftp(&call), look.as_bytes());
    assert!(output.status.success() && stdout(&output).contains("sub"), "{output:?}");
    // scp is the same by another name; its old protocol is a command.
    let remote = format!("{}:{}/new", call.alias, far.display());
    for options in [["-q", "-s"], ["-q", "-O"]] {
        let output = run_with_input(call.tool("scp").args(options).args(["/etc/passwd", &remote]), b"");
        assert!(!output.status.success() && !far.join("new").exists(), "{output:?}");
    }
}

/// `SSH_FXP_INIT` of version 3, and `SSH_FXP_OPEN` of `path` to write to it (draft-ietf-secsh-filexfer-02).
fn opening(path: &str) -> Vec<u8> {
    let mut open = vec![3, 0, 0, 0, 1];
    open.extend((path.len() as u32).to_be_bytes());
    open.extend(path.as_bytes());
    // Write and create; no attributes.
    open.extend([0, 0, 0, 10, 0, 0, 0, 0]);
    let mut packets = vec![0, 0, 0, 5, 1, 0, 0, 0, 3];
    packets.extend((open.len() as u32).to_be_bytes());
    packets.extend(open);
    packets
}

/// What looks at the requests must not be blinded by a terminal, by pieces, or by what is no request.
#[test]
fn nothing_gets_around_the_look_at_requests() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = scanner_with(&relay, &format!("{CLOSED}upload = \"never\""));
    let call = engineer.call(&scanner);
    let path = scanner.directory().join("made");
    let request = opening(&path.display().to_string());
    for options in [&["-T"][..], &["-tt"], &["-tt", "-e", "none"]] {
        let mut command = call.tool("ssh");
        command.args(options).args(["-s", &call.alias, "sftp"]);
        let output = run_with_input(&mut command, &request);
        assert!(!path.exists(), "{options:?}: {output:?}");
        assert!(stderr(&output).contains("policy.upload = \"never\""), "{options:?}: {output:?}");
    }
    let mut long = vec![0xff; 4];
    long.extend(&request);
    let mut command = call.tool("ssh");
    command.args(["-T", "-s", &call.alias, "sftp"]);
    run_with_input(&mut command, &long);
    assert!(!path.exists());
}

#[test]
fn where_no_files_may_go_there_is_no_file_transfer() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = scanner_with(&relay, &format!("{CLOSED}upload = \"never\"\ndownload = \"never\""));
    let call = engineer.call(&scanner);
    let output = run_with_input(&mut sftp(&call), b"pwd\n");
    assert!(!output.status.success() && stderr(&output).contains("policy.upload = \"never\""), "{output:?}");
}

/// The engineer gives up while the client is being asked: the question goes, and a late yes lets nobody in.
#[test]
fn who_gives_up_is_not_asked_about_any_more() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_with(&relay, "exec = \"ask\"");
    let call = engineer.call(&scanner);
    let mut command = call.ssh("true").stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    scanner.process.wait_for("Allow it for this session?");
    command.kill().expect("it runs");
    command.wait().expect("it ends");
    scanner.process.wait_for("was taken back");
    let answered =
        while_answering(&mut scanner, ("single commands", "yes"), &mut call.ssh("echo used-$((1+1))"), b"");
    assert!(stdout(&answered).contains("used-2"), "{answered:?}");
}
