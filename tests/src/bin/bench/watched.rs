//! What it costs the engineer at the keyboard that somebody watches: beside the same without.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fieldlink_tests::container::{Call, Site};
use fieldlink_tests::programs::Running;
use nix::sys::signal::Signal;

use crate::rows::{Better, Rows};
use crate::traffic::median;

/// Rounds of each side, which take turns.
const ROUNDS: usize = 9;
/// Keys in a round.
const KEYS: usize = 200;
/// From one key to the next: ten times as fast as anybody types.
const PACE: Duration = Duration::from_millis(10);

/// A key and its echo, without anybody and with two who watch.
pub(crate) fn rows(rows: &mut Rows) {
    eprintln!("measuring keys beside those who watch …");
    let Some(site) = Site::boot() else { return eprintln!("there is no laboratory: left out") };
    let call = site.call();
    let link = link(&site, &call);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let watching = watch(&site, &call, &link);
        with.push(keys(&mut keyboard(&call)) * 1e6);
        for mut running in watching {
            running.signal(Signal::SIGTERM);
            running.wait_for_end();
        }
        without.push(keys(&mut keyboard(&call)) * 1e6);
    }
    let (without, with) = (median(without), median(with));
    rows.info("a key and its echo, p50", without, "µs", Better::Lower);
    rows.info("… with an observer and fieldlink watch", with, "µs", Better::Lower);
    rows.goal("a key and its echo, watched / not", with / without, "x", 1.05, Better::Lower);
}

fn link(site: &Site, call: &Call<'_>) -> String {
    let mut sharing = call.start_connect(&["share", "--observer", "Partner"]);
    site.client().watch().until("the client is asked", |status| status["question"]["kind"] == "observe");
    site.client().run(&["allow"]);
    sharing.wait_for("https://")
}

/// Somebody with the link, and somebody beside the scanner.
fn watch(site: &Site, call: &Call<'_>, link: &str) -> [Running; 2] {
    let mut observer = call.start_connect(&["watch", link]);
    observer.wait_for("watching");
    [observer, site.client().start_to(&["watch"])]
}

fn keyboard(call: &Call<'_>) -> Command {
    call.ssh(&["-tt"], "stty raw -echo; printf R; exec cat")
}

/// Median seconds from a key to its echo.
pub(crate) fn keys(keyboard: &mut Command) -> f64 {
    let mut child =
        keyboard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("ssh");
    let (mut input, mut output) =
        (child.stdin.take().expect("taken over"), child.stdout.take().expect("taken over"));
    let mut echo = [0];
    while echo != *b"R" {
        output.read_exact(&mut echo).expect("it begins");
    }
    let mut key = || {
        let begin = Instant::now();
        input.write_all(b"x").expect("writable");
        output.read_exact(&mut [0]).expect("readable");
        let took = begin.elapsed();
        std::thread::sleep(PACE.saturating_sub(took));
        took.as_secs_f64()
    };
    let times = (0..KEYS).map(|_| key()).skip(KEYS / 10).collect();
    let _ = child.kill();
    let _ = child.wait();
    median(times)
}
