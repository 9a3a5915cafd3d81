//! From the end of a fault to the next byte, in a stream that never pauses by itself.

use std::time::Instant;

use fieldlink_tests::{Cable, Call, Engineer, Namespace, Relay, Scanner, ScannerOptions};

use crate::rows::{Better, Rows};
use crate::traffic::{self, median};
use crate::trickle::Trickle;

/// Rounds of every kind of fault.
const ROUNDS: usize = 11;
/// Beyond the round trip, in milliseconds: what a cut may cost.
const CUT: f64 = 300.0;
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
            let gap = middle(|| {
                cable.cut();
                cable.mend();
                stream.gap_since(Instant::now())
            });
            let name = format!("gap after cut, {side} side{place}");
            rows.goal(&name, gap, "ms", (round_trip + CUT).round(), Better::Lower);
        }
    }
}

/// Rows for a `relay` that is killed, or stopped, and started again.
pub(crate) fn restart_rows(rows: &mut Rows, relay: &mut Relay, call: &Call<'_>) {
    eprintln!("measuring gaps after the relay's restart …");
    let stream = Trickle::start(call);
    for signal in ["SIGKILL", "SIGTERM"] {
        let gap = middle(|| {
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
fn middle(mut round: impl FnMut() -> f64) -> f64 {
    median((0..ROUNDS).map(|_| round() * 1e3).collect())
}
