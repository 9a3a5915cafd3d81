//! From the death of a session's process to the moment in which client and engineer know, on computers that
//! boot, with the packages that were built.

use std::time::Instant;

use fieldlink_tests::container::Site;

use crate::rows::{Better, Rows};
use crate::traffic::median;

/// Rounds of every kind of death; each is a whole call.
const ROUNDS: usize = 5;
/// Within this client and engineer must know, in milliseconds.
const KNOWN: f64 = 1_000.0;

/// Rows for a session's process that is killed, or stopped.
pub(crate) fn rows(rows: &mut Rows) {
    let Some(site) = Site::boot() else { return };
    for signal in ["KILL", "STOP"] {
        eprintln!("measuring ends after SIG{signal} of the session's process …");
        let (client, engineer): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| round(&site, signal)).unzip();
        for (who, times) in [("client", client), ("engineer", engineer)] {
            let name = format!("SIG{signal} of the session's process, {who} knows");
            rows.goal(&name, median(times), "ms", KNOWN, Better::Lower);
        }
    }
}

/// When the client and when the engineer knew, in milliseconds.
fn round(site: &Site, signal: &str) -> (f64, f64) {
    let mut call = site.call();
    let mut watch = site.client().watch();
    watch.until_state("active");
    let process = site.session_process();
    let begin = Instant::now();
    site.scanner.signal(signal, process);
    std::thread::scope(|scope| {
        let engineer = scope.spawn(move || {
            call.wait_until_ended();
            let known = begin.elapsed();
            call.holder.wait_for_end();
            known
        });
        watch.until_state("off");
        let client = begin.elapsed();
        let engineer = engineer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (client.as_secs_f64() * 1e3, engineer.as_secs_f64() * 1e3)
    })
}
