//! The engineer's terminal: job control, hang-ups, and several at once. None of it may cost a session.

use fieldlink_tests::programs::{eventually, path_of};
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

struct Parties {
    _relay: Relay,
    scanner: Scanner,
    engineer: Engineer,
}

fn parties() -> Parties {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    Parties { _relay: relay, scanner, engineer }
}

/// A shell with job control, as in every terminal.
fn shell_of(engineer: &Engineer) -> Terminal {
    let mut bash = engineer.program("bash");
    bash.args(["--norc", "--noprofile", "-i"]).env("PS1", "local> ").env("SHELL", "/bin/bash");
    let path = std::env::var("PATH").unwrap_or_default();
    let ours = path_of("fieldlink-connect").parent().expect("in a directory").display().to_string();
    bash.env("PATH", format!("{ours}:{path}"));
    let mut terminal = Terminal::run(&bash);
    terminal.wait_for("local> ");
    terminal
}

/// Connects in a terminal, as an engineer does, and waits until the far shell answers.
fn connect_in(terminal: &mut Terminal, scanner: &Scanner) {
    terminal.type_keys(&format!("fieldlink-connect {} --ticket T-1\r", scanner.digits()));
    terminal.wait_for("PIN: ");
    terminal.type_password(&scanner.pin);
    terminal.wait_for("from other terminals");
    far_shell_answers(terminal, 1);
}

fn far_shell_answers(terminal: &mut Terminal, number: u32) {
    terminal.type_keys(&format!("echo far-$((1000+{number}))\r"));
    terminal.wait_for(&format!("far-{}", 1000 + number));
}

