//! In a terminal you are both sides. The engineer's program has a terminal of its own, whose screen is shown here
//! except while the client is asked, so that the two do not write over each other.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ExitCode};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use fieldlink_testbed::{Engineer, Scanner};
use pty_process::blocking::{Command, Pty, open};

use crate::record;
use crate::screen::{self, Screen};
use crate::workplace::Workplace;

/// How often the scanner's screen is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Exit codes of `fieldlink-connect` from here on say what went wrong.
const FIRST_FAILURE: i32 = 210;
/// A longer line is no prompt.
const LONGEST_PROMPT: usize = 1000;
/// `fieldlink-connect`: the PIN was not accepted, for the second time.
const WRONG_PIN: i32 = 214;

enum Event {
    Keys(Vec<u8>),
    Engineer(Vec<u8>),
}

/// Shows the scanner's panel, and lets the person type for both sides.
pub(crate) fn run(workplace: &Workplace, mut scanner: Scanner, engineer: &Engineer) -> ExitCode {
    introduce(&scanner);
    let (sender, events) = channel();
    let code = match Desk::open(engineer, &scanner, &sender) {
        Ok(mut desk) => {
            read(std::io::stdin(), sender, Event::Keys);
            desk.serve(&mut scanner, &events)
        }
        Err(error) => {
            eprintln!("demo: could not start fieldlink-connect: {error}");
            return ExitCode::FAILURE;
        }
    };
    workplace.stay();
    if code.is_some_and(|code| code < FIRST_FAILURE) {
        show_record(&scanner);
    }
    let outcome = match code {
        // A shell passes on its own.
        Some(code) if code < FIRST_FAILURE => "The call is over, and ID and PIN are worth nothing any more.",
        Some(WRONG_PIN) => "Two wrong PINs: in a real call, the client would start again, with a new pair.",
        _ => "There was no call, or it was cut short: see above.",
    };
    println!("\n{outcome}\n`make demo` plays another one.");
    ExitCode::SUCCESS
}

fn show_record(scanner: &Scanner) {
    let kept = match record::keep(scanner) {
        Ok(kept) => kept,
        Err(error) => return eprintln!("demo: could not keep the record: {error}"),
    };
    println!("\nThe scanner's health when the call began:\n\n{}", kept.health);
    println!("The report of the call: {}", kept.report.display());
    for (name, output) in &kept.checks {
        let said = if output.status.success() { &output.stdout } else { &output.stderr };
        println!("{name}: {}", String::from_utf8_lossy(said).lines().next().unwrap_or("nothing"));
    }
}

fn introduce(scanner: &Scanner) {
    println!("\n┌─ the scanner's screen ─────────────────────────────");
    println!("│  Remote access is on");
    println!("│  Support ID   {}", scanner.support_id);
    println!("│  PIN          {}", scanner.pin);
    println!("└────────────────────────────────────────────────────");
    println!("You play both sides. First you are the engineer, on the phone with the client:");
    println!("type the PIN from above, and press Enter. Ctrl-C gives up.\n");
    println!("$ fieldlink-connect {} --ticket DEMO-1", scanner.support_id);
}

/// The engineer's program in its terminal, shown on the screen that we are watched on.
struct Desk {
    screen: Screen,
    pty: Pty,
    program: Child,
    /// While the client is asked: what was to be shown to the engineer meanwhile.
    asked: Option<Vec<u8>>,
    /// The line that the engineer's program has not finished: a prompt, say.
    unfinished: Vec<u8>,
    columns: usize,
}

impl Desk {
    fn open(engineer: &Engineer, scanner: &Scanner, events: &Sender<Event>) -> std::io::Result<Self> {
        let screen = Screen::as_it_is();
        let (pty, side) = open().map_err(std::io::Error::other)?;
        let (rows, columns) = screen::size();
        pty.resize(pty_process::Size::new(rows, columns)).map_err(std::io::Error::other)?;
        let connect = engineer.connect();
        let mut command = Command::new(connect.get_program());
        for (name, value) in connect.get_envs() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let arguments = ["connect", &scanner.digits(), "--ticket", "DEMO-1"];
        let program = command.args(arguments).spawn(side).map_err(std::io::Error::other)?;
        read(File::from(pty.as_fd().try_clone_to_owned()?), events.clone(), Event::Engineer);
        screen.pass_keys_on();
        let columns = columns.into();
        Ok(Self { screen, pty, program, asked: None, unfinished: Vec::new(), columns })
    }

