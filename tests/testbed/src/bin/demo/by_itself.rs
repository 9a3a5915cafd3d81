//! Without a terminal the call is played, checked and timed.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use fieldlink_testbed::engineer::{random_file, wait_until_active};
use fieldlink_testbed::programs::{Running, run_with_input};
use fieldlink_testbed::{Call, Engineer, Scanner};

use crate::record::{self, Kept};
use crate::rules;

/// Enough to see that it works; speed is the benchmark's to tell, with optimised programs.
const COPY: usize = 64 << 20;

/// Plays the call, and says what happened and how fast.
pub(crate) fn run(mut scanner: Scanner, engineer: &Engineer) -> ExitCode {
    let mut table = Table::default();
    table.row("scanner ready", format!("ID {}, PIN shown", scanner.support_id), true);

    let mut wrong = engineer.start_connecting(&scanner.support_id, &scanner.wrong_pin());
    let code = wrong.wait_for_end().code();
    table.row("a wrong PIN", format!("exit code {}", code.unwrap_or(-1)), code == Some(214));

    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    let question = scanner.answer("y");
    let answered = Instant::now();
    wait_until_active(&mut holder);
    table.row(
        "the client is asked",
        question.trim().to_owned(),
        question.contains("certified by Scans Ltd engineers. Allow Demo Engineer"),
    );
    table.row("let in after the yes", format!("{} ms", answered.elapsed().as_millis()), true);

    let call = Call::of(engineer, &scanner, holder);
    commands(&call, &mut table);
    health(engineer, &mut table);
    copies(&call, &scanner, engineer, &mut table);
    rules::play(&mut scanner, engineer, &mut table);
    let why = scanner.wait_until_off();
    table.row("the client reads", why.clone(), why.contains("engineer-ended"));
    rules::judge(&mut scanner, &mut table);
    drop(call);
    scanner.wait_until_alone(Duration::from_secs(1));
    let (id, pin) = (scanner.support_id.clone(), scanner.pin.clone());
    let mut again: Running = engineer.start_connecting(&id, &pin);
    let code = again.wait_for_end().code();
    table.row("the old ID and PIN", format!("exit code {}", code.unwrap_or(-1)), code == Some(213));
    let kept = record::keep(&scanner);
    judge(&kept, &mut table);
    let code = table.print();
    if let Ok(kept) = &kept {
        println!("The scanner's health when the call began:\n\n{}", kept.health);
        println!("The report of the call: {}\n", kept.report.display());
    }
    code
}

/// The record holds, as both who check it say.
fn judge(kept: &std::io::Result<Kept>, table: &mut Table) {
    match kept {
        Ok(kept) => {
            for (name, output) in &kept.checks {
                let said = String::from_utf8_lossy(if output.status.success() {
                    &output.stdout
                } else {
                    &output.stderr
                });
                let first = said.lines().next().unwrap_or("nothing").to_owned();
                table.row(name, first, output.status.success());
            }
        }
        Err(error) => table.row("the record", format!("could not be kept: {error}"), false),
    }
}

fn commands(call: &Call<'_>, table: &mut Table) {
    let begin = Instant::now();
    let output = run_with_input(&mut call.ssh("echo $((6*7)); exit 3"), b"");
    let took = begin.elapsed().as_millis();
    let is_right = output.stdout == b"42\n" && output.status.code() == Some(3);
    table.row("a command through ssh", format!("output and exit code, {took} ms"), is_right);
}

fn health(engineer: &Engineer, table: &mut Table) {
    let output = run_with_input(engineer.connect().arg("health"), b"");
    let said = String::from_utf8_lossy(&output.stdout);
    let first = said.lines().next().unwrap_or("nothing").to_owned();
    table.row("fieldlink-connect health", first, output.status.success() && said.contains("Memory"));
}

fn copies(call: &Call<'_>, scanner: &Scanner, engineer: &Engineer, table: &mut Table) {
    let (near, far, back) =
        (engineer.home().join("out"), scanner.directory().join("there"), engineer.home().join("back"));
    random_file(&near, COPY);
    let remote = format!("{}:{}", call.alias, far.display());
    let mut copy = |name: &str, from: &str, to: &str, result: &Path| {
        let begin = Instant::now();
        let status = call.tool("scp").args(["-q", from, to]).stdin(Stdio::null()).status();
        let rate = (COPY >> 20) as f64 / begin.elapsed().as_secs_f64();
        let is_right = status.is_ok_and(|status| status.success()) && checksum(&near) == checksum(result);
        table.row(
            name,
            format!("{} MiB, {rate:.0} MiB/s (not optimised), checksums compared", COPY >> 20),
            is_right,
        );
    };
    copy("scp to the scanner", &near.display().to_string(), &remote, &far);
    copy("scp from the scanner", &remote, &back.display().to_string(), &back);
}

fn checksum(path: &Path) -> Option<Vec<u8>> {
    let output = Command::new("sha256sum").stdin(std::fs::File::open(path).ok()?).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// What was tried, and what came of it.
#[derive(Default)]
pub(crate) struct Table(Vec<(String, String, bool)>);

impl Table {
    /// Notes one line.
    pub(crate) fn row(&mut self, what: &str, result: String, is_right: bool) {
        self.0.push((what.to_owned(), result, is_right));
    }

    fn print(self) -> ExitCode {
        println!();
        for (what, result, is_right) in &self.0 {
            println!("  {} {what:<24} {result}", if *is_right { "ok    " } else { "FAILED" });
        }
        println!();
        if self.0.iter().all(|(_, _, is_right)| *is_right) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
