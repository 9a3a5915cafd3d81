//! Inviting a client: what calendars make of the file, by Python's icalendar.

use std::path::Path;
use std::process::{Command, Output};

use fieldlink_tests::Engineer;
use fieldlink_tests::programs::run_with_input;
use serde_json::{Value, json};

/// The one that apt installs packages for; another may come first on the path.
const PYTHON: &str = "/usr/bin/python3";

/// The calendar's method and its only event, as the library reads them.
const READ: &str = r#"
import icalendar, json, sys
calendar = icalendar.Calendar.from_ical(open(sys.argv[1], "rb").read())
(event,) = calendar.walk("VEVENT")
text = lambda name: str(event[name]) if name in event else None
print(json.dumps({
    "method": str(calendar["METHOD"]), "uid": text("UID"), "sequence": event["SEQUENCE"], "status": text("STATUS"),
    "start": event["DTSTART"].dt.isoformat(), "end": event["DTEND"].dt.isoformat(), "summary": text("SUMMARY"),
    "description": text("DESCRIPTION"), "organizer": text("ORGANIZER"), "attendee": text("ATTENDEE"),
    "alarms": [int(alarm["TRIGGER"].dt.total_seconds()) for alarm in event.walk("VALARM")],
    "errors": calendar.errors + event.errors,
}))
"#;

fn has_library() -> bool {
    let found = Command::new(PYTHON).args(["-c", "import icalendar"]).output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: python3-icalendar is not installed (tests/setup installs it)");
    }
    is_there
}

fn read(file: &Path) -> Value {
    let output = Command::new(PYTHON).args(["-c", READ]).arg(file).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn invite(engineer: &Engineer, arguments: &[&str]) -> Output {
    let mut command = engineer.connect();
    command.args(["invite", "--my-zone", "Europe/Berlin"]).args(arguments);
    run_with_input(&mut command, b"")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_calendar_takes_the_appointment_its_change_and_its_end() {
    if !has_library() {
        return;
    }
    let engineer = Engineer::new();
    let file = engineer.home().join("call.ics");
    let path = file.to_str().expect("a path");
    let new = ["--when", "2099-12-03 14:00", "--zone", "Asia/Tokyo", "--ticket", "T-7; a, b", "--ics", path];
    let addresses = ["--from", "ada@scans.example", "--to", "site@client.example"];
    let partner = ["--partner", "Müller & Söhne KG, München", "--minutes", "90", "--language", "de"];
    let invited = text(&invite(&engineer, &[&new[..], &addresses, &partner].concat()));
    let first = read(&file);
    let expected = json!({
        "method": "REQUEST", "sequence": 0, "status": "CONFIRMED", "alarms": [-1800], "errors": [],
        "start": "2099-12-03T05:00:00+00:00", "end": "2099-12-03T06:30:00+00:00",
        "organizer": "mailto:ada@scans.example", "attendee": "mailto:site@client.example",
        "summary": "Fernwartung Ihres Scanners, Vorgang T-7; a, b",
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&first[name], value, "{name}");
    }
    assert_eq!(first["description"], invited, "what is forwarded stands in the calendar, whole");
    for part in [
        "14:00 bis 15:30 Uhr (Asia/Tokyo",
        "06:00 bis 07:30 Uhr (Europe/Berlin",
        "Müller & Söhne KG, München",
    ] {
        assert!(invited.contains(part), "{part}: {invited}");
    }

    let again = invite(&engineer, &new);
    assert_eq!(again.status.code(), Some(2), "it is not overwritten: {again:?}");
    let changed = ["--update", path, "--when", "2099-12-04 09:30", "--zone", "Asia/Tokyo"];
    assert!(text(&invite(&engineer, &changed)).contains("Vorgang T-7; a, b"));
    let second = read(&file);
    assert_eq!((&second["uid"], &second["sequence"]), (&first["uid"], &json!(1)));
    assert_eq!(second["end"], "2099-12-04T02:00:00+00:00", "it is as long as before");

    let mut elsewhere = engineer.connect();
    elsewhere.args(["invite", "--update", path, "--phone", "+49 89 1234"]).env("TZ", "America/New_York");
    let reached = text(&run_with_input(&mut elsewhere, b""));
    assert!(reached.contains("+49 89 1234") && reached.contains("Europe/Berlin"), "{reached}");
    assert_eq!(read(&file)["start"], second["start"], "what is not given stays");
    assert!(text(&invite(&engineer, &["--cancel", path])).contains("Abgesagt"));
    let third = read(&file);
    for (name, value) in [("method", json!("CANCEL")), ("status", json!("CANCELLED")), ("sequence", json!(3))]
    {
        assert_eq!(third[name], value, "{name}");
    }
    for same in ["uid", "start", "organizer", "attendee"] {
        assert_eq!(third[same], second[same], "{same}");
    }
}

#[test]
fn without_a_file_there_is_the_text_alone_and_wrong_use_says_what_to_do() {
    let engineer = Engineer::new();
    let plain = text(&invite(&engineer, &["--when", "2099-12-03 14:00", "--zone", "Europe/Berlin"]));
    assert!(
        plain.contains("Remote support for your scanner") && !plain.contains("For the engineer"),
        "{plain}"
    );
    for (arguments, told) in [
        (&["--when", "2001-12-03 14:00", "--zone", "Europe/Berlin"][..], "is over"),
        (&["--when", "2099-12-03 14:00", "--zone", "Berlin"], "Europe/Berlin"),
        (&["--when", "noon", "--zone", "Europe/Berlin"], "YYYY-MM-DD HH:MM"),
        (&["--when", "2099-12-03 14:00", "--zone", "Europe/Berlin", "--to", "b@x.example"], "--from"),
        (&["--cancel", "no-such-file.ics"], "--ics"),
        (&["--cancel", "/dev/null"], "calendar"),
    ] {
        let output = invite(&engineer, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(told), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}
