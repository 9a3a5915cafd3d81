//! `make bench`: what it costs, beside what one would use instead, measured in the same run.
//!
//! Prints one table and writes `target/bench/bench.json`. Comparisons are interleaved and medians of
//! several rounds: the machines that run this are small and shared.

mod compare;
mod ends;
mod far;
mod gaps;
mod idle;
mod openssh;
mod rows;
mod sshd;
mod tls_copy;
mod traffic;
mod trickle;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use fieldlink_tests::{Call, Engineer, Relay, Scanner};

use gaps::Wired;
use openssh::Peers;
use rows::{Better, Rows};
use traffic::{cpu_seconds, median};

/// Rounds of every throughput measurement.
const ROUNDS: usize = 3;
/// Bytes of one round.
const BYTES: u64 = 512 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The bench starts itself again where a measurement needs a process of its own.
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tls-copy", directory] => tls_copy::serve(Path::new(directory)),
        ["idle-agents", url, authority, count] => idle::hold(url, Path::new(authority), count),
        ["compare", revision, programs] => compare::run(revision, Path::new(programs)),
        parts => run(parts),
    }
}

/// Adds its rows; the directory is kept between runs.
type Part = fn(&mut Rows, &Path);

/// What can be measured by itself, if named on the command line.
const PARTS: [(&str, Part); 6] = [
    ("idle", idle_rows),
    ("traffic", traffic_rows),
    ("gaps", gap_rows),
    ("far-gaps", far::gap_rows),
    ("far-copies", far::copy_rows),
    ("ends", end_rows),
];

