//! Runbooks: every verb, over interruptions, and whose they are. The client sees which step is at hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Cable, Call, Engineer, Maker, PATIENCE, Relay, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

/// Every verb, two branches, and a step that they lead past.
const NINE: &str = r#"
name = "nine"
title = { en = "Nine steps", de = "Neun Schritte" }
[[step]]
id = "note"
title = "A note"
note = "we begin"
[[step]]
id = "network"
title = { en = "Network", de = "Netzwerk" }
run = "echo eth0 UP; echo 'and more' >&2"
expect.output = "UP"
[[step]]
id = "light"
title = "The light"
ready = "light-at-start"
branch = [{ answer = "yellow", to = "beep" }]
[[step]]
id = "skipped"
title = "Nobody comes here"
run = "false"
[[step]]
id = "beep"
title = "Beeps"
ask = { en = "Does it beep?", de = "Piept es?" }
choices = [{ en = "yes", de = "ja" }, { en = "no", de = "nein" }]
expect.answer = "yes"
[[step]]
id = "cable"
title = "The cable"
step = { en = "Unplug the cable", de = "Ziehen Sie das Kabel" }
[[step]]
id = "exit"
title = "An exit code"
run = "exit 3"
expect.exit = [3, 4]
[[step]]
id = "update"
title = "The update"
operation = "update"
branch = [{ exit = 7, to = "restart" }]
[[step]]
id = "restart"
title = "Restart"
restart = "after the update"
on_failure = "continue"
"#;

fn write(engineer: &Engineer, name: &str, text: &str) -> PathBuf {
    let path = engineer.home().join(name);
    fs::write(&path, text).expect("writable");
    path
}

fn runbook(engineer: &Engineer, arguments: &[&str]) -> Command {
    let mut command = engineer.connect();
    command.arg("runbook").args(arguments);
    command
}

fn start(engineer: &Engineer, arguments: &[&str]) -> Running {
    Running::start("fieldlink-connect runbook", &mut runbook(engineer, arguments))
}

fn run(engineer: &Engineer, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run_with_input(&mut runbook(engineer, arguments), b"");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// The lines of the checklist, without what stands before it.
fn checklist(said: &str) -> Vec<String> {
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    let heading = lines.iter().rposition(|line| line.contains("every step") || line.contains("it stopped"));
    lines[heading.expect("a checklist") + 1..].iter().map(|line| (*line).to_owned()).collect()
}

/// The session's program comes back to the session that another one left.
fn come_back<'a>(engineer: &'a Engineer, scanner: &Scanner) -> Call<'a> {
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
    let mut holder = Running::start("fieldlink-connect", &mut command);
    wait_until_active(&mut holder);
    Call::of(engineer, scanner, holder)
}

#[test]
fn nine_steps_with_every_verb_are_gone_through_and_both_sides_see_them() {
    let maker = Maker::of("echo unpacking; exit 7");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let (settings, policy) = (maker.settings(&["update"]), "operations = \"allowed\"".to_owned());
    let options = ScannerOptions { settings, policy, ..ScannerOptions::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let file = write(&engineer, "nine.toml", NINE);
    let update = write(&engineer, "update.bin", "an update");
    let with = format!("update={}", update.display());
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file), "--file", &with]);
    scanner.process.wait_for("The engineer goes through a list of steps: Nine steps (the engineer's own).");
    scanner.process.wait_for("Nine steps (the engineer's own), step 1 of 9: A note");
    scanner.process.wait_for("The engineer noted: we begin");
    scanner.process.wait_for("step 2 of 9: Network");
    running.wait_for("2 of 9  Network");
    running.wait_for("eth0 UP");
    running.wait_for("2 of 9  Network: passed (exit code 0)");
    scanner.process.wait_for("step 3 of 9: The light");
    scanner.process.wait_for("Type a number");
    scanner.process.type_line("4");
    scanner.process.wait_for("step 5 of 9: Beeps");
    scanner.process.wait_for("Does it beep?");
    scanner.process.wait_for("Type a number");
    scanner.process.type_line("1");
    scanner.process.wait_for("step 6 of 9: The cable");
    scanner.process.wait_for("The engineer asks you to do this: Unplug the cable");
    scanner.process.type_line("done");
    scanner.process.wait_for("step 9 of 9: Restart");
    assert_eq!(running.wait_for_end().code(), Some(224), "the restart is refused where there is no service");
    scanner.process.wait_for("The list of steps is finished: Nine steps.");
    let expected = [
        "1  A note: passed",
        "2  Network: passed (exit code 0)",
        "3  The light: passed (yellow)",
        "4  Nobody comes here: skipped",
        "5  Beeps: passed (yes)",
        "6  The cable: passed",
        "7  An exit code: passed (exit code 3)",
        "8  The update: failed (exit code 7)",
        "9  Restart: failed (it could not be done)",
    ];
    // Both streams have been read.
    eventually("the checklist is there", PATIENCE, || running.transcript().contains("9  Restart: failed"));
    let said = running.transcript();
    expected.iter().for_each(|line| assert!(said.contains(line), "{line}: {said}"));
    let (code, said) = run(&engineer, &["--resume"]);
    assert!(code == Some(1) && said.contains("no runbook is under way"), "{said}");
    call.end();
}

