//! From the client's yes after a restart of the scanner to the engineer's first output, on computers that boot, with the
//! packages that were built.

use std::time::Instant;

use fieldlink_tests::container::{Call, Site, wait_until_back};

use crate::rows::{Better, Rows};
use crate::traffic::median;

/// Restarts, all in one session.
const ROUNDS: usize = 5;
/// Within this the engineer has a prompt again, in milliseconds.
const BACK: f64 = 2_000.0;

/// Rows for a session that goes on after restarts.
pub(crate) fn rows(rows: &mut Rows) {
    let Some(site) = Site::boot() else { return };
    eprintln!("measuring how soon an engineer is back after a restart …");
    let mut call = site.call();
    let (active, output): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| round(&site, &mut call)).unzip();
    call.end();
    rows.goal("after a restart, client's yes to the session", median(active), "ms", BACK, Better::Lower);
    rows.goal("after a restart, client's yes to the first output", median(output), "ms", BACK, Better::Lower);
}

/// When the engineer's program was back, and when a command's output was there, in milliseconds from the yes.
fn round(site: &Site, call: &mut Call<'_>) -> (f64, f64) {
    site.agree_to_restart(call, &[]);
    site.scanner.wait_for_next_boot();
    site.wait_until_offered();
    let begin = Instant::now();
    site.client().run(&["allow"]);
    wait_until_back(call);
    let active = begin.elapsed();
    call.output_of("true");
    (active.as_secs_f64() * 1e3, begin.elapsed().as_secs_f64() * 1e3)
}
