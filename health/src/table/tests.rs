//! What people read, in both languages, and that it fits.

use fieldlink_protocol::messages::health::{
    Battery, BatteryState, Clock, Cpu, Disk, Fan, Memory, Probe, ProbeFault, Reading, ReadingState,
    SmartVerdict, Source, Temperature, Updates,
};

use super::*;
use fieldlink_words::Language;

fn reading(name: &str, value: &str, unit: &str, state: ReadingState) -> Reading {
    let text = match state {
        ReadingState::Bad => [("en", "The lidar does not answer."), ("de", "Das Lidar antwortet nicht.")]
            .map(|(language, text)| (language.to_owned(), text.to_owned()))
            .into(),
        _ => Default::default(),
    };
    Reading { name: name.into(), value: value.into(), unit: unit.into(), state, text }
}

/// A scanner with a nearly full disk, a weak battery and a dead lidar.
fn scanner() -> Health {
    let disk = |mount: &str, free_bytes, smart| Disk {
        mount: mount.into(),
        total_bytes: 64_000_000_000,
        free_bytes,
        smart,
    };
    let temperature =
        |label: &str, celsius, limit_celsius| Temperature { label: label.into(), celsius, limit_celsius };
    let (state, label) = (BatteryState::Discharging, "BAT0".to_owned());
    Health {
        model: Some("Scans Ltd Cart 3".into()),
        serial: Some("SN-0042".into()),
        os: Some("Ubuntu 22.04.5 LTS".into()),
        kernel: Some("6.8.0-45-generic".into()),
        uptime_seconds: Some(3 * 86_400 + 2 * 3_600 + 5),
        cpu: Some(Cpu { count: 8, load_hundredths: 150 }),
        memory: Some(Memory { total_bytes: 16_000_000_000, used_bytes: 3_100_000_000 }),
        disks: vec![
            disk("/", 3_000_000_000, Some(SmartVerdict::Good)),
            disk("/srv/scans", 40_000_000_000, None),
        ],
        temperatures: vec![
            temperature("coretemp Package id 0", 61, Some(100)),
            temperature("acpitz", 40, None),
        ],
        fans: vec![Fan { label: "nct6775 fan1".into(), rpm: 1200 }],
        batteries: vec![Battery { label, percent: 17, state, health_percent: Some(55), cycles: Some(812) }],
        network: Some("N0".into()),
        failed_units: Some(vec!["lidar-driver.service".into()]),
        clock: Some(Clock { synchronised: true, offset_milliseconds: Some(-12) }),
        updates: Some(Updates { count: Some(12), restart_needed: true }),
        probes: vec![
            Probe {
                name: "lidars".into(),
                readings: vec![
                    reading("front", "1200", "rpm", ReadingState::Ok),
                    reading("rear", "none", "", ReadingState::Bad),
                ],
                fault: None,
            },
            Probe { name: "leds".into(), readings: Vec::new(), fault: Some(ProbeFault::Slow) },
        ],
        missing: [Source::Fans, Source::Disks].into(),
    }
}

fn text(language: Language, health: &Health) -> String {
    to_text(&Words::new(language), health, false)
}

#[test]
fn people_read_a_table_in_english() {
    let wanted = include_str!("scanner.en.txt");
    let shown = text(Language::English, &scanner());
    assert_eq!(shown, wanted, "\n{shown}");
}

#[test]
fn people_read_a_table_in_german() {
    let wanted = include_str!("scanner.de.txt");
    let shown = text(Language::German, &scanner());
    assert_eq!(shown, wanted, "\n{shown}");
}

#[test]
fn a_device_that_knows_nothing_says_so() {
    let health = Health { missing: Source::ALL.into(), ..Health::default() };
    for language in Language::ALL {
        let shown = text(language, &health);
        assert!(shown.lines().all(|line| line.chars().count() <= COLUMNS), "{shown}");
        assert!(shown.lines().count() < 8 && !shown.contains("health-"), "{shown}");
    }
}

/// What a device may say at its longest.
fn widest() -> Health {
    let long = "w".repeat(300);
    let mut health = scanner();
    health.disks.iter_mut().for_each(|disk| (disk.mount, disk.free_bytes) = (long.clone(), 1));
    health.temperatures.iter_mut().for_each(|one| (one.label, one.celsius) = (long.clone(), i32::MIN));
    health.temperatures.push(Temperature {
        label: long.clone(),
        celsius: i32::MAX,
        limit_celsius: Some(i32::MAX),
    });
    health.fans.iter_mut().for_each(|fan| (fan.label, fan.rpm) = (long.clone(), u32::MAX));
    health.batteries.iter_mut().for_each(|one| one.label = long.clone());
    health.failed_units = Some(vec![long.clone(); 3]);
    health.model = Some(long.clone());
    for probe in &mut health.probes {
        probe.readings.push(reading(&long, &long, &long, ReadingState::Bad));
    }
    health.fitted()
}

#[test]
fn every_line_fits_into_eighty_columns() {
    for language in Language::ALL {
        for health in [scanner(), widest()] {
            for line in text(language, &health).lines() {
                assert!(line.chars().count() <= COLUMNS, "{language:?}: {line}");
            }
        }
    }
}

#[test]
fn colours_are_for_warnings_alone() {
    let shown = to_text(&Words::new(Language::English), &scanner(), true);
    let coloured: Vec<_> = shown.lines().filter(|line| line.contains('\u{1b}')).collect();
    assert!(!coloured.is_empty() && coloured.iter().all(|line| line.contains("m! ")), "{shown}");
    assert!(coloured[0].starts_with("\u{1b}[31m") && coloured[1].starts_with("\u{1b}[33m"));
}

#[test]
fn programs_get_codes_and_sentences() {
    let json: Value =
        serde_json::from_str(&to_json(&Words::new(Language::English), &scanner())).expect("JSON");
    assert_eq!(json["health"]["disks"][0]["free_bytes"], 3_000_000_000_u64);
    let first = &json["concerns"][0];
    assert_eq!((&first["concern"], &first["severity"]), (&json!("reading"), &json!("bad")));
    assert_eq!(first["sentence"], "lidars: rear none. The lidar does not answer.");
}
