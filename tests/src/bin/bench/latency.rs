//! How long one waits: for the first output, for an answer, for a further connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use fieldlink_tests::programs::Running;
use fieldlink_tests::{Call, Engineer, Relay, Scanner};
use nix::unistd::{User, getuid};

use crate::openssh::{self, Peers};
use crate::rows::{Better, Rows};
use crate::traffic::{self, median};

/// Rounds of what takes turns.
const ROUNDS: usize = 5;
/// Rounds of what hangs on the account's login scripts.
const LOGINS: usize = 15;
/// Between two uses of a forward.
const BETWEEN: Duration = Duration::from_millis(500);
/// Rounds of what takes milliseconds.
const SHORT_ROUNDS: usize = 21;

/// From the PIN to the first output of the shell.
pub(crate) fn first_output(rows: &mut Rows, relay: &Relay, engineer: &Engineer) {
    eprintln!("measuring PIN to first output …");
    let (mut ours, mut shells) = (Vec::new(), Vec::new());
    for _ in 0..LOGINS {
        let scanner = Scanner::start(relay);
        ours.push(traffic::pin_to_output(engineer, &scanner) * 1e3);
        shells.push(traffic::whole_command(&mut login_shell()) * 1e3);
    }
    let (ours, shell) = (median(ours), median(shells));
    rows.info("PIN entered to first output", ours, "ms", Better::Lower);
    rows.info("the login shell alone", shell, "ms", Better::Lower);
    rows.goal("PIN to first output, less the login shell", ours - shell, "ms", 60.0, Better::Lower);
}

/// What the account's own login scripts take of that: a session starts a login shell, in an environment of its own.
fn login_shell() -> Command {
    let mut shell = Command::new("bash");
    let account = User::from_uid(getuid()).ok().flatten().expect("an account");
    shell.args(["-l", "-c", "true"]).env_clear().env("HOME", account.dir).env("USER", account.name);
    shell.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    shell
}

/// Once there is a session.
pub(crate) fn rows(rows: &mut Rows, engineer: &Engineer, call: &Call<'_>, peers: Option<&Peers>) {
    eprintln!("measuring round trips …");
    round_trips(rows, call, peers);
    eprintln!("measuring further connections …");
    whole_commands(rows, call, peers);
    let first: Vec<f64> = (0..SHORT_ROUNDS).map(|_| traffic::first_byte(call) * 1e3).collect();
    rows.info("first byte of a further SSH connection", median(first), "ms", Better::Lower);
    let first = first_bytes_of_a_forward(engineer, call);
    rows.goal("first byte of a further forward", median(first) * 1e3, "ms", 15.0, Better::Lower);
    eprintln!("measuring beside a stalled upload …");
    let p99 = traffic::beside_a_stall(call) * 1e3;
    rows.goal("round trip beside a stalled upload, p99", p99, "ms", 200.0, Better::Lower);
}

fn round_trips(rows: &mut Rows, call: &Call<'_>, peers: Option<&Peers>) {
    let mut ours = Vec::new();
    let mut theirs = openssh::NAMES.map(|name| (name, Vec::new()));
    for _ in 0..ROUNDS {
        ours.push(traffic::round_trip(&mut call.ssh("cat")) * 1e6);
        for ((_, times), (_, command)) in theirs.iter_mut().zip(peers.into_iter().flat_map(Peers::ways)) {
            times.push(traffic::round_trip(&mut command(&["cat"])) * 1e6);
        }
    }
    let ours = median(ours);
    rows.info("64 B round trip, p50", ours, "µs", Better::Lower);
    if peers.is_none() {
        return;
    }
    let theirs = theirs.map(|(name, times)| (name, median(times)));
    for (name, time) in theirs {
        rows.info(&format!("64 B round trip, p50, {name}"), time, "µs", Better::Lower);
    }
    let of =
        |wanted: &str| theirs.iter().find(|(name, _)| *name == wanted).map_or(f64::NAN, |(_, time)| *time);
    let direct = of(openssh::DIRECT);
    let (added, theirs) = (ours - direct, of(openssh::JUMP) - direct);
    rows.info("added round trip, p50", added, "µs", Better::Lower);
    rows.info(&format!("added round trip, p50, {}", openssh::JUMP), theirs, "µs", Better::Lower);
    let name = format!("added round trip / {}", openssh::JUMP);
    rows.goal(&name, added / theirs, "x", 0.6, Better::Lower);
}

/// A command that does nothing, with a connection of its own.
fn whole_commands(rows: &mut Rows, call: &Call<'_>, peers: Option<&Peers>) {
    let whole = |command: &mut Command| traffic::whole_command(command) * 1e3;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..SHORT_ROUNDS {
        ours.push(whole(&mut call.ssh("true")));
        let direct = peers.and_then(|peers| peers.ways().find(|(name, _)| *name == openssh::DIRECT));
        plain.extend(direct.map(|(_, command)| whole(&mut command(&["true"]))));
    }
    let ours = median(ours);
    rows.info("ssh scanner true", ours, "ms", Better::Lower);
    if !plain.is_empty() {
        let plain = median(plain);
        rows.info("ssh scanner true, ssh, no relay", plain, "ms", Better::Lower);
        rows.goal("ssh scanner true / ssh, no relay", ours / plain, "x", 1.0, Better::Lower);
    }
}

/// Seconds from a connection to a port that `fieldlink-connect forward` listens at, to the first byte of who listens
/// on the scanner.
fn first_bytes_of_a_forward(engineer: &Engineer, call: &Call<'_>) -> Vec<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        // Until the last one was greeted.
        for stream in listener.incoming().take(SHORT_ROUNDS) {
            stream.and_then(|mut stream| stream.write_all(b"x")).expect("a connection");
        }
    });
    let mut command = engineer.connect();
    command.args(["forward", call.alias.trim_start_matches("scanner-"), &format!("0:{target}")]);
    let mut forward = Running::start("fieldlink-connect forward", &mut command);
    let line = forward.wait_for("127.0.0.1:");
    let address: SocketAddr =
        line.split_whitespace().find_map(|word| word.parse().ok()).expect("it says where it listens");
    let first_byte = || {
        // One page after the other; the connection that is ahead is for the next one.
        std::thread::sleep(BETWEEN);
        let begin = Instant::now();
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.read_exact(&mut [0]).expect("a byte");
        begin.elapsed().as_secs_f64()
    };
    (0..SHORT_ROUNDS).map(|_| first_byte()).collect()
}