fn run(wanted: &[&str]) -> ExitCode {
    let known = |part: &&str| PARTS.iter().any(|(name, _)| name == part);
    if let Some(unknown) = wanted.iter().find(|part| !known(part)) {
        eprintln!("there is no part {unknown:?}; there are: {}", PARTS.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    let directory = PathBuf::from("target/bench");
    std::fs::create_dir_all(&directory).expect("the target directory is writable");
    let mut rows = Rows::default();
    for (_, measure) in PARTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        measure(&mut rows, &directory);
    }
    rows.print();
    if wanted.is_empty() {
        rows.write(&directory.join("bench.json"));
    }
    ExitCode::SUCCESS
}

fn traffic_rows(rows: &mut Rows, cache: &Path) {
    let mut relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    first_output(rows, &relay, &engineer);
    let scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    let relay_pid = relay.process().pid().as_raw();
    let peers = Peers::start(cache);
    throughput(rows, &call, relay_pid, peers.as_ref());
    round_trips(rows, &call, peers.as_ref());
    stalls(rows, &call);
}

fn gap_rows(rows: &mut Rows, _: &Path) {
    let mut relay = Relay::start();
    let wired = Wired::new(&relay, [None, None]);
    let call = wired.call();
    wired.near_rows(rows, &mut relay, &call);
}

fn end_rows(rows: &mut Rows, _: &Path) {
    ends::rows(rows);
}

fn idle_rows(rows: &mut Rows, _: &Path) {
    eprintln!("measuring idle agents …");
    let measured = idle::measure(2_000);
    rows.goal(
        "relay memory per idle agent (2,000)",
        measured.relay_kib_per_agent,
        "KiB PSS",
        16.0,
        Better::Lower,
    );
    rows.goal("idle agent memory", measured.agent_mib, "MiB RSS", 12.0, Better::Lower);
    rows.goal("idle agent wake-ups in 10 s", measured.wake_ups, "", 2.0, Better::Lower);
}

/// From the PIN to the first output of the shell.
fn first_output(rows: &mut Rows, relay: &Relay, engineer: &Engineer) {
    eprintln!("measuring PIN to first output …");
    let times = (0..5).map(|_| {
        let scanner = Scanner::start(relay);
        traffic::pin_to_output(engineer, &scanner)
    });
    rows.goal("PIN entered to first output", median(times.collect()) * 1e3, "ms", 150.0, Better::Lower);
    // What the account's own login scripts take of that; the session starts a login shell.
    let shell = || traffic::whole_command(Command::new("bash").args(["-l", "-c", "true"])) * 1e3;
    rows.info("the login shell alone", median((0..5).map(|_| shell()).collect()), "ms", Better::Lower);
}

fn throughput(rows: &mut Rows, call: &Call<'_>, relay_pid: i32, peers: Option<&Peers>) {
    let fieldlink = |remote: &str| call.ssh(remote);
    let mut results: Vec<(String, Vec<f64>)> = Vec::new();
    let mut note = |name: &str, value: f64| match results.iter_mut().find(|(known, _)| known == name) {
        Some((_, values)) => values.push(value),
        None => results.push((name.to_owned(), vec![value])),
    };
    for round in 1..=ROUNDS {
        eprintln!("measuring throughput, round {round} of {ROUNDS} …");
        for (name, down) in [("down", true), ("up", false)] {
            let before = cpu_seconds(relay_pid);
            note(&format!("fieldlink {name}"), traffic::rate(&fieldlink, BYTES, down));
            let gibibytes = BYTES as f64 / f64::from(1 << 30);
            note(&format!("relay cpu {name}"), (cpu_seconds(relay_pid) - before) / gibibytes);
            for (peer, command) in peers.into_iter().flat_map(Peers::ways) {
                note(&format!("{peer} {name}"), traffic::rate(&|remote| command(remote), BYTES, down));
            }
        }
        let (rate, cpu) = tls_copy::measure(BYTES);
        note("bare rustls copy", rate);
        note("bare rustls cpu", cpu);
    }
    let of = |name: &str| {
        results.iter().find(|(known, _)| known == name).map(|(_, values)| median(values.clone()))
    };
    report_throughput(rows, &of);
}

fn report_throughput(rows: &mut Rows, of: &dyn Fn(&str) -> Option<f64>) {
    for name in ["down", "up"] {
        let Some(ours) = of(&format!("fieldlink {name}")) else { continue };
        rows.info(&format!("throughput {name}"), ours, "MiB/s", Better::Higher);
        for peer in openssh::NAMES {
            if let Some(theirs) = of(&format!("{peer} {name}")) {
                rows.info(&format!("throughput {name}, {peer}"), theirs, "MiB/s", Better::Higher);
            }
        }
        if let Some(theirs) = of(&format!("{} {name}", openssh::JUMP)) {
            rows.goal(
                &format!("throughput {name} / {}", openssh::JUMP),
                ours / theirs,
                "x",
                4.0,
                Better::Higher,
            );
        }
    }
    if let (Some(rate), Some(bare)) = (of("bare rustls copy"), of("bare rustls cpu")) {
        rows.info("bare rustls copy", rate, "MiB/s", Better::Higher);
        rows.info("bare rustls copy, CPU", bare, "s/GiB", Better::Lower);
        for name in ["down", "up"] {
            let Some(ours) = of(&format!("relay cpu {name}")) else { continue };
            rows.info(&format!("relay CPU {name}"), ours, "s/GiB", Better::Lower);
            rows.goal(&format!("relay CPU {name} / bare rustls copy"), ours / bare, "x", 1.4, Better::Lower);
        }
    }
}

fn round_trips(rows: &mut Rows, call: &Call<'_>, peers: Option<&Peers>) {
    eprintln!("measuring round trips …");
    let ours = traffic::round_trip(&mut call.ssh("cat")) * 1e6;
    rows.info("64 B round trip, p50", ours, "µs", Better::Lower);
    for (name, command) in peers.into_iter().flat_map(Peers::ways) {
        let theirs = traffic::round_trip(&mut command("cat")) * 1e6;
        rows.info(&format!("64 B round trip, p50, {name}"), theirs, "µs", Better::Lower);
        if name == openssh::DIRECT {
            rows.goal("added round trip, p50", ours - theirs, "µs", 150.0, Better::Lower);
        }
    }
    let first: Vec<f64> = (0..11).map(|_| traffic::first_byte(call) * 1e3).collect();
    rows.goal("first byte of a further SSH connection", median(first), "ms", 60.0, Better::Lower);
    let whole = |command: &mut Command| traffic::whole_command(command) * 1e3;
    let ssh: Vec<f64> = (0..11).map(|_| whole(&mut call.ssh("true"))).collect();
    rows.info("ssh scanner true", median(ssh), "ms", Better::Lower);
}

fn stalls(rows: &mut Rows, call: &Call<'_>) {
    eprintln!("measuring beside a stalled upload …");
    let p99 = traffic::beside_a_stall(call) * 1e3;
    rows.goal("round trip beside a stalled upload, p99", p99, "ms", 200.0, Better::Lower);
}