#[test]
fn a_plan_needs_no_session_and_a_fault_is_named() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let file = write(&engineer, "nine.toml", NINE);
    let (code, said) = run(&engineer, &[text(&file), "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "Nine steps (nine)",
        "not signed: the client reads that it is your own",
        "2  network: Network (run: echo eth0 UP",
        "the answer “yellow” leads to beep",
        "exit code 7 leads to restart",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let wrong = write(&engineer, "wrong.toml", &NINE.replace("light-at-start", "lamp"));
    let (code, said) = run(&engineer, &[text(&wrong), "--dry-run"]);
    assert!(code == Some(2) && said.contains("line 16: step.ready: there is none of that name"), "{said}");
    let (code, said) = run(&engineer, &[text(&file), "--from", "nowhere", "--dry-run"]);
    assert!(code == Some(2) && said.contains("it has: note, network, light"), "{said}");
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(217) && said.contains("no session is open"), "{said}");
}

/// Appends a line to a file, so that what was done twice is seen; asks; appends another one.
fn counting(file: &Path) -> String {
    let run = |id: &str| {
        format!("[[step]]\nid = \"{id}\"\ntitle = \"{id}\"\nrun = \"echo {id} >> {}\"\n", file.display())
    };
    let ask = "[[step]]\nid = \"ask\"\ntitle = { en = \"A question\" }\n\
               ask = { en = \"Anybody there?\", de = \"Ist jemand da?\" }\n";
    format!("name = \"counting\"\ntitle = \"Counting\"\n{}{ask}{}", run("one"), run("three"))
}

#[test]
fn it_goes_on_where_it_was_whatever_was_killed() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let counted = engineer.home().join("counted");
    let file = write(&engineer, "counting.toml", &counting(&counted));
    let mut call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file), "--language", "de"]);
    scanner.process.wait_for("Counting (the engineer's own), step 2 of 3: A question");
    scanner.process.wait_for("Ist jemand da?");
    // The program that goes through it.
    running.signal(Signal::SIGINT);
    running.wait_for("the runbook waits at step 2 (ask); go on with fieldlink-connect runbook --resume");
    assert_eq!(running.wait_for_end().code(), Some(130));
    scanner.process.wait_for("The question was taken back.");
    // The one that holds the session.
    let mut running = start(&engineer, &["--resume"]);
    scanner.process.wait_for("Ist jemand da?");
    call.signal_both(Signal::SIGKILL);
    call.holder.wait_for_end();
    running.wait_for("the runbook waits at step 2 (ask)");
    assert_eq!(running.wait_for_end().code(), Some(217));
    call = come_back(&engineer, &scanner);
    let mut running = start(&engineer, &["--resume"]);
    // What only this computer knows was kept, too.
    scanner.process.wait_for("Ist jemand da?");
    scanner.process.type_line("I am");
    assert_eq!(running.wait_for_end().code(), Some(0));
    eventually("all of it", PATIENCE, || running.transcript().contains("3  three: passed"));
    let list = checklist(&running.transcript());
    let expected =
        ["1  one: passed (exit code 0)", "2  A question: passed (I am)", "3  three: passed (exit code 0)"];
    assert_eq!(list, expected);
    assert_eq!(fs::read_to_string(&counted).expect("it ran"), "one\nthree\n", "nothing twice");
    scanner.process.wait_for("The list of steps is finished: Counting.");
    call.end();
}

