//! `make bench`: what it costs, beside what one would use instead, measured in the same run.
//!
//! Prints one table and writes `target/bench/bench.json`. Comparisons are interleaved and medians of
//! several rounds: the machines that run this are small and shared.

mod bare_tls;
mod compare;
mod ends;
mod far;
mod flooded;
mod forwarded;
mod gaps;
mod holds;
mod idle;
mod latency;
mod openssh;
mod recorded;
mod returns;
mod rows;
mod sshd;
mod throughput;
mod tls_copy;
mod traffic;
mod trickle;
mod watched;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fieldlink_tests::{Engineer, Relay, Scanner};

use gaps::Wired;
use openssh::Peers;
use rows::Rows;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The bench starts itself again where a measurement needs a process of its own.
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tls-copy", directory] => tls_copy::serve(Path::new(directory)),
        ["idle-agents", url, authority, count] => idle::hold(url, Path::new(authority), count),
        ["bare-tls", directory] => bare_tls::serve(Path::new(directory)),
        ["bare-clients", address, authority, count] => bare_tls::hold(address, Path::new(authority), count),
        ["compare", revision, programs] => compare::run(revision, Path::new(programs)),
        parts => run(parts),
    }
}

/// Adds its rows; the directory is kept between runs.
type Part = fn(&mut Rows, &Path);

/// What can be measured by itself, if named on the command line.
const PARTS: [(&str, Part); 12] = [
    ("idle", idle::rows),
    ("first-output", first_output_rows),
    ("throughput", throughput_rows),
    ("latency", latency_rows),
    ("gaps", gap_rows),
    ("far-gaps", far::gap_rows),
    ("far-copies", far::copy_rows),
    ("ends", end_rows),
    ("returns", return_rows),
    ("holds", hold_rows),
    ("watched", watched_rows),
    ("recorded", recorded_rows),
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

fn first_output_rows(rows: &mut Rows, _: &Path) {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    latency::first_output(rows, &relay, &engineer);
}

fn throughput_rows(rows: &mut Rows, cache: &Path) {
    let mut relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    let scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    let processes = [
        ("relay", relay.process().pid()),
        ("agent", scanner.process.pid()),
        ("fieldlink-connect", call.session_holder()),
    ];
    throughput::rows(rows, &call, processes, Peers::start(cache).as_ref());
}

fn latency_rows(rows: &mut Rows, cache: &Path) {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Bench");
    let scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    latency::rows(rows, &engineer, &call, Peers::start(cache).as_ref());
}

fn gap_rows(rows: &mut Rows, _: &Path) {
    let mut relay = Relay::start();
    let wired = Wired::new(&relay, [None, None]);
    let call = wired.call();
    wired.near_rows(rows, &mut relay, &call);
}

fn recorded_rows(rows: &mut Rows, _: &Path) {
    recorded::rows(rows);
}

fn hold_rows(rows: &mut Rows, _: &Path) {
    holds::rows(rows);
}

fn watched_rows(rows: &mut Rows, _: &Path) {
    watched::rows(rows);
}

fn end_rows(rows: &mut Rows, _: &Path) {
    ends::rows(rows);
}

fn return_rows(rows: &mut Rows, _: &Path) {
    returns::rows(rows);
}
