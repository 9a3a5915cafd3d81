//! The person beside the scanner reads and types their own language.

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::Running;
use fieldlink_tests::{Engineer, Relay, Scanner, ScannerOptions, Service};

/// An agent whose user has a German locale.
fn german(relay: &Relay) -> Scanner {
    let environment = vec![("LC_ALL", "de_DE.UTF-8".into())];
    let options = ScannerOptions { asks: true, environment, ..ScannerOptions::default() };
    let mut scanner = Scanner::launch_at(&relay.url(), relay.authority(), options);
    let shown = |line: String, label: &str| line.trim().trim_start_matches(label).trim().to_owned();
    scanner.support_id = shown(scanner.process.wait_for("Support-ID"), "Support-ID");
    scanner.pin = shown(scanner.process.wait_for("PIN"), "PIN");
    scanner.process.wait_for("bereit, wartet auf den Techniker");
    scanner
}

#[test]
fn a_call_in_german() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (german(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut wrong = engineer.start_connecting(&scanner.support_id, &scanner.wrong_pin());
    assert_eq!(wrong.wait_for_end().code(), Some(214));
    scanner.process.wait_for("Eine falsche PIN wurde versucht, von Ada");
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.process.wait_for("einlassen?");
    scanner.process.type_line("vielleicht");
    scanner.process.wait_for("Nur die Wörter ja und nein zählen");
    scanner.process.type_line("Ja");
    wait_until_active(&mut holder);
    scanner.process.wait_for("ist verbunden, höchstens noch 60 Minuten");
    scanner.process.type_line("ende");
    scanner.process.wait_for("Der Fernzugriff ist beendet: Sie haben beendet (Code client-ended).");
    // The engineer's side speaks English, whatever the client's language is.
    holder.wait_for("the client ended it");
}

#[test]
fn a_device_that_is_set_to_german_says_so_to_everybody_who_asks() {
    let relay = Relay::start();
    let service = Service::start(&relay, "language = \"de\"");
    let text = |arguments: &[&str]| {
        let output = service.client(arguments);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let status = text(&["status"]);
    assert!(status.starts_with("Fernzugriff     aus\n"), "{status}");
    assert!(text(&["allow"]).contains("es wird gerade nichts gefragt"));
    let json =
        |arguments: &[&str]| -> serde_json::Value { serde_json::from_str(&text(arguments)).expect("JSON") };
    let status = json(&["status", "--json"]);
    assert_eq!(status["state"], "off");
    assert!(status["network"]["sentence"].is_string() && status["network"]["code"].is_string(), "{status}");
    let checked = json(&["network", "--json"]);
    assert_eq!(checked["code"], "N0");
    assert!(checked["sentence"].as_str().is_some_and(|said| said.contains("gut genug")), "{checked}");
}

#[test]
fn ready_questions_and_steps_are_answered_by_name() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (german(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.process.wait_for("einlassen?");
    scanner.process.type_line("ja");
    wait_until_active(&mut holder);
    let start = |words: &[&str]| Running::start("fieldlink-connect", engineer.connect().args(words));
    let output = |running: Running| {
        let mut running = running;
        assert!(running.wait_for_end().success(), "{}", running.transcript());
        running.transcript()
    };
    let listed = output(start(&["ask", "--list"]));
    for ready in ["light-at-start: ", "sounds: ", "battery-swap: ", "(a step)", "off, green, blue, yellow"] {
        assert!(listed.contains(ready), "{listed}");
    }
    let asking = start(&["ask", "--ready", "light-at-start"]);
    scanner.process.wait_for("Was zeigt das Licht am Scanner gleich nach dem Einschalten?");
    scanner.process.wait_for("2  grün");
    scanner.process.type_line("rosa");
    scanner.process.wait_for("keine der Antworten");
    scanner.process.type_line("Grün");
    assert!(output(asking).lines().any(|line| line.trim() == "green"));
    let step = start(&["step", "Open", "the", "lid"]);
    scanner.process.wait_for("Der Techniker bittet Sie, das zu tun: Open the lid");
    scanner.process.type_line("fertig");
    assert!(output(step).lines().any(|line| line.trim() == "done"));
    let mut refused = start(&["step", "--ready", "battery-swap"]);
    scanner.process.wait_for("Bitte wechseln Sie den Akku");
    scanner.process.type_line("nein");
    assert_eq!(refused.wait_for_end().code(), Some(215));
    let said = output(start(&["chat"]));
    let kept = "to “What does the light on the scanner show just after it is switched on?” (de): green";
    assert!(said.contains(kept) && said.contains("to “Open the lid”: done"), "{said}");
    for wrong in [
        &["ask"][..],
        &["ask", "--ready", "nothing"],
        &["ask", "--list", "x"],
        &["step"],
        &["step", "--ready", "sounds"],
    ] {
        assert_eq!(start(wrong).wait_for_end().code(), Some(2), "{wrong:?}");
    }
}
