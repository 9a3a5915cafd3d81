//! From the end of a fault to the next byte, in a stream that never pauses by itself.
//!
//! A fault that meets a connection which has lived for a while is measured apart from faults in a row: after
//! those a pipe backs off, as it must before a relay that takes every connection and cuts it.

use std::time::{Duration, Instant};

use fieldlink_protocol::limits;
use fieldlink_tests::{Cable, Call, Engineer, Namespace, Relay, Scanner, ScannerOptions, TwoWays};

use crate::rows::{Better, Rows};
use crate::traffic::{self, median};
use crate::trickle::{Trickle, longest_silence};

/// Rounds of faults in a row.
const ROUNDS: usize = 11;
/// Rounds of faults that each meet a connection that has lived.
const SINGLE_ROUNDS: usize = 5;
/// A connection that is left in peace for so long has lived, by [`limits::PIPE_STABLE`].
const LIVED: Duration = Duration::from_secs(limits::PIPE_STABLE.as_secs() + 1);
/// On short cables, in milliseconds: what a single cut may cost.
const CUT: f64 = 30.0;
/// Beyond the round trip, in milliseconds: what cuts in a row may cost. The longest back-off after quick losses.
const BACK_OFF: f64 = 1_100.0;
/// On short cables, in milliseconds: what a relay that is started again may cost.
const RESTART: f64 = 1_000.0;
/// On a long line, in its round trips: what a single cut may cost on the engineer's side, and on the scanner's.
const FAR_CUTS: [f64; 2] = [3.3, 2.8];
/// The same, of a relay that is started again.
const FAR_RESTART: f64 = 3.8;

/// The same, of a control pipe that goes on over the second interface.
const FAR_SWITCH: f64 = 1.5;

/// Whose cable, in the order of [`Wired`]'s.
const SIDES: [&str; 2] = ["engineer's", "scanner's"];

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

    /// Rows on short cables.
    pub(crate) fn near_rows(&self, rows: &mut Rows, relay: &mut Relay, call: &Call<'_>) {
        eprintln!("measuring gaps after a cut …");
        let round_trip = traffic::slow_round_trip(&mut call.ssh("cat")) * 1e3;
        rows.info("64 B round trip, over the cables", round_trip, "ms", Better::Lower);
        let stream = Trickle::start(call);
        for (side, cable) in SIDES.iter().zip(&self.cables) {
            let single = single_cut(&stream, cable);
            rows.goal(&format!("gap after a single cut, {side} side"), single, "ms", CUT, Better::Lower);
            self.row_of_cuts(rows, &stream, side, cable, round_trip, "");
        }
        for signal in ["SIGKILL", "SIGTERM"] {
            let gap = restart(&stream, relay, signal, 0.0);
            rows.goal(&format!("gap after relay restart, {signal}"), gap, "ms", RESTART, Better::Lower);
        }
    }

    /// Rows on a line of 165 ms, in its round trips.
    pub(crate) fn far_rows(&self, rows: &mut Rows, relay: &mut Relay, round_trip: f64) {
        eprintln!("measuring gaps after a cut at 165 ms …");
        let call = &self.call();
        let took = traffic::slow_round_trip(&mut call.ssh("cat")) * 1e3;
        rows.info("64 B round trip at 165 ms", took, "ms", Better::Lower);
        let stream = Trickle::start(call);
        for ((side, cable), goal) in SIDES.iter().zip(&self.cables).zip(FAR_CUTS) {
            let single = single_cut(&stream, cable) / round_trip;
            let name = format!("gap after a single cut at 165 ms, {side} side");
            rows.goal(&name, single, "RTT", goal, Better::Lower);
            self.row_of_cuts(rows, &stream, side, cable, took, " at 165 ms");
        }
        let gap = restart(&stream, relay, "SIGKILL", round_trip / 2e3) / round_trip;
        rows.goal("gap after relay restart at 165 ms", gap, "RTT", FAR_RESTART, Better::Lower);
    }

    fn row_of_cuts(
        &self,
        rows: &mut Rows,
        stream: &Trickle,
        side: &str,
        cable: &Cable,
        round_trip: f64,
        place: &str,
    ) {
        let in_a_row = middle(ROUNDS, || cut(stream, cable));
        let name = format!("gap after cuts in a row{place}, {side} side");
        rows.goal(&name, in_a_row, "ms", (round_trip + BACK_OFF).round(), Better::Lower);
    }
}

/// A row for a scanner that has to take its second interface, on a line of 165 ms, in its round trips. None, and a line
/// that says why, where there can be no hosts.
pub(crate) fn switch_row(rows: &mut Rows, delay: Duration) {
    let Some(mut ways) = TwoWays::start(delay) else { return };
    eprintln!("measuring gaps when the second interface takes over …");
    let gap = middle(SINGLE_ROUNDS, || {
        ways.reserve();
        ways.flow(LIVED);
        let over = Instant::now();
        ways.pull_cable();
        let gap = longest_silence(over, || ways.next_number());
        ways.plug_cable();
        ways.flow(LIVED);
        gap
    });
    let round_trip = 2e3 * delay.as_secs_f64();
    rows.goal("gap when the second interface takes over", gap / round_trip, "RTT", FAR_SWITCH, Better::Lower);
}

/// Resets the connections of a cable.
fn cut(stream: &Trickle, cable: &Cable) -> f64 {
    cable.cut();
    cable.mend();
    stream.gap_since(Instant::now())
}

/// The same, of connections that have lived.
fn single_cut(stream: &Trickle, cable: &Cable) -> f64 {
    middle(SINGLE_ROUNDS, || {
        stream.flow(LIVED);
        cut(stream, cable)
    })
}

/// A relay is killed, or stopped, and started again, while connections have lived. It is over when the relay is there
/// again and the `news` of its end, which takes so many seconds, has come to the scanner.
fn restart(stream: &Trickle, relay: &mut Relay, signal: &str, news: f64) -> f64 {
    middle(SINGLE_ROUNDS, || {
        stream.flow(LIVED);
        let known = Instant::now() + Duration::from_secs_f64(news);
        match signal {
            "SIGKILL" => relay.crash(),
            _ => assert!(relay.stop().success(), "the relay drains"),
        }
        relay.launch();
        stream.gap_since(Instant::now().max(known))
    })
}

/// The median of all rounds, in milliseconds.
fn middle(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    median((0..rounds).map(|_| round() * 1e3).collect())
}
