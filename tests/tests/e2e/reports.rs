//! What is left of a session for a while when it is over: its report, fetched by those who may have it, the same for all.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use fieldlink_evidence::report::{self, Account};
use fieldlink_evidence::{Directory, MANIFEST};
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Cable, Call, Engineer, PATIENCE, Relay, Scanner};
use fieldlink_words::Language;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// The records of this scanner, the oldest first.
fn records(scanner: &Scanner) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scanner.records()).into_iter().flatten().flatten();
    let mut records: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    records.sort_by_key(|path| std::fs::metadata(path).and_then(|file| file.created()).ok());
    records
}

fn closed(scanner: &Scanner) -> PathBuf {
    eventually("the record is closed", PATIENCE, || {
        records(scanner).last().is_some_and(|record| record.join(MANIFEST).exists())
    });
    records(scanner).pop().expect("just seen")
}

/// The page that the client gets.
fn page(record: &Path, language: Language) -> String {
    let files = Directory::new(record);
    let account = Account::read(&files).expect("readable");
    String::from_utf8(report::html(&account, &files, language)).expect("text")
}

fn report(engineer: &Engineer, arguments: &[&str]) -> Output {
    engineer.connect().arg("report").args(arguments).output().expect("it runs")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The page that an engineer has kept of their latest session.
fn kept_page(engineer: &Engineer) -> String {
    let path = engineer.home().join("report.html");
    stdout(&report(engineer, &["-o", path.to_str().expect("a plain path")]));
    std::fs::read_to_string(path).expect("it is there")
}

fn connect(engineer: &Engineer, arguments: &[&str]) -> Running {
    Running::start("fieldlink-connect", engineer.connect().args(arguments))
}

/// Somebody watches with a link, and the client agrees to `words`.
fn watch(
    relay: &Relay,
    (engineer, scanner): (&Engineer, &mut Scanner),
    share: &[&str],
    words: &str,
) -> (Engineer, Running) {
    let mut sharing = connect(engineer, &[&["share"], share].concat());
    let question = scanner.process.wait_for("to watch this session over the internet");
    assert!(question.contains(words), "{question}");
    scanner.process.type_line("y");
    let link = sharing.wait_for("https://");
    sharing.wait_for_end();
    let partner = Engineer::new();
    let mut command = partner.connect();
    command.args(["watch", "--json", "--ca-file"]).arg(relay.authority());
    let mut watching = Running::start("fieldlink-connect", &mut command);
    watching.type_line(&link);
    watching.wait_for("\"type\":\"welcome\"");
    (partner, watching)
}

#[test]
fn everybody_who_may_have_it_has_the_same_report() {
    let relay = Relay::start();
    let mut scanner = Scanner::start_asking(&relay);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    let mut holder = ada.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let mut call = Call::of(&ada, &scanner, holder);
    let mut joining = join(&ada, &bob, &mut scanner);
    let (carol, mut carols) =
        watch(&relay, (&ada, &mut scanner), &["--observer", "Carol", "--report"], "copy of its report");
    let (dora, mut doras) = watch(&relay, (&ada, &mut scanner), &["--observer", "Dora"], "Dora");
    assert_eq!(call.output_of("echo '<b>&amp;'"), "<b>&amp;\n");
    scanner.process.type_line("end");
    let told = call.wait_until_ended();
    assert!(told.contains("client-ended"), "{told}");
    for running in [&mut joining, &mut doras] {
        running.wait_for_end();
    }
    carols.wait_for("\"type\":\"report-so-far\"");
    let record = closed(&scanner);
    let so_far = page(&record, Language::English);
    assert!(so_far.contains("Carol"), "it is the page of this session");
    for engineer in [&ada, &bob, &carol] {
        assert_eq!(kept_page(engineer), so_far);
    }
    // What the client says of it comes to all of them.
    scanner.process.type_line("partly, it beeps still");
    carols.wait_for_end();
    assert!(carols.transcript().contains("\"type\":\"report\""), "{}", carols.transcript());
    let page = page(&record, Language::English);
    assert!(page.contains("it beeps still") && !so_far.contains("it beeps still"));
    for engineer in [&ada, &bob, &carol] {
        eventually("the later edition is there", PATIENCE, || kept_page(engineer) == page);
    }
    assert_eq!(report(&dora, &[]).status.code(), Some(1), "the client was not asked");
    // The other forms, as the client has them.
    let account = Account::read(&Directory::new(&record)).expect("readable");
    assert_eq!(stdout(&report(&ada, &[])), report::text(&account, Language::English));
    assert_eq!(stdout(&report(&ada, &["--json", &scanner.digits()])), report::json(&account));
    let listed = stdout(&report(&ada, &["--list"]));
    assert!(listed.contains("T-1") && listed.lines().count() == 2, "{listed}");
    let directory = record.file_name().and_then(|name| name.to_str()).expect("a session").to_owned();
    assert!(listed.contains(&directory), "{listed}");
    assert_eq!(report(&ada, &["T-0"]).status.code(), Some(1), "another case");
}

#[test]
fn a_report_comes_in_the_language_that_was_asked_for_or_not_at_all() {
    let relay = Relay::start();
    let scanner = Scanner::start(&relay);
    let ada = Engineer::enrolled(&relay, "Ada");
    ada.configure("fetch_reports = false");
    ada.call(&scanner).end();
    assert_eq!(report(&ada, &[]).status.code(), Some(1), "it was not wanted");
    let bob = Engineer::enrolled(&relay, "Bob");
    bob.configure("report_language = \"de-AT\"");
    let other = Scanner::start(&relay);
    bob.call(&other).end();
    assert_eq!(kept_page(&bob), page(&closed(&other), Language::German));
}

/// Shows so much that the report takes a while.
fn show_much(call: &Call<'_>) {
    let mut terminal = call.tool("ssh");
    terminal.args(["-tt", &call.alias, "head -c 1000000 /dev/urandom | base64; exit"]);
    let mut terminal = Running::start("ssh", &mut terminal);
    assert!(terminal.wait_for_end().success());
}

fn has_begun(engineer: &Engineer) -> bool {
    let directories = std::fs::read_dir(engineer.state().join("reports")).into_iter().flatten().flatten();
    directories.into_iter().any(|directory| directory.path().join("about.json").exists())
}

/// The engineer's side is cut off while the session ends, and again while the report comes.
#[test]
fn a_report_comes_over_as_many_connections_as_it_takes() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let ada = Engineer::enrolled(&relay, "Ada");
    let cable = Cable::to(&relay);
    ada.redirect_to(&cable.url());
    let mut call = ada.call(&scanner);
    show_much(&call);
    cable.cut();
    call.holder.wait_for("\"state\":\"interrupted\"");
    scanner.process.type_line("end");
    scanner.wait_until_off();
    cable.mend();
    eventually("some of it has come", PATIENCE, || has_begun(&ada));
    cable.cut();
    cable.mend();
    call.holder.wait_for_end();
    assert_eq!(kept_page(&ada), page(&closed(&scanner), Language::English));
}

