//! What engineer and client agree on during the call: questions, a quiet period, more time, the end as both see it.

use fieldlink_testbed::programs::{Running, run_with_input};
use fieldlink_testbed::{Engineer, Scanner};

use crate::by_itself::Table;

/// Plays it up to the end of the session.
pub(crate) fn play(scanner: &mut Scanner, engineer: &Engineer, table: &mut Table) {
    let mut ask = start(engineer, &["ask", "--ready", "light-at-start"]);
    scanner.process.wait_for("What does the light");
    scanner.process.type_line("2");
    let answer = ask.wait_for("green");
    table.row("the engineer asks", format!("what the light shows; the client: {}", answer.trim()), true);

    let mut step = start(engineer, &["step", "Swap the battery, then say done"]);
    scanner.process.wait_for("Swap the battery");
    scanner.process.type_line("done");
    step.wait_for("done");
    table.row("a step", "swap the battery: done".to_owned(), true);

    said(engineer, &["quiet", "20m", "testing the lidar"]);
    let quiet = scanner.process.wait_for("Please stay reachable");
    table.row("a quiet period", quiet.trim().to_owned(), quiet.contains("20 minutes (testing the lidar)"));
    said(engineer, &["quiet", "--over"]);

    let mut extend = start(engineer, &["extend", "30", "the test takes longer"]);
    scanner.process.wait_for("30 more minutes: the test takes longer");
    scanner.process.type_line("yes");
    let granted = extend.wait_for("90 minutes");
    table.row("more time", granted.trim().to_owned(), true);

    let ended = said(engineer, &["end", "--outcome", "resolved", "--summary", "a dirty lens"]);
    let outcome = scanner.process.wait_for("The engineer says: the problem is solved.");
    table.row("the engineer's outcome", outcome.trim().to_owned(), ended && outcome.contains("a dirty lens"));
}

/// Once it is over, the client has the last word.
pub(crate) fn judge(scanner: &mut Scanner, table: &mut Table) {
    scanner.process.wait_for("Type solved, partly or not");
    scanner.process.type_line("solved, thank you");
    let verdict = scanner.process.wait_for("You said: the problem is solved");
    table.row("the client's verdict", verdict.trim().to_owned(), verdict.contains("thank you"));
}

fn start(engineer: &Engineer, words: &[&str]) -> Running {
    Running::start("fieldlink-connect", engineer.connect().args(words))
}

fn said(engineer: &Engineer, words: &[&str]) -> bool {
    run_with_input(engineer.connect().args(words), b"").status.success()
}