fn status(engineer: &Engineer) -> String {
    let output = engineer.connect().arg("status").output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The time that is left stands in the title while the far shell has the terminal, and the title before comes back.
#[test]
fn the_title_says_how_much_time_is_left() {
    let Parties { _relay, scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    connect_in(&mut terminal, &scanner);
    terminal.wait_for("\u{1b}]2;60 min left");
    terminal.type_keys("exit\r");
    terminal.wait_for("\u{1b}[23;2t");
    terminal.wait_for("local> ");
}

#[test]
fn the_escape_to_suspend_gives_the_terminal_back_and_keeps_the_session() {
    let Parties { _relay, scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    connect_in(&mut terminal, &scanner);
    for round in 2..4 {
        terminal.type_keys("\r~\u{1a}");
        terminal.wait_for("Stopped");
        terminal.wait_for("local> ");
        terminal.type_keys("echo here-$((40+2))\r");
        terminal.wait_for("here-42");
        assert!(status(&engineer).contains("active"), "{}", status(&engineer));
        terminal.type_keys("fg\r");
        terminal.wait_for("fieldlink-connect");
        far_shell_answers(&mut terminal, round);
    }
    // In the background ssh wants its terminal, and stops again.
    terminal.type_keys("\r~\u{1a}");
    terminal.wait_for("Stopped");
    terminal.type_keys("bg\r");
    terminal.type_keys("echo here-$((40+3))\r");
    terminal.wait_for("here-43");
    eventually("it stops again", PATIENCE, || has_stopped(&engineer, "T-1"));
    terminal.type_keys("fg\r");
    in_the_foreground(&engineer, "T-1");
    far_shell_answers(&mut terminal, 4);
    terminal.type_keys("exit 3\r");
    terminal.wait_for("the session is over: the engineer ended it");
    terminal.type_keys("echo code-$?\r");
    terminal.wait_for("code-3");
}

#[test]
fn keys_of_job_control_stop_no_session_that_is_held_or_runs_a_command() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    terminal.type_keys(&format!("fieldlink-connect {} --ticket T-1 --no-shell\r", scanner.digits()));
    terminal.wait_for("PIN: ");
    // Stopped at the prompt, too, and what is typed stays hidden.
    terminal.type_keys("\u{1a}");
    terminal.wait_for("Stopped");
    terminal.type_keys("fg\r");
    terminal.wait_for("PIN: ");
    terminal.type_password(&scanner.pin);
    terminal.wait_for("the session is open; Ctrl-C ends it");
    terminal.type_keys("\u{1a}");
    terminal.wait_for("Stopped");
    let holders = || processes_of(&engineer, "hold");
    let states: Vec<_> = holders().into_iter().map(state_of).collect();
    // It sleeps, unless it is just at work.
    assert!(matches!(states[..], [Some('S' | 'R')]), "{states:?}");
    terminal.type_keys(&format!(
        "fieldlink-connect run {} -- 'echo run-$((40+4)); sleep 1000'\r",
        scanner.digits()
    ));
    terminal.wait_for("run-44");
    terminal.type_keys("\u{1a}");
    terminal.wait_for("Stopped");
    assert!(status(&engineer).contains("active"));
    terminal.type_keys("fg\r");
    in_the_foreground(&engineer, "run");
    terminal.type_keys("\u{3}");
    eventually("the command is over", PATIENCE, || processes_of(&engineer, "run").is_empty());
    terminal.type_keys("\recho over-$((40+7))\r");
    terminal.wait_for("over-47");
    terminal.wait_for("local> ");
    terminal.type_keys("fg\r");
    in_the_foreground(&engineer, "--no-shell");
    terminal.type_keys("\u{3}");
    terminal.wait_for("the session is over: the engineer ended it");
    assert!(scanner.wait_until_off().contains("engineer-ended"));
}

/// Takes the terminal away from all who use it, as a window that is closed or a jump host that drops off.
fn hang_up(mut terminal: Terminal) {
    let shell = nix::unistd::Pid::from_raw(terminal.child.id().cast_signed());
    nix::sys::signal::kill(shell, nix::sys::signal::Signal::SIGHUP).expect("it runs");
    terminal.child.wait().expect("it ends");
}

/// The `fieldlink-connect` that runs in this terminal's shell.
fn front_of(terminal: &Terminal) -> nix::unistd::Pid {
    let children = format!("/proc/{0}/task/{0}/children", terminal.child.id());
    let children = std::fs::read_to_string(children).expect("it runs");
    let front = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
    nix::unistd::Pid::from_raw(front.expect("something runs in it"))
}

#[test]
fn a_prompt_waits_for_the_foreground() {
    let Parties { _relay, scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    terminal.type_keys("set -b\r");
    terminal.type_keys(&format!("fieldlink-connect {} --ticket T-1 --no-shell &\r", scanner.digits()));
    terminal.wait_for("Stopped");
    terminal.type_keys("fg\r");
    terminal.wait_for("PIN: ");
    terminal.type_password(&scanner.pin);
    terminal.wait_for("the session is open; Ctrl-C ends it");
    // What runs without a terminal's input goes on in the background, and pipes work as pipes do.
    let run = format!("fieldlink-connect run {} --", scanner.digits());
    let mut other = shell_of(&engineer);
    other.type_keys(&format!("{run} echo background-$((40+6)) </dev/null &\r"));
    other.wait_for("background-46");
    other.type_keys(&format!("{run} seq 1 100 </dev/null | tail -n 1 | tr 0 x\r"));
    other.wait_for("1xx");
}

/// What was typed while the program stood still is there at the moment in which it goes on.
#[test]
fn a_pin_typed_just_before_the_program_goes_on_is_taken() {
    let Parties { _relay, mut scanner, engineer } = parties();
    for _ in 0..3 {
        let mut connecting = engineer.connect();
        connecting.args([scanner.digits().as_str(), "--ticket", "T-1", "--no-shell"]);
        let mut terminal = Terminal::run(&connecting);
        terminal.wait_for("PIN: ");
        let program = Pid::from_raw(terminal.child.id().cast_signed());
        kill(program, Signal::SIGSTOP).expect("it runs");
        eventually("it stands still", PATIENCE, || state_of(terminal.child.id()) == Some('T'));
        terminal.type_password(&scanner.pin);
        kill(program, Signal::SIGCONT).expect("it is there");
        terminal.wait_for("the session is open; Ctrl-C ends it");
        terminal.type_keys("\x03");
        eventually("it has ended", PATIENCE, || terminal.child.try_wait().expect("ours").is_some());
        scanner.wait_until_off();
        scanner.start_again();
    }
}

/// The processes of this engineer's with this argument.
fn processes_of(engineer: &Engineer, argument: &str) -> Vec<u32> {
    let home = engineer.home().display().to_string();
    let is_theirs = |pid: &u32| {
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default())
                .into_owned()
        };
        read("cmdline").split('\0').any(|word| word == argument) && read("environ").contains(&home)
    };
    let pids = std::fs::read_dir("/proc").expect("Linux").flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_theirs).collect()
}

fn state_of(pid: u32) -> Option<char> {
    stat_of(pid)?.chars().next()
}

/// Whether a process with this argument stands still.
fn has_stopped(engineer: &Engineer, argument: &str) -> bool {
    processes_of(engineer, argument).into_iter().any(|pid| state_of(pid) == Some('T'))
}

