//! A stream of numbered lines from the scanner, and the silences in it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fieldlink_tests::{Call, PATIENCE};

/// For so long after a fault the stream is listened to.
const WATCHED: Duration = Duration::from_secs(2);

/// Seconds of the longest silence since `over`, the end of a fault, among what arrives `next`. What was already on its
/// way, or a short silence of another cause, does not hide it.
pub(crate) fn longest_silence(over: Instant, mut next: impl FnMut() -> Instant) -> f64 {
    let (mut before, mut longest) = (over, Duration::ZERO);
    while before < over + WATCHED {
        let arrival = next().max(over);
        longest = longest.max(arrival - before);
        before = arrival;
    }
    longest.as_secs_f64()
}

/// A command on the scanner that prints a number every few milliseconds.
pub(crate) struct Trickle {
    ssh: Child,
    arrivals: Receiver<Instant>,
}

impl Trickle {
    /// Starts it, and waits for the first line.
    pub(crate) fn start(call: &Call<'_>) -> Self {
        let mut ssh = call.ssh("i=0; while echo $i; do i=$((i+1)); sleep 0.005; done");
        let mut ssh = ssh.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("ssh starts");
        let output = BufReader::new(ssh.stdout.take().expect("taken over"));
        let (sender, arrivals) = channel();
        std::thread::spawn(move || {
            for (expected, line) in output.lines().map_while(Result::ok).enumerate() {
                assert_eq!(line, expected.to_string(), "a line is lost or came twice");
                if sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        let trickle = Self { ssh, arrivals };
        trickle.next();
        trickle
    }

    /// Seconds of the longest silence since `over`, the end of a fault.
    pub(crate) fn gap_since(&self, over: Instant) -> f64 {
        longest_silence(over, || self.next())
    }

    /// Lets the stream flow for `time`, so that its connection counts as one that has lived.
    pub(crate) fn flow(&self, time: Duration) {
        let until = Instant::now() + time;
        while self.next() < until {}
    }

    fn next(&self) -> Instant {
        self.arrivals.recv_timeout(3 * PATIENCE).expect("the stream goes on")
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}