#[test]
fn a_client_is_asked_in_their_own_language_once_it_is_known() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let settings = "language = \"de\"\n".to_owned();
    let mut scanner = Scanner::launch_at(
        &relay.url(),
        relay.authority(),
        ScannerOptions { settings, ..ScannerOptions::default() },
    );
    for (label, place) in [("Support-ID ", &mut scanner.support_id), ("PIN ", &mut scanner.pin)] {
        let line = scanner.process.wait_for(label);
        line.trim().trim_start_matches(label).trim().clone_into(place);
    }
    scanner.process.wait_for("bereit");
    let steps = "[[step]]\nid = \"sounds\"\ntitle = \"Sounds\"\nready = \"sounds\"\n\
                 [[step]]\nid = \"beep\"\ntitle = { en = \"Beeps\", de = \"Töne\" }\n\
                 ask = { en = \"Does it beep?\", de = \"Piept es?\" }\n\
                 choices = [{ en = \"yes\", de = \"ja\" }, { en = \"no\", de = \"nein\" }]\n\
                 expect.answer = \"no\"\n";
    let file = write(&engineer, "beep.toml", &format!("name = \"beep\"\ntitle = \"Beep\"\n{steps}"));
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file)]);
    scanner
        .process
        .wait_for("Der Techniker geht eine Liste von Schritten durch: Beep (vom Techniker selbst).");
    scanner.process.wait_for("Tippen Sie");
    scanner.process.type_line("1");
    scanner.process.wait_for("Beep (vom Techniker selbst), Schritt 2 von 2: Töne");
    scanner.process.wait_for("Piept es?");
    scanner.process.wait_for("2  nein");
    scanner.process.wait_for("Tippen Sie");
    scanner.process.type_line("2");
    assert_eq!(running.wait_for_end().code(), Some(0));
    eventually("all of it", PATIENCE, || running.transcript().contains("2  Beeps: passed (no)"));
    call.end();
}

#[test]
fn an_operation_that_runs_is_followed_and_not_begun_anew() {
    let maker = Maker::waiting("echo ran >>\"$0/runs\"");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let (settings, policy) = (maker.settings(&["update"]), "operations = \"allowed\"".to_owned());
    let options = ScannerOptions { settings, policy, ..ScannerOptions::default() };
    let scanner = Scanner::start_with(&relay, options);
    let step = "[[step]]\nid = \"update\"\ntitle = \"Update\"\noperation = \"update\"\n";
    let file = write(&engineer, "update.toml", &format!("name = \"update\"\ntitle = \"Update\"\n{step}"));
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file)]);
    running.wait_for("begun");
    running.signal(Signal::SIGINT);
    running.wait_for("the runbook waits at step 1 (update)");
    assert_eq!(running.wait_for_end().code(), Some(130));
    let mut running = start(&engineer, &["--resume", "--json"]);
    running.wait_for("\"percent\":42");
    maker.let_go();
    running.wait_for("\"passed\":true");
    assert_eq!(running.wait_for_end().code(), Some(0));
    assert_eq!(fs::read_to_string(maker.path("runs")).expect("it ran"), "ran\n", "once");
    call.end();
}

#[test]
fn an_operation_that_the_scanner_does_not_have_is_a_step_that_failed() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = Scanner::start(&relay);
    let steps = "[[step]]\nid = \"a\"\ntitle = \"A\"\noperation = \"update\"\non_failure = \"continue\"\n\
                 [[step]]\nid = \"b\"\ntitle = \"B\"\nrun = \"true\"\n";
    let file = write(&engineer, "none.toml", &format!("name = \"none\"\ntitle = \"None\"\n{steps}"));
    let call = engineer.call(&scanner);
    let (code, said) = run(&engineer, &[text(&file), "--file", "a=/nonexistent"]);
    assert!(code == Some(2) && said.contains("the runbook waits at step 1 (a)"), "{said}");
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(224) && said.contains("this scanner has no operations"), "{said}");
    assert!(said.contains("1  A: failed (it could not be done)") && said.contains("2  B: passed"), "{said}");
    call.end();
}

