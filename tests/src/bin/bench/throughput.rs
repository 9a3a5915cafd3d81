//! Throughput, and what a GiB costs each process on its way.

use fieldlink_tests::Call;
use nix::unistd::Pid;

use crate::forwarded;
use crate::openssh::{self, Peers};
use crate::rows::{Better, Rows};
use crate::tls_copy;
use crate::traffic::{self, cpu_seconds, median};

/// Rounds of every measurement.
const ROUNDS: usize = 5;
/// Bytes of one round.
const BYTES: u64 = 512 << 20;
const GIBIBYTES: f64 = BYTES as f64 / (1_u64 << 30) as f64;

/// What each process may cost, as a multiple of a process that decrypts and encrypts the same.
const GOALS: [(&str, f64); 3] = [("relay", 1.1), ("agent", 1.5), ("fieldlink-connect", 1.1)];

/// By name, one value for each round.
#[derive(Default)]
struct Results(Vec<(String, Vec<f64>)>);

impl Results {
    fn note(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    fn of(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, values)| median(values.clone()))
    }
}

/// Measures `call`, whose bytes pass `processes`, beside `peers`.
pub(crate) fn rows(rows: &mut Rows, call: &Call<'_>, processes: [(&str, Pid); 3], peers: Option<&Peers>) {
    let mut results = Results::default();
    for round in 1..=ROUNDS {
        eprintln!("measuring throughput, round {round} of {ROUNDS} …");
        for (name, down) in [("down", true), ("up", false)] {
            measure_ours(&mut results, call, processes, name, down);
            results.note(&format!("fieldlink -L {name}"), forwarded::rate(&traffic::ours(call), BYTES, down));
            for (peer, way) in peers.into_iter().flat_map(Peers::ways) {
                results.note(&format!("{peer} {name}"), traffic::rate(&way, BYTES, down));
                results.note(&format!("{peer} -L {name}"), forwarded::rate(&way, BYTES, down));
            }
        }
        let (rate, cpu) = tls_copy::measure(BYTES);
        results.note("bare rustls copy", rate);
        results.note("bare rustls cpu", cpu);
    }
    report_rates(rows, &results);
    report_costs(rows, &results);
}

fn measure_ours(results: &mut Results, call: &Call<'_>, processes: [(&str, Pid); 3], name: &str, down: bool) {
    let cost = |(_, pid): (&str, Pid)| cpu_seconds(pid.as_raw());
    let before = processes.map(cost);
    results.note(&format!("fieldlink {name}"), traffic::rate(&traffic::ours(call), BYTES, down));
    for ((process, before), after) in processes.iter().zip(before).zip(processes.map(cost)) {
        results.note(&format!("{} cpu {name}", process.0), (after - before) / GIBIBYTES);
    }
}

fn report_rates(rows: &mut Rows, results: &Results) {
    // First commands that write and read, then forwarded ports.
    for name in ["down", "up", "-L down", "-L up"] {
        let Some(ours) = results.of(&format!("fieldlink {name}")) else { continue };
        rows.info(&format!("throughput {name}"), ours, "MiB/s", Better::Higher);
        for peer in openssh::NAMES {
            let Some(theirs) = results.of(&format!("{peer} {name}")) else { continue };
            rows.info(&format!("throughput {name}, {peer}"), theirs, "MiB/s", Better::Higher);
        }
        for (peer, goal) in [(openssh::JUMP, 6.0), (openssh::DIRECT, 0.8)] {
            let Some(theirs) = results.of(&format!("{peer} {name}")) else { continue };
            rows.goal(&format!("throughput {name} / {peer}"), ours / theirs, "x", goal, Better::Higher);
        }
    }
}

fn report_costs(rows: &mut Rows, results: &Results) {
    let (Some(rate), Some(bare)) = (results.of("bare rustls copy"), results.of("bare rustls cpu")) else {
        return;
    };
    rows.info("bare rustls copy", rate, "MiB/s", Better::Higher);
    rows.info("bare rustls copy, CPU", bare, "s/GiB", Better::Lower);
    for (process, goal) in GOALS {
        for name in ["down", "up"] {
            let Some(ours) = results.of(&format!("{process} cpu {name}")) else { continue };
            rows.info(&format!("{process} CPU {name}"), ours, "s/GiB", Better::Lower);
            let row = format!("{process} CPU {name} / bare rustls copy");
            rows.goal(&row, ours / bare, "x", goal, Better::Lower);
        }
    }
}
