//! `make demo`: a whole support call on this machine, through a real relay.
//!
//! With a terminal, you are both sides: the client reads out and allows, the engineer types the PIN
//! and gets a shell. Without one, the call is played, checked and timed.

mod by_hand;
mod by_itself;
mod record;
mod rules;
mod screen;
mod workplace;

use std::io::IsTerminal;
use std::process::ExitCode;

use fieldlink_testbed::{Authority, Engineer, Relay, Scanner, ScannerOptions};

use workplace::Workplace;

fn main() -> ExitCode {
    let workplace = match Workplace::new() {
        Ok(workplace) => workplace,
        Err(error) => {
            eprintln!("demo: could not make a temporary directory: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("\nStarting a relay, a scanner's agent and an engineer on 127.0.0.1 …");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Demo Engineer");
    // Who the engineer is, the scanner believes nobody but this authority.
    let authority = Authority::new();
    authority.certify(&engineer, &["-I", "Demo Engineer (Demo Company)"]);
    let engineers = authority.section();
    let options = ScannerOptions { asks: true, engineers, ..ScannerOptions::default() };
    let scanner = Scanner::start_with(&relay, options);
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        by_hand::run(&workplace, scanner, &engineer)
    } else {
        by_itself::run(scanner, &engineer)
    }
}