/// As at another engineer's, whose computer knows nothing of it.
#[test]
fn the_scanner_tells_who_comes_into_the_session_which_runbook_is_under_way() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let counted = engineer.home().join("counted");
    let file = write(&engineer, "counting.toml", &counting(&counted));
    let mut call = engineer.call(&scanner);
    let running = start(&engineer, &[text(&file)]);
    scanner.process.wait_for("Anybody there?");
    call.signal_both(Signal::SIGKILL);
    call.holder.wait_for_end();
    drop(running);
    let kept = engineer.runtime().join(scanner.digits()).join("runbook.json");
    fs::remove_file(&kept).expect("it was kept");
    call = come_back(&engineer, &scanner);
    eventually("the scanner has told it", PATIENCE, || kept.exists());
    let mut running = start(&engineer, &["--resume"]);
    scanner.process.wait_for("Anybody there?");
    scanner.process.type_line("yes");
    assert_eq!(running.wait_for_end().code(), Some(0));
    assert_eq!(fs::read_to_string(&counted).expect("it ran"), "one\nthree\n", "nothing twice");
    assert!(!kept.exists(), "it is over");
    call.end();
}

#[test]
fn a_lost_network_only_delays_it_and_it_can_be_given_up() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let cable = Cable::to(&relay);
    engineer.redirect_to(&cable.url());
    let mut scanner = Scanner::start(&relay);
    let counted = engineer.home().join("counted");
    let text_of = counting(&counted).replace("echo three", "sleep 2; echo three");
    let file = write(&engineer, "counting.toml", &text_of);
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file), "--from", "ask"]);
    scanner.process.wait_for("step 2 of 3: A question");
    scanner.process.wait_for("Anybody there?");
    cable.cut();
    scanner.process.type_line("yes");
    cable.mend();
    running.wait_for("2 of 3  A question: passed (yes)");
    running.wait_for("3 of 3  three");
    cable.cut();
    cable.mend();
    assert_eq!(running.wait_for_end().code(), Some(0));
    eventually("all of it", PATIENCE, || running.transcript().contains("3  three: passed"));
    assert_eq!(checklist(&running.transcript())[0], "1  one: skipped");
    scanner.process.wait_for("The list of steps is finished");
    let stopped = start(&engineer, &[text(&file), "--from", "ask"]);
    scanner.process.wait_for("Anybody there?");
    stopped.signal(Signal::SIGKILL);
    drop(stopped);
    let (code, said) = run(&engineer, &["--give-up"]);
    assert!(code == Some(0) && said.contains("given up"), "{said}");
    scanner.process.wait_for("The list of steps ended before its last step: Counting.");
    let (code, said) = run(&engineer, &["--give-up"]);
    assert!(code == Some(1) && said.contains("no runbook is under way"), "{said}");
    call.end();
}

#[test]
fn a_command_needs_the_same_permission_as_one_that_is_typed() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let policy = "exec = \"never\"".to_owned();
    let mut scanner = Scanner::start_with(&relay, ScannerOptions { policy, ..ScannerOptions::default() });
    let counted = engineer.home().join("counted");
    let file = write(&engineer, "counting.toml", &counting(&counted));
    let call = engineer.call(&scanner);
    let (code, said) = run(&engineer, &[text(&file)]);
    assert_eq!(code, Some(224), "{said}");
    assert!(said.contains("policy.exec"), "as for one that is typed: {said}");
    let expected = ["1  one: failed (exit code 126)", "2  A question: not reached", "3  three: not reached"];
    assert_eq!(checklist(&said)[..3], expected);
    scanner.process.wait_for("The list of steps ended before its last step: Counting.");
    assert!(!counted.exists());
    call.end();
}

/// A key with this comment; the line of its public half.
fn key(engineer: &Engineer, name: &str) -> String {
    let path = engineer.home().join(name);
    let keygen = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status();
    assert!(keygen.expect("ssh-keygen").success());
    fs::read_to_string(path.with_extension("pub")).expect("a key").trim().to_owned()
}