/// What the client says after the end is in the account that the relay has signed, and whoever waits for it ends with it.
#[test]
fn what_the_client_says_later_is_signed_too() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let ada = Engineer::enrolled(&relay, "Ada");
    let mut call = ada.call(&scanner);
    let holder = call.session_holder();
    scanner.process.type_line("end");
    call.wait_until_ended();
    let so_far = kept_page(&ada);
    assert!(is_running(holder), "it waits for what the client says");
    assert!(!ada.runtime().join(scanner.digits()).exists(), "nothing else is left");
    scanner.process.type_line("solved");
    eventually("its work is done", PATIENCE, || !is_running(holder));
    let record = closed(&scanner);
    let page = page(&record, Language::English);
    assert_eq!((kept_page(&ada) == page, page == so_far), (true, false));
    let events = std::fs::read_to_string(record.join("events.jsonl")).expect("readable");
    let anchors = std::fs::read_to_string(record.join("anchors.jsonl")).expect("readable");
    let seq = events.lines().count() - 1;
    assert!(anchors.lines().last().is_some_and(|line| line.contains(&format!(" | {seq} | "))), "{anchors}");
    let session = record.file_name().expect("a name");
    let own = ada.connect().arg("anchors").arg(session).output().expect("it runs");
    assert_eq!(stdout(&own).lines().last(), anchors.lines().last(), "the engineer has it, too");
}

/// Nobody waits for what will not be said.
#[test]
fn whoever_waits_for_the_clients_word_leaves_when_none_will_come() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    let mut first = ada.call(&scanner);
    let holder = first.session_holder();
    scanner.process.type_line("end");
    first.wait_until_ended();
    let so_far = kept_page(&ada);
    assert!(is_running(holder));
    scanner.start_again();
    eventually("nothing is waited for", PATIENCE, || !is_running(holder));
    assert_eq!(kept_page(&ada), so_far);
    // And whoever is told to stop stops.
    let mut second = bob.call(&scanner);
    let holder = second.session_holder();
    scanner.process.type_line("end");
    second.wait_until_ended();
    nix::sys::signal::kill(holder, Signal::SIGTERM).expect("it runs");
    eventually("it has stopped", PATIENCE, || !is_running(holder));
    assert!(kept_page(&bob) != so_far);
}

/// A process that is over, and that nobody has waited for, does not run.
fn is_running(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(" Z"))
}

/// Nothing waits for an engineer who takes their time: not the client, and not the next session.
#[test]
fn the_next_session_begins_while_a_report_is_still_fetched() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    let mut first = ada.call(&scanner);
    show_much(&first);
    first.signal_both(Signal::SIGSTOP);
    scanner.process.type_line("end");
    scanner.wait_until_off();
    let record = closed(&scanner);
    scanner.start_again();
    let second = bob.call(&scanner);
    assert_eq!(second.output_of("echo next"), "next\n");
    first.signal_both(Signal::SIGCONT);
    first.holder.wait_for_end();
    assert_eq!(kept_page(&ada), page(&record, Language::English));
    second.end();
    assert_ne!(kept_page(&bob), kept_page(&ada));
}