/// Waits until the terminal's keys reach the process with this argument. `fg` says that it goes on before it
/// gives the terminal away.
fn in_the_foreground(engineer: &Engineer, argument: &str) {
    let has_terminal = |pid| {
        let Some(stat) = stat_of(pid) else { return false };
        let fields: Vec<_> = stat.split(' ').collect();
        let (own_group, of_terminal) = (fields[2], fields[5]);
        own_group == of_terminal
    };
    eventually("it is in the foreground", PATIENCE, || {
        processes_of(engineer, argument).into_iter().any(has_terminal)
    });
}

/// What the kernel says of a process, from its state on (proc_pid_stat(5), field 3), if it runs still.
fn stat_of(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ").expect("a name").1.to_owned())
}

#[test]
fn a_terminal_that_is_closed_leaves_a_session_to_come_back_to() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    connect_in(&mut terminal, &scanner);
    hang_up(terminal);
    eventually("the session is left", PATIENCE, || status(&engineer).contains("broken off"));
    let mut again = shell_of(&engineer);
    again.type_keys(&format!("fieldlink-connect {}\r", scanner.digits()));
    again.wait_for("coming back to the session");
    again.wait_for("from other terminals");
    scanner.process.wait_for("The engineer's program was started again");
    far_shell_answers(&mut again, 7);
    again.type_keys("exit\r");
    assert!(scanner.wait_until_off().contains("engineer-ended"));
}

#[test]
fn a_shell_in_another_terminal_outlives_the_first_one() {
    let Parties { _relay, scanner, engineer } = parties();
    let mut first = shell_of(&engineer);
    connect_in(&mut first, &scanner);
    let mut second = shell_of(&engineer);
    second.type_keys(&format!("fieldlink-connect {}\r", scanner.digits()));
    second.wait_for("opens another shell");
    far_shell_answers(&mut second, 8);
    // Both the shell and the kernel may tell of a terminal's end.
    let front = front_of(&first);
    hang_up(first);
    let _ = nix::sys::signal::kill(front, nix::sys::signal::Signal::SIGHUP);
    for number in 9..29 {
        far_shell_answers(&mut second, number);
        assert!(status(&engineer).contains("active"), "{}", status(&engineer));
    }
    second.type_keys("exit\r");
    eventually("the session is left", PATIENCE, || status(&engineer).contains("broken off"));
}

#[test]
fn a_session_that_was_left_can_be_ended_from_here() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    connect_in(&mut terminal, &scanner);
    hang_up(terminal);
    eventually("the session is left", PATIENCE, || status(&engineer).contains("broken off"));
    let end = engineer.connect().args(["end", &scanner.digits()]).output().expect("it runs");
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    assert!(scanner.wait_until_off().contains("engineer-ended"));
    assert!(status(&engineer).contains("no session is open"));
}

#[test]
fn connecting_once_more_opens_another_shell() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let mut first = shell_of(&engineer);
    connect_in(&mut first, &scanner);
    let mut second = shell_of(&engineer);
    second.type_keys(&format!("fieldlink-connect {}\r", scanner.support_id));
    second.wait_for("opens another shell");
    far_shell_answers(&mut second, 5);
    // It keeps the session when the first one is closed.
    first.type_keys("exit\r");
    first.wait_for("1 connections are still open");
    far_shell_answers(&mut second, 6);
    scanner.process.type_line("end");
    second.wait_for("the session is over: the client ended it");
    first.wait_for("the session is over: the client ended it");
}

#[test]
fn a_screen_that_was_cut_off_is_put_right_before_the_message() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let mut terminal = shell_of(&engineer);
    connect_in(&mut terminal, &scanner);
    terminal.type_keys("printf '\\033[?1049h\\033[?1000h\\033[?2004h'; echo full-$((40+5)); sleep 1000\r");
    terminal.wait_for("full-45");
    scanner.process.type_line("end");
    let shown = terminal.wait_for_within("the session is over: the client ended it", PATIENCE);
    for mode in ["\u{1b}[?1049l", "\u{1b}[?1000l", "\u{1b}[?1006l", "\u{1b}[?2004l", "\u{1b}[?25h"] {
        assert!(shown.contains(mode), "{mode:?} is missing in {shown:?}");
    }
    assert!(!shown.contains("Broken pipe"), "{shown:?}");
    terminal.type_keys("stty -a | grep -o ' icanon'; echo code-$?\r");
    terminal.wait_for(" icanon");
    terminal.wait_for("code-0");
}