/// Signs as the documentation says.
fn sign(engineer: &Engineer, key: &str, namespace: &str, file: &Path) {
    let _ = fs::remove_file(format!("{}.sig", file.display()));
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(engineer.home().join(key)).arg(file);
    assert!(keygen.status().expect("ssh-keygen").success());
}

#[test]
fn the_client_sees_whose_it_is_and_what_was_altered_is_refused() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let settings = format!("runbooks.authority = [\"{}\"]\n", key(&engineer, "maker"));
    key(&engineer, "other");
    let mut scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let plain = "name = \"look\"\ntitle = \"Look\"\n[[step]]\nid = \"a\"\ntitle = \"A\"\nrun = \"true\"\n";
    let file = write(&engineer, "look.toml", plain);
    let call = engineer.call(&scanner);
    sign(&engineer, "maker", "fieldlink-runbook@v1", &file);
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(0) && said.contains("(the maker's, signed by maker, SHA256:"), "{said}");
    scanner.process.wait_for("goes through a list of steps: Look (from the manufacturer).");
    scanner.process.wait_for("is finished");
    // By a key that the scanner does not know.
    sign(&engineer, "other", "fieldlink-runbook@v1", &file);
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(0) && said.contains("the client reads that it is your own"), "{said}");
    scanner.process.wait_for("goes through a list of steps: Look (the engineer's own).");
    // What does not fit is seen before the scanner is asked.
    sign(&engineer, "maker", "file", &file);
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(2) && said.contains("does not fit it"), "{said}");
    sign(&engineer, "maker", "fieldlink-runbook@v1", &file);
    fs::write(&file, plain.replace("true", "false")).expect("writable");
    let (code, said) = run(&engineer, &[text(&file)]);
    assert!(code == Some(2) && said.contains("does not fit it"), "{said}");
    call.end();
}

/// An engineer's program that was tampered with says what it likes, and the scanner judges it.
#[test]
fn a_forged_runbook_is_refused_by_the_scanner_itself() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let settings = format!("runbooks.authority = [\"{}\"]\n", key(&engineer, "maker"));
    let mut scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let file = write(&engineer, "ask.toml", &counting(&engineer.home().join("counted")));
    sign(&engineer, "maker", "fieldlink-runbook@v1", &file);
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &[text(&file)]);
    scanner.process.wait_for("Anybody there?");
    running.signal(Signal::SIGINT);
    running.wait_for_end();
    let kept = engineer.runtime().join(scanner.digits()).join("runbook.json");
    let genuine = fs::read_to_string(&kept).expect("it is kept");
    let stranger = write(&engineer, "stranger.toml", "x");
    sign(&engineer, "maker", "file", &stranger);
    let signature = |path: &Path| {
        let armour = fs::read_to_string(format!("{}.sig", path.display())).expect("a signature");
        serde_json::to_string(&armour).expect("text")
    };
    let other_namespace = genuine.replace(&signature(&file), &signature(&stranger));
    for (forged, why) in [
        (genuine.replace("echo three", "rm -rf"), "it is not as its maker signed it"),
        (other_namespace, "its signature was made for something else"),
        (genuine.replace("SSH SIGNATURE", "SSH SIGNATUR"), "could not read the runbook's signature"),
        (
            genuine.replace("\"kind\":\"exit\",\"code\":0,\"output\":true", "\"kind\":\"done\""),
            "the result is none",
        ),
        (genuine.replace("\"results\"", "\"result\""), "no runbook is under way"),
    ] {
        assert_ne!(forged, genuine, "{why}");
        fs::write(&kept, &forged).expect("writable");
        let (code, said) = run(&engineer, &["--resume"]);
        assert!(code == Some(1) && said.contains(why), "{why}: {code:?} {said}");
    }
    let warning = "a list of steps whose signature is not right. This device did not accept it.";
    (0..3).for_each(|_| drop(scanner.process.wait_for(warning)));
    fs::write(&kept, &genuine).expect("writable");
    let mut running = start(&engineer, &["--resume"]);
    scanner.process.wait_for("Anybody there?");
    scanner.process.type_line("yes");
    assert_eq!(running.wait_for_end().code(), Some(0), "the genuine one goes on");
    call.end();
}