/// Whoever has waited enough leaves, and no half of a report stays.
#[test]
fn an_engineer_leaves_a_report_with_the_client() {
    let relay = Relay::start();
    let scanner = Scanner::start(&relay);
    let ada = Engineer::enrolled(&relay, "Ada");
    let cable = Cable::to(&relay);
    ada.redirect_to(&cable.url());
    let mut call = ada.call(&scanner);
    show_much(&call);
    cable.silence();
    call.holder.signal(Signal::SIGINT);
    call.holder.signal(Signal::SIGINT);
    call.holder.wait_for_end();
    assert_eq!(report(&ada, &[]).status.code(), Some(1));
    assert!(stdout(&report(&ada, &["--list"])).contains("no reports"));
}

/// What did not get through to somebody when it ended costs them nothing of the report.
#[test]
fn a_report_comes_to_who_was_being_shown_something() {
    let relay = Relay::start();
    let mut scanner = Scanner::start_asking(&relay);
    let ada = Engineer::enrolled(&relay, "Ada");
    let mut holder = ada.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let mut call = Call::of(&ada, &scanner, holder);
    let (carol, mut carols) =
        watch(&relay, (&ada, &mut scanner), &["--observer", "Carol", "--report"], "copy of its report");
    carols.signal(Signal::SIGSTOP);
    // More than waits anywhere on the way to her.
    let much = scanner.directory().join("much");
    let line = format!("yes | head -c 8000000; touch {}; exec yes", much.display());
    let mut terminal = call.tool("ssh");
    terminal.args(["-tt", &call.alias, &line]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut terminal = terminal.spawn().expect("ssh");
    eventually("much was shown", PATIENCE, || much.exists());
    scanner.process.type_line("end");
    call.wait_until_ended();
    carols.signal(Signal::SIGCONT);
    carols.wait_for("\"type\":\"report-so-far\"");
    assert_eq!(kept_page(&carol), page(&closed(&scanner), Language::English));
    terminal.wait().expect("ssh has ended");
}

/// A further engineer in Ada's session.
fn join(ada: &Engineer, bob: &Engineer, scanner: &mut Scanner) -> Running {
    let mut sharing = connect(ada, &["share", "--engineer"]);
    let code = sharing.wait_for(" - ");
    let mut joining = connect(bob, &["join", "--json"]);
    joining.type_line(&code);
    scanner.process.wait_for("Bob (Demo Company) wants to");
    scanner.process.type_line("y");
    wait_until_active(&mut joining);
    joining
}

/// Whoever stays for the client's word gets it, also if the engineer whose session it was is gone, or wanted no report.
#[test]
fn a_further_engineer_needs_nobody_for_the_later_edition() {
    for wants_none in [false, true] {
        let relay = Relay::start();
        let mut scanner = Scanner::start_asking(&relay);
        let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
        if wants_none {
            ada.configure("fetch_reports = false");
        }
        let mut holder = ada.start_connecting(&scanner.support_id, &scanner.pin);
        scanner.answer("y");
        wait_until_active(&mut holder);
        let mut call = Call::of(&ada, &scanner, holder);
        let mut joining = join(&ada, &bob, &mut scanner);
        let (carol, mut carols) =
            watch(&relay, (&ada, &mut scanner), &["--observer", "Carol", "--report"], "copy of its report");
        let holder = call.session_holder();
        scanner.process.type_line("end");
        call.wait_until_ended();
        joining.wait_for_end();
        assert_eq!(kept_page(&bob), page(&closed(&scanner), Language::English));
        carols.wait_for("\"type\":\"report-so-far\"");
        assert_eq!(kept_page(&carol), kept_page(&bob));
        if !wants_none {
            nix::sys::signal::kill(holder, Signal::SIGKILL).expect("it runs");
        }
        eventually("the owner's program is gone", PATIENCE, || !is_running(holder));
        scanner.process.type_line("not, it beeps still");
        let record = closed(&scanner);
        eventually("the later edition is there", PATIENCE, || kept_page(&bob).contains("it beeps still"));
        assert_eq!(kept_page(&bob), page(&record, Language::English));
        let (events, anchors) = ["events.jsonl", "anchors.jsonl"]
            .map(|name| std::fs::read_to_string(record.join(name)).expect("readable"))
            .into();
        let end = format!(" | {} | ", events.lines().count() - 1);
        assert!(anchors.lines().last().is_some_and(|line| line.contains(&end)), "{anchors}");
    }
}

/// Who is done first leaves, and the others still get theirs.
#[test]
fn nobodys_leaving_takes_the_report_from_the_others() {
    let relay = Relay::start();
    let mut scanner = Scanner::start_asking(&relay);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    let mut holder = ada.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let mut first = Call::of(&ada, &scanner, holder);
    let mut joining = join(&ada, &bob, &mut scanner);
    first.signal_both(Signal::SIGSTOP);
    scanner.process.type_line("end");
    scanner.wait_until_off();
    joining.wait_for_end();
    first.signal_both(Signal::SIGCONT);
    first.holder.wait_for_end();
    let page = page(&closed(&scanner), Language::English);
    assert_eq!((kept_page(&bob) == page, kept_page(&ada) == page), (true, true));
}
