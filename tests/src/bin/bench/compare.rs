//! `make bench BASE=<rev>`: what this build costs beside another one. Both run all the time, and take
//! turns at being measured.

use std::path::Path;
use std::process::ExitCode;

use fieldlink_tests::programs::Build;
use fieldlink_tests::{Call, Engineer, Relay, RelayOptions, Scanner};

use crate::rows::Better;
use crate::traffic::{self, median};

const ROUNDS: usize = 11;
/// Bytes of one round.
const BYTES: u64 = 256 << 20;
/// How far from the other build is no difference.
const TOLERANCE: f64 = 0.05;

struct Subject {
    name: &'static str,
    unit: &'static str,
    better: Better,
    measure: fn(&Parties, &Call<'_>) -> f64,
}

const SUBJECTS: [Subject; 4] = [
    Subject {
        name: "throughput down",
        unit: "MiB/s",
        better: Better::Higher,
        measure: |_, call| traffic::rate(&traffic::ours(call), BYTES, true),
    },
    Subject {
        name: "throughput up",
        unit: "MiB/s",
        better: Better::Higher,
        measure: |_, call| traffic::rate(&traffic::ours(call), BYTES, false),
    },
    Subject {
        name: "64 B round trip, p50",
        unit: "µs",
        better: Better::Lower,
        measure: |_, call| traffic::round_trip(&mut call.ssh("cat")) * 1e6,
    },
    Subject {
        name: "PIN to first output",
        unit: "ms",
        better: Better::Lower,
        measure: |parties, _| {
            let another = Scanner::start(&parties.relay);
            traffic::pin_to_output(&parties.engineer, &another) * 1e3
        },
    },
];

/// All parties of a session, of one build. Fields are dropped in order.
struct Parties {
    scanner: Scanner,
    engineer: Engineer,
    relay: Relay,
}

impl Parties {
    fn of(build: Build) -> Self {
        let relay = Relay::start_with(RelayOptions { build, ..RelayOptions::default() });
        Self { scanner: Scanner::start(&relay), engineer: Engineer::enrolled(&relay, "Bench"), relay }
    }
}

/// Compares with the programs in `directory`, which are those of revision `name`.
pub(crate) fn run(name: &str, directory: &Path) -> ExitCode {
    let parties = [Build::default(), Build::in_directory(directory.to_owned())].map(Parties::of);
    let calls = parties.each_ref().map(|parties| parties.engineer.call(&parties.scanner));
    let mut pairs = SUBJECTS.map(|_| Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("measuring both builds, round {round} of {ROUNDS} …");
        for (subject, pairs) in SUBJECTS.iter().zip(&mut pairs) {
            pairs.push(measure_in_turns(subject, &parties, &calls, round % 2 == 0));
        }
    }
    println!("\n{:<28} {:>10} {:>10} {:<8} {:>9}", "", name, "new", "unit", "new/base");
    for (subject, pairs) in SUBJECTS.iter().zip(&pairs) {
        print(subject, pairs);
    }
    calls.into_iter().for_each(Call::end);
    ExitCode::SUCCESS
}

/// The new build's value and the other's. Which is measured first changes from round to round.
fn measure_in_turns(
    subject: &Subject,
    parties: &[Parties; 2],
    calls: &[Call<'_>; 2],
    base_first: bool,
) -> (f64, f64) {
    let measure = |which: usize| (subject.measure)(&parties[which], &calls[which]);
    let early = base_first.then(|| measure(1));
    let new = measure(0);
    (new, early.unwrap_or_else(|| measure(1)))
}

/// The ratio is the median of the rounds' ratios: what disturbs a round disturbs both builds.
fn print(subject: &Subject, pairs: &[(f64, f64)]) {
    let middle = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
    let ratio = middle(|(new, base)| new / base);
    let is_close = match subject.better {
        Better::Higher => ratio >= 1.0 - TOLERANCE,
        Better::Lower => ratio <= 1.0 + TOLERANCE,
    };
    let percent = TOLERANCE * 100.0;
    let verdict =
        if is_close { format!("within {percent} %") } else { format!("WORSE by more than {percent} %") };
    let (base, new) = (middle(|pair| pair.1), middle(|pair| pair.0));
    println!("{:<28} {base:>10.1} {new:>10.1} {:<8} {ratio:>9.3}  {verdict}", subject.name, subject.unit);
}
