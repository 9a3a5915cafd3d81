use chrono::{DateTime, Utc};
use fieldlink_protocol::{limits, text};
use fieldlink_words::Language;
use proptest::prelude::*;

use super::letter::messages_of;
use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-30T06:00:00Z".parse().expect("a time")
}

fn appointment(language: Language) -> Appointment {
    Appointment {
        slot: Slot::parse("2026-12-03 14:00", "Asia/Tokyo", 90, now()).expect("a slot"),
        own_zone: chrono_tz::Europe::Berlin,
        language,
        ticket: Some("T-7; a, b\\n".into()),
        partner: Some("Müller & Söhne KG".into()),
        phone: Some("+49 89 1234".into()),
        is_cancelled: false,
    }
}

#[test]
fn every_language_has_the_same_messages() {
    let of =
        |language| fieldlink_words::arguments_by_message(messages_of(language)).expect("every line is one");
    for language in Language::ALL {
        assert_eq!(of(language), of(Language::English), "{language:?}");
    }
}

#[test]
fn the_letter_says_when_by_both_clocks_and_what_to_prepare() {
    let text = Letter::new(Language::English).text(&appointment(Language::English));
    for part in [
        "When: Thursday, 3 December 2026, 14:00 to 15:30 (Asia/Tokyo, UTC+9)",
        "For the engineer: Thursday, 3 December 2026, 06:00 to 07:30 (Europe/Berlin, UTC+1)",
        "90 minutes",
        "Arranged by: Müller & Söhne KG",
        "N0",
        "Remote Support",
        "batteries",
        "+49 89 1234",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let at_home = Appointment { own_zone: chrono_tz::Asia::Tokyo, ..appointment(Language::German) };
    let german = Letter::new(Language::German).text(&at_home);
    assert!(german.contains("Wann: Donnerstag, 3. Dezember 2026, 14:00 bis 15:30 Uhr"), "{german}");
    assert!(!german.contains("Beim Techniker"), "there is one clock");
    let cancelled = Appointment { is_cancelled: true, ..appointment(Language::German) };
    let text = Letter::new(Language::German).text(&cancelled);
    assert!(text.starts_with("Abgesagt") && text.contains("findet nicht statt"), "{text}");
    for text in [text, german] {
        assert!(!text.contains(['{', '}']) && !text.contains("prepare-"), "{text}");
    }
}

#[test]
fn an_entry_is_read_back_as_its_next_version() {
    let addresses = Addresses { from: Some("ada@scans.example".into()), to: vec!["site@x.example".into()] };
    let first = Entry::new(addresses).write(&appointment(Language::German), now());
    let (entry, read) = Entry::read(&first).expect("ours");
    assert_eq!(read, appointment(Language::German));
    let second = entry.write(&read, now());
    let line = |file: &str, name: &str| {
        file.lines().find(|line| line.starts_with(name)).unwrap_or_default().trim_end().to_owned()
    };
    for same in ["UID:", "DTSTART", "ORGANIZER", "ATTENDEE"] {
        assert!(!line(&first, same).is_empty());
        assert_eq!(line(&first, same), line(&second, same));
    }
    assert_eq!(
        (line(&first, "SEQUENCE"), line(&second, "SEQUENCE")),
        ("SEQUENCE:0".into(), "SEQUENCE:1".into())
    );
    assert!(first.lines().all(|line| line.trim_end().len() <= 75), "{first}");
}

#[test]
fn another_programs_file_is_none_of_ours() {
    for file in [
        "",
        "x",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261203T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ] {
        let error = Entry::read(file).expect_err("refused");
        assert!(!error.is_empty() && !error.contains("VEVENT"), "{error}");
    }
}

/// Signs that the format has a use for, and others.
const NAME: &str = r#"[A-Za-z0-9äß漢€:;,\\"=&'./-]{1,30}( [A-Za-z0-9äß漢€:;,\\"=&'./-]{1,30})?"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever names are given, they come back, and no line of theirs becomes one of the file's.
    #[test]
    fn what_is_given_comes_back(ticket in NAME, partner in NAME) {
        let (ticket, partner) = (Some(ticket.trim().to_owned()), Some(partner.trim().to_owned()));
        let is_fit = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| text::check("it", text, limits::REFERENCE).is_ok())
        };
        prop_assume!(is_fit(&ticket) && is_fit(&partner));
        let given = Appointment { ticket, partner, ..appointment(Language::English) };
        let file = Entry::new(Addresses::default()).write(&given, now());
        let (_, read) = Entry::read(&file).expect("ours");
        prop_assert_eq!(read, given);
        prop_assert_eq!(file.matches("BEGIN:VEVENT").count(), 1);
    }

    #[test]
    fn no_file_stops_the_program(file in "(BEGIN:V(CALENDAR|EVENT)\r\n|[A-Z-]{0,9}[:;]?[^\r]{0,30}\r\n|END:V(CALENDAR|EVENT)\r\n){0,12}") {
        let _ = Entry::read(&file);
    }
}
