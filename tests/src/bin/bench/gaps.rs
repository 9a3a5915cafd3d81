//! From the end of a fault to the next byte, in a stream that never pauses by itself.
//!
//! A fault that meets a connection which has lived for a while is measured apart from faults in a row: after
//! those a pipe backs off, as it must before a relay that takes every connection and cuts it.

use std::time::{Duration, Instant};

use fieldlink_protocol::limits;
use fieldlink_tests::{Cable, Call, Engineer, Namespace, Relay, Scanner, ScannerOptions};

use crate::rows::{Better, Rows};
use crate::traffic::{self, median};
use crate::trickle::Trickle;

/// Rounds of faults in a row.
const ROUNDS: usize = 11;
/// Rounds of faults that each meet a connection that has lived.
const SINGLE_ROUNDS: usize = 5;
/// A connection that is left in peace for so long has lived, by [`limits::PIPE_STABLE`].
const LIVED: Duration = Duration::from_secs(limits::PIPE_STABLE.as_secs() + 1);
/// Beyond the round trip, in milliseconds: what a cut may cost.
const CUT: f64 = 300.0;
/// What cuts in a row may cost beyond that: the longest back-off after quick losses, in milliseconds.
const BACK_OFF: f64 = 800.0;
/// What a relay that is started again may cost, in milliseconds.
const RESTART: f64 = 1_000.0;

/// A session whose two sides reach the relay by a cable each.
pub(crate) struct Wired {
    /// The engineer's and the scanner's.
    cables: [Cable; 2],
    scanner: Scanner,
    engineer: Engineer,
}

impl Wired {
    /// The cables lie on the hosts of the engineer and of the scanner, or here.
    pub(crate) fn new(relay: &Relay, [desk, device]: [Option<&Namespace>; 2]) -> Self {
        let cables = [desk, device].map(|host| match host {
            Some(host) => host.enter(|| Cable::to(relay)),
            None => Cable::to(relay),
        });
        let options = ScannerOptions { host: device.cloned(), ..ScannerOptions::default() };
        let scanner = Scanner::start_at(&cables[1].url(), relay.authority(), options);
        let engineer = Engineer::enrolled_on(desk.cloned(), relay, "Bench");
        engineer.redirect_to(&cables[0].url());
        Self { cables, scanner, engineer }
    }

    /// Begins the session.
    pub(crate) fn call(&self) -> Call<'_> {
        self.engineer.call(&self.scanner)
    }

    /// Rows for connections that are reset. `place` goes behind their names.
    pub(crate) fn cut_rows(&self, rows: &mut Rows, call: &Call<'_>, place: &str) {
        eprintln!("measuring gaps after a cut{place} …");
        let round_trip = traffic::slow_round_trip(&mut call.ssh("cat")) * 1e3;
        rows.info(&format!("64 B round trip, over the cables{place}"), round_trip, "ms", Better::Lower);
        let stream = Trickle::start(call);
        for (side, cable) in ["engineer's", "scanner's"].iter().zip(&self.cables) {
            let cut = || {
                cable.cut();
                cable.mend();
                stream.gap_since(Instant::now())
            };
            let single = middle(SINGLE_ROUNDS, || {
                stream.flow(LIVED);
                cut()
            });
            let in_a_row = middle(ROUNDS, cut);
            let name = format!("gap after a single cut, {side} side{place}");
            rows.goal(&name, single, "ms", (round_trip + CUT).round(), Better::Lower);
            let name = format!("gap after cuts in a row, {side} side{place}");
            rows.goal(&name, in_a_row, "ms", (round_trip + CUT + BACK_OFF).round(), Better::Lower);
        }
    }
}

/// Rows for a `relay` that is killed, or stopped, and started again, while connections have lived.
pub(crate) fn restart_rows(rows: &mut Rows, relay: &mut Relay, call: &Call<'_>) {
    eprintln!("measuring gaps after the relay's restart …");
    let stream = Trickle::start(call);
    for signal in ["SIGKILL", "SIGTERM"] {
        let gap = middle(SINGLE_ROUNDS, || {
            stream.flow(LIVED);
            match signal {
                "SIGKILL" => relay.crash(),
                _ => assert!(relay.stop().success(), "the relay drains"),
            }
            relay.launch();
            stream.gap_since(Instant::now())
        });
        rows.goal(&format!("gap after relay restart, {signal}"), gap, "ms", RESTART, Better::Lower);
    }
}

/// The median of all rounds, in milliseconds.
fn middle(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    median((0..rounds).map(|_| round() * 1e3).collect())
}
