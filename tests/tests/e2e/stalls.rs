//! Many connections at once, and stalls that stay in their own.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fieldlink_tests::memory::kib;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner};

/// What another connection may take while one is stalled.
const ANSWERING: Duration = Duration::from_secs(2);

fn answers_quickly(call: &Call<'_>) {
    let started = Instant::now();
    assert_eq!(call.output_of("echo here").trim(), "here");
    assert!(started.elapsed() < ANSWERING, "{:?}", started.elapsed());
}

/// Resident memory of a process, in KiB.
fn resident(pid: nix::unistd::Pid) -> u64 {
    kib(pid, "status", "VmRSS:")
}

#[test]
fn sixteen_connections_at_once() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut connections: Vec<Running> = (0..16).map(|_| call.start("read line; echo got-$line")).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        connection.type_line(&number.to_string());
    }
    for (number, connection) in connections.iter_mut().enumerate() {
        connection.wait_for(&format!("got-{number}"));
        assert!(connection.wait_for_end().success());
    }
}

/// More than a session may have: the rest waits, and none is refused.
#[test]
fn a_hundred_and_fifty_connections_at_once_take_turns() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut first: Vec<Running> = (0..56).map(|_| call.start("read line; echo got-$line")).collect();
    let mut others: Vec<Running> =
        (0..94).map(|number| call.start(&format!("echo other-{number}"))).collect();
    for (number, connection) in first.iter_mut().enumerate() {
        connection.type_line(&number.to_string());
        connection.wait_for(&format!("got-{number}"));
        assert!(connection.wait_for_end().success());
    }
    for (number, connection) in others.iter_mut().enumerate() {
        connection.wait_for(&format!("other-{number}"));
        assert!(connection.wait_for_end().success());
    }
    let status = run_with_input(engineer.connect().arg("status"), b"");
    assert!(status.status.success());
}

#[test]
fn a_second_session_of_a_shared_connection_gets_one_of_its_own() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let path = engineer.home().join("mux");
    let shared = |remote: &str| {
        let mut command = call.tool("ssh");
        command.args(["-o", "ControlMaster=auto", "-o", &format!("ControlPath={}", path.display())]);
        command.args([&call.alias, remote]);
        command
    };
    let mut first = Running::start("ssh", &mut shared("echo first; read line; echo bye"));
    first.wait_for("first");
    eventually("the first shares its connection", PATIENCE, || path.exists());
    let output = run_with_input(&mut shared("echo second"), b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "second\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    first.type_line("");
    first.wait_for("bye");
}

#[test]
fn a_stalled_upload_and_an_unread_download_hold_up_nobody_else() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut relay = relay;
    let call = engineer.call(&scanner);
    answers_quickly(&call);
    let zeros = || std::fs::File::open("/dev/zero").expect("it is there");
    let upload = |command: &str| {
        call.ssh(command)
            .stdin(zeros())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh starts")
    };
    let mut stalled = upload("sleep 60");
    let mut unread =
        call.ssh("cat /dev/zero").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("ssh starts");
    let mut output = unread.stdout.take().expect("taken over");
    output.read_exact(&mut [0; 1000]).expect("it flows until nobody reads");
    let pids = [scanner.process.pid(), call.session_holder(), relay.process().pid()];
    // Filled up: from then on nothing grows.
    let (mut before, mut still) = (pids.map(resident), 0);
    eventually("the stalled ones are full", PATIENCE, || {
        answers_quickly(&call);
        let now = pids.map(resident);
        let has_grown = now.iter().zip(before).any(|(now, before)| *now > before + 256);
        still = if has_grown { 0 } else { still + 1 };
        before = now;
        still >= 10
    });
    for _ in 0..20 {
        answers_quickly(&call);
    }
    for (pid, before) in pids.iter().zip(before) {
        let now = resident(*pid);
        assert!(now < before + 4096, "process {pid} grew from {before} to {now} KiB");
        assert!(now < 96 * 1024, "process {pid} holds {now} KiB");
    }
    // Ending the stalled client frees everything at once: its program on the scanner, too.
    let sleeping = |scanner: &Scanner| {
        scanner.descendants().iter().any(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep\x0060"))
        })
    };
    assert!(sleeping(&scanner));
    stalled.kill().expect("it runs");
    stalled.wait().expect("it ends");
    unread.kill().expect("it runs");
    unread.wait().expect("it ends");
    eventually("the stalled program is gone", ANSWERING, || !sleeping(&scanner));
    answers_quickly(&call);
}

/// What many stalled connections made the agent keep is the system's again once they are gone, during the session
/// and after it.
#[test]
fn what_stalled_connections_held_is_given_back() {
    const MIB: u64 = 1024;
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    answers_quickly(&call);
    let agent = scanner.process.pid();
    let before = resident(agent);
    let zeros = || std::fs::File::open("/dev/zero").expect("it is there");
    let mut stalled: Vec<_> = (0..12)
        .map(|_| {
            let mut command = call.ssh("exec sleep 1000");
            command.stdin(zeros()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("ssh starts")
        })
        .collect();
    eventually("the agent keeps what nobody takes", 3 * PATIENCE, || resident(agent) > before + 40 * MIB);
    for ssh in &mut stalled {
        ssh.kill().expect("it runs");
        ssh.wait().expect("it ends");
    }
    eventually("it is given back", PATIENCE, || resident(agent) < before + 16 * MIB);
    call.end();
    eventually("it stays so", PATIENCE, || resident(agent) < before + 16 * MIB);
}