    /// Until the program ends; its exit code.
    fn serve(&mut self, scanner: &mut Scanner, events: &Receiver<Event>) -> Option<i32> {
        loop {
            match events.recv_timeout(LOOK) {
                Ok(event) => self.take(event, scanner),
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(Some(status)) = self.program.try_wait() {
                        // The client may not have answered.
                        print(&self.asked.take().unwrap_or_default());
                        return status.code();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            while let Some(line) = scanner.process.next_line(Duration::ZERO) {
                self.show(line.trim());
            }
        }
    }

    fn take(&mut self, event: Event, scanner: &mut Scanner) {
        match (event, self.asked.as_mut()) {
            (Event::Engineer(bytes), Some(held)) => held.extend(bytes),
            (Event::Engineer(bytes), None) => self.show_engineer(&bytes),
            // A whole line: the terminal is one for lines while the client is asked.
            (Event::Keys(line), Some(_)) => {
                let answer = String::from_utf8_lossy(&line).trim().to_owned();
                scanner.process.type_line(&answer);
                if matches!(answer.as_str(), "yes" | "y" | "no" | "n") {
                    self.go_on(&answer);
                }
            }
            (Event::Keys(keys), None) => {
                // The program may have ended.
                let _ = self.pty.write_all(&keys);
            }
        }
    }

    fn show_engineer(&mut self, bytes: &[u8]) {
        print(bytes);
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => self.unfinished = bytes[end + 1..].to_vec(),
            None => self.unfinished.extend(bytes),
        }
        if self.unfinished.len() > LONGEST_PROMPT {
            self.unfinished.clear();
        }
    }

    /// A line of the scanner's.
    fn show(&mut self, line: &str) {
        if line.contains("Type yes or no") {
            if self.asked.is_none() {
                self.asked = Some(Vec::new());
                self.screen.restore();
                print(b"\r\x1b[K\n");
                println!("┌─ the scanner's screen: now you are the client ─────");
            }
            print(format!("{} ", self.framed(line).trim_end()).as_bytes());
        } else if self.asked.is_some() && !line.is_empty() {
            print(self.framed(line).as_bytes());
        } else if ["ended", "wrong", "Wrong"].iter().any(|word| line.contains(word)) {
            print(format!("\r\x1b[K\r\n{}", self.framed(line)).as_bytes());
            // The engineer's prompt again, which the scanner's line has overwritten.
            print(&self.unfinished);
        }
    }

    /// The engineer's terminal comes back, with what it showed meanwhile.
    fn go_on(&mut self, answer: &str) {
        println!("└────────────────────────────────────────────────────");
        if answer.starts_with('y') {
            println!("You are the engineer again, in a shell on the \"scanner\" (this machine). Try");
            println!("what you like; `exit` ends the call. In another terminal `ssh`, `scp` and");
            println!("`sftp` work meanwhile, as it says below.\n");
        }
        let held = self.asked.take().unwrap_or_default();
        self.screen.pass_keys_on();
        self.show_engineer(&held);
    }

    /// A line as it stands on the scanner's screen, broken between words where it is too long for this one.
    fn framed(&self, line: &str) -> String {
        let (mut text, mut room) = (String::from("│"), self.columns - 1);
        for word in line.split_whitespace() {
            let length = word.chars().count() + 1;
            if length > room {
                text += "\r\n│";
                room = self.columns - 1;
            }
            text = text + " " + word;
            room = room.saturating_sub(length);
        }
        text + "\r\n"
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It has ended, unless something went wrong here.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // A terminal that was closed shows nothing; that is no error here.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Reads until the end, or until `events` has no receiver.
fn read(mut source: impl Read + Send + 'static, events: Sender<Event>, event: fn(Vec<u8>) -> Event) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            if events.send(event(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}
