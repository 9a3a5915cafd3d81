//! That whatever a device says fits once it is fitted, and is harmless.

use proptest::prelude::*;

use super::*;
use crate::messages::decode;

prop_compose! {
    fn any_reading()(
        name in any::<String>(),
        value in ".{0,200}",
        unit in any::<String>(),
        state in prop::sample::select(ReadingState::ALL.to_vec()),
        text in prop::collection::btree_map(".{0,10}|[a-z]{2}", ".{0,400}|\"{0,400}", 0..10),
    ) -> Reading {
        Reading { name, value, unit, state, text }
    }
}

prop_compose! {
    fn any_health()(
        label in ".{0,300}",
        count in 0_usize..40,
        readings in prop::collection::vec(any_reading(), 0..40),
        probes in 0_usize..20,
    ) -> Health {
        let disk = Disk { mount: label.clone(), total_bytes: 2, free_bytes: 1, smart: Some(SmartVerdict::Good) };
        let sensor = Temperature { label: label.clone(), celsius: -3, limit_celsius: Some(90) };
        let (state, health_percent, cycles) = (BatteryState::Idle, Some(99), Some(7));
        Health {
            model: Some(label.clone()),
            disks: vec![disk; count],
            temperatures: vec![sensor; count],
            fans: vec![Fan { label: label.clone(), rpm: 900 }; count],
            batteries: vec![Battery { label: label.clone(), percent: 3, state, health_percent, cycles }; count],
            failed_units: Some(vec![label; count]),
            probes: vec![Probe { name: "lidars".into(), readings, fault: None }; probes],
            missing: Source::ALL.into(),
            ..Health::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_fitted_is_taken_and_harmless(health in any_health()) {
        let fitted = health.fitted();
        let read: Health = decode(encode(&fitted).as_bytes()).expect("it fits");
        prop_assert!(encode(&read).chars().all(crate::text::is_harmless));
        prop_assert_eq!(&read, &fitted);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refused = |health: Health| health.check().expect_err("too much");
    let long = "x".repeat(limits::HEALTH_LABEL + 1);
    assert_eq!(
        refused(Health { model: Some(long.clone()), ..Health::default() }),
        "health: a text is too long"
    );
    let units = Some(vec![String::new(); limits::HEALTH_ENTRIES + 1]);
    assert_eq!(refused(Health { failed_units: units, ..Health::default() }), "health: failed units");
    let probe = Probe { name: "Lidars".into(), readings: Vec::new(), fault: None };
    assert_eq!(refused(Health { probes: vec![probe], ..Health::default() }), "probe: name");
    assert!(decode::<Health>(br#"{"secret":1}"#).is_err(), "only what is known");
    assert_eq!(decode::<Health>(b"{}").expect("nothing is known").missing.len(), 0);
}

#[test]
fn a_reading_has_a_sentence_for_everybody() {
    let text = |texts: &[(&str, &str)]| {
        let text =
            texts.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned())).collect();
        let (name, value, unit) = ("led".to_owned(), "off".to_owned(), String::new());
        Reading { name, value, unit, state: ReadingState::Bad, text }
    };
    let both = text(&[("en", "It is dark."), ("de", "Sie ist aus.")]);
    assert_eq!((both.sentence("de"), both.sentence("fr")), (Some("Sie ist aus."), Some("It is dark.")));
    assert_eq!(text(&[("fr", "Elle est éteinte.")]).sentence("de"), Some("Elle est éteinte."));
    assert_eq!(text(&[]).sentence("en"), None);
    assert!(
        is_probe_name("lidars-2") && !is_probe_name("../x") && !is_probe_name("2x") && !is_probe_name("")
    );
}
