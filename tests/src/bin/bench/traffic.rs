//! Measuring one way of getting somewhere by ssh.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fieldlink_tests::programs::Running;
use fieldlink_tests::{Call, Engineer, Scanner};

use crate::openssh::Way;

/// From the beginning of a call to the last digit of its PIN, at the quickest.
const HEARD: Duration = Duration::from_millis(500);

/// The middle value; the upper one of two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// User and system time of a process so far, in seconds.
pub(crate) fn cpu_seconds(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    let field = |index: usize| -> f64 {
        after_name.split_whitespace().nth(index).and_then(|text| text.parse().ok()).expect("a number")
    };
    // Fields 14 and 15 of proc(5), counted behind the name; the unit is 1/100 s on every Linux we run on.
    (field(11) + field(12)) / 100.0
}

/// Our way there, as [`crate::openssh::Peers::ways`] are the others'.
pub(crate) fn ours<'a>(call: &'a Call<'_>) -> Way<'a> {
    Box::new(|arguments| {
        let mut command = call.tool("ssh");
        command.arg(&call.alias).args(arguments);
        command
    })
}

/// MiB/s of `bytes` zero bytes, from or to the far end.
pub(crate) fn rate(ssh: &Way<'_>, bytes: u64, down: bool) -> f64 {
    let begin = Instant::now();
    let status = if down {
        let mut child =
            ssh(&[&format!("head -c {bytes} /dev/zero")]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let child = child.as_mut().expect("ssh starts");
        let mut output = child.stdout.take().expect("taken over");
        let mut buffer = vec![0; 256 << 10];
        let mut left = bytes;
        while left > 0 {
            match output.read(&mut buffer).expect("readable") {
                0 => break,
                count => left -= count as u64,
            }
        }
        assert_eq!(left, 0, "it all arrived");
        child.wait()
    } else {
        let mut child = ssh(&["cat >/dev/null"]).stdin(Stdio::piped()).spawn();
        let child = child.as_mut().expect("ssh starts");
        let mut input = child.stdin.take().expect("taken over");
        let block = vec![0; 256 << 10];
        for _ in 0..bytes / block.len() as u64 {
            input.write_all(&block).expect("writable");
        }
        drop(input);
        child.wait()
    };
    assert!(status.expect("it ends").success());
    (bytes >> 20) as f64 / begin.elapsed().as_secs_f64()
}

/// Median seconds of a 64-byte message through `cat` and back.
pub(crate) fn round_trip(cat: &mut Command) -> f64 {
    median(round_trips(cat, 2_000))
}

/// The same, of fewer: for lines on which each takes long.
pub(crate) fn slow_round_trip(cat: &mut Command) -> f64 {
    median(round_trips(cat, 20))
}

fn round_trips(cat: &mut Command, count: usize) -> Vec<f64> {
    let mut child = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh starts");
    let (mut input, mut output) =
        (child.stdin.take().expect("taken over"), child.stdout.take().expect("taken over"));
    let mut exchange = || {
        let begin = Instant::now();
        input.write_all(&[b'x'; 64]).expect("writable");
        output.read_exact(&mut [0; 64]).expect("readable");
        begin.elapsed().as_secs_f64()
    };
    for _ in 0..count / 20 {
        exchange();
    }
    let times = (0..count).map(|_| exchange()).collect();
    drop(input);
    child.wait().expect("it ends");
    times
}

/// Seconds from asking for a further connection to the first byte of the far SSH server.
pub(crate) fn first_byte(call: &Call<'_>) -> f64 {
    let ssh = call.tool("ssh");
    let mut command = Command::new(fieldlink_tests::programs::path_of("fieldlink-connect"));
    command.envs(ssh.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["proxy", "--stdio", call.alias.trim_start_matches("scanner-")]);
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdout.take().expect("taken over").read_exact(&mut [0; 4]).expect("a banner");
    let took = begin.elapsed().as_secs_f64();
    let _ = child.kill();
    let _ = child.wait();
    took
}

/// Seconds that a whole command takes.
pub(crate) fn whole_command(command: &mut Command) -> f64 {
    let begin = Instant::now();
    assert!(command.stdin(Stdio::null()).status().expect("ssh starts").success());
    begin.elapsed().as_secs_f64()
}

/// Seconds from the PIN to the first output of a shell.
pub(crate) fn pin_to_output(engineer: &Engineer, scanner: &Scanner) -> f64 {
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--ticket", "BENCH-1"]);
    let mut session = Running::start("fieldlink-connect", &mut command);
    session.wait_for("connecting to");
    // Without a terminal nothing asks for the PIN. So long a person takes at least who hears it on the phone.
    std::thread::sleep(HEARD);
    let begin = Instant::now();
    session.type_line(&scanner.pin);
    session.type_line("echo first-$((1+1)); exit");
    session.wait_for("first-2");
    begin.elapsed().as_secs_f64()
}

/// The 99th percentile of round trips while an upload is stalled, in seconds.
pub(crate) fn beside_a_stall(call: &Call<'_>) -> f64 {
    let zeros = std::fs::File::open("/dev/zero").expect("it is there");
    let mut stalled = call.ssh("sleep 60").stdin(zeros).stdout(Stdio::null()).spawn().expect("ssh starts");
    let mut times = round_trips(&mut call.ssh("cat"), 2_000);
    stalled.kill().expect("it runs");
    stalled.wait().expect("it ends");
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}
