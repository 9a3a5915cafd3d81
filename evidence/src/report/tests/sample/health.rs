//! A device before and after a session.

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::messages::health::{
    Battery, BatteryState, Clock, Disk, Fan, Health, Probe, Reading, ReadingState, SmartVerdict, Temperature,
    Updates,
};

use super::Writer;
use crate::{Event, HealthMoment};

fn read(writer: &Writer<'_>, is_mended: bool) -> Health {
    let reading = |value: &str, state| Reading {
        name: writer.say("rear"),
        value: writer.say(value),
        unit: "rpm".into(),
        state,
        text: [("en".to_owned(), writer.say("The lidar at the back."))].into(),
    };
    let (value, state) = if is_mended { ("1200", ReadingState::Ok) } else { ("0", ReadingState::Bad) };
    Health {
        os: Some(writer.say("Ubuntu 22.04.5 LTS")),
        kernel: Some(writer.say(if is_mended { "6.8.0-51-generic" } else { "6.8.0-45-generic" })),
        disks: vec![Disk {
            mount: writer.say("/srv/scans"),
            total_bytes: 64_000_000_000,
            free_bytes: if is_mended { 30_000_000_000 } else { 900_000_000 },
            smart: Some(SmartVerdict::Good),
        }],
        temperatures: vec![Temperature {
            label: writer.say("CPU"),
            celsius: if is_mended { 54 } else { 93 },
            limit_celsius: Some(100),
        }],
        fans: vec![Fan { label: writer.say("fan1"), rpm: if is_mended { 2400 } else { 0 } }],
        batteries: vec![Battery {
            label: writer.say("BAT0"),
            percent: if is_mended { 64 } else { 71 },
            state: if is_mended { BatteryState::Discharging } else { BatteryState::Charging },
            health_percent: Some(88),
            cycles: None,
        }],
        network: Some("N0".into()),
        failed_units: Some(if is_mended { Vec::new() } else { vec![writer.say("lidar.service")] }),
        clock: Some(Clock { synchronised: true, offset_milliseconds: None }),
        updates: Some(Updates { count: Some(if is_mended { 0 } else { 12 }), restart_needed: is_mended }),
        probes: vec![Probe { name: "lidars".into(), readings: vec![reading(value, state)], fault: None }],
        ..Health::default()
    }
}

pub(super) fn start(writer: &mut Writer<'_>) {
    let health = Box::new(read(writer, false));
    writer.after(1, Event::HealthRead { moment: HealthMoment::Start, health });
    let label = writer.say("CPU");
    writer.after(0, Event::HealthWarned(Concern::Hot { label, celsius: 93, limit_celsius: Some(100) }));
}

pub(super) fn end(writer: &mut Writer<'_>) {
    let health = Box::new(read(writer, true));
    writer.after(1, Event::HealthRead { moment: HealthMoment::End, health });
}
