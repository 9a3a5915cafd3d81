//! What is different between two healths of one device: before and after a session, say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::messages::health::{BatteryState, Health, ReadingState, SmartVerdict};

/// By how many degrees Celsius a temperature changes all the time.
const NOISE_CELSIUS: u32 = 5;
/// By how many bytes the free room of a disk does.
const NOISE_BYTES: u64 = 10_000_000;
/// By how many turns a minute a fan does.
const NOISE_RPM: u32 = 300;

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The operating system.
    Os,
    /// The kernel.
    Kernel,
    /// Free room of the disk that is mounted there.
    DiskFree(String),
    /// What that disk says of itself.
    DiskSmart(String),
    /// A temperature sensor.
    Temperature(String),
    /// A fan.
    Fan(String),
    /// How full a battery is.
    BatteryPercent(String),
    /// What happens to it.
    BatteryState(String),
    /// The network's verdict.
    Network,
    /// A unit that has failed.
    FailedUnit(String),
    /// Whether the clock follows a time server.
    ClockSynchronised,
    /// Updates that wait.
    Updates,
    /// Whether a restart is needed.
    RestartNeeded,
    /// A reading of a probe: the probe, and what it reads.
    Reading(String, String),
}

/// What there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Words, or a code.
    Text(String),
    /// Bytes.
    Bytes(u64),
    /// Degrees Celsius.
    Celsius(i32),
    /// Turns a minute.
    Rpm(u32),
    /// Percent.
    Percent(u8),
    /// So many.
    Count(u32),
    /// Yes or no.
    Is(bool),
    /// What a disk says of itself.
    Smart(SmartVerdict),
    /// What happens to a battery.
    Battery(BatteryState),
    /// A value of a probe, with its unit.
    Reading {
        /// The value.
        value: String,
        /// Its unit.
        unit: String,
        /// How that is.
        state: ReadingState,
    },
}

/// Something that is different. `None` is what was, or is, not there or not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What.
    pub subject: Subject,
    /// How it was.
    pub before: Option<Figure>,
    /// How it is.
    pub after: Option<Figure>,
}

/// What is different in `after`, in the order of subjects. What changes all the time is left out while it changes little.
pub fn changes(before: &Health, after: &Health) -> Vec<Change> {
    let (mut old, mut new) = (figures(before), figures(after));
    let subjects: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
    let change = |subject: Subject| {
        let (before, after) = (found(&mut old, &subject, before), found(&mut new, &subject, after));
        (!is_same(before.as_ref(), after.as_ref())).then_some(Change { subject, before, after })
    };
    subjects.into_iter().filter_map(change).collect()
}

/// What `health` says of it: a unit that is not among those that have failed has not.
fn found(figures: &mut BTreeMap<Subject, Figure>, subject: &Subject, health: &Health) -> Option<Figure> {
    let is_well = matches!(subject, Subject::FailedUnit(_)) && health.failed_units.is_some();
    figures.remove(subject).or(is_well.then_some(Figure::Is(false)))
}

fn is_same(before: Option<&Figure>, after: Option<&Figure>) -> bool {
    match (before, after) {
        (Some(Figure::Bytes(one)), Some(Figure::Bytes(other))) => one.abs_diff(*other) < NOISE_BYTES,
        (Some(Figure::Celsius(one)), Some(Figure::Celsius(other))) => one.abs_diff(*other) < NOISE_CELSIUS,
        // Whether it turns at all is no noise.
        (Some(Figure::Rpm(one)), Some(Figure::Rpm(other))) => {
            one.abs_diff(*other) < NOISE_RPM && (*one == 0) == (*other == 0)
        }
        _ => before == after,
    }
}

fn figures(health: &Health) -> BTreeMap<Subject, Figure> {
    let mut figures = BTreeMap::new();
    let mut add = |subject, figure: Option<Figure>| {
        if let Some(figure) = figure {
            figures.insert(subject, figure);
        }
    };
    add(Subject::Os, health.os.clone().map(Figure::Text));
    add(Subject::Kernel, health.kernel.clone().map(Figure::Text));
    add(Subject::Network, health.network.clone().map(Figure::Text));
    add(Subject::ClockSynchronised, health.clock.map(|clock| Figure::Is(clock.synchronised)));
    add(Subject::Updates, health.updates.and_then(|updates| updates.count).map(Figure::Count));
    add(Subject::RestartNeeded, health.updates.map(|updates| Figure::Is(updates.restart_needed)));
    for disk in &health.disks {
        add(Subject::DiskFree(disk.mount.clone()), Some(Figure::Bytes(disk.free_bytes)));
        add(Subject::DiskSmart(disk.mount.clone()), disk.smart.map(Figure::Smart));
    }
    for sensor in &health.temperatures {
        add(Subject::Temperature(sensor.label.clone()), Some(Figure::Celsius(sensor.celsius)));
    }
    for fan in &health.fans {
        add(Subject::Fan(fan.label.clone()), Some(Figure::Rpm(fan.rpm)));
    }
    for battery in &health.batteries {
        add(Subject::BatteryPercent(battery.label.clone()), Some(Figure::Percent(battery.percent)));
        add(Subject::BatteryState(battery.label.clone()), Some(Figure::Battery(battery.state)));
    }
    for unit in health.failed_units.iter().flatten() {
        add(Subject::FailedUnit(unit.clone()), Some(Figure::Is(true)));
    }
    for probe in &health.probes {
        for reading in &probe.readings {
            let subject = Subject::Reading(probe.name.clone(), reading.name.clone());
            let (value, unit) = (reading.value.clone(), reading.unit.clone());
            add(subject, Some(Figure::Reading { value, unit, state: reading.state }));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::messages::health::{Disk, Fan, Temperature};

    fn health(free_bytes: u64, celsius: i32, rpm: u32, failed: Vec<String>) -> Health {
        Health {
            disks: vec![Disk { mount: "/".into(), total_bytes: u64::MAX, free_bytes, smart: None }],
            temperatures: vec![Temperature { label: "CPU".into(), celsius, limit_celsius: None }],
            fans: vec![Fan { label: "fan1".into(), rpm }],
            failed_units: Some(failed),
            ..Health::default()
        }
    }

    #[test]
    fn what_matters_is_told_and_noise_is_not() {
        let before = health(100_000_000, 50, 1200, vec!["lidar.service".into()]);
        assert_eq!(changes(&before, &health(101_000_000, 54, 1100, vec!["lidar.service".into()])), []);
        let told = changes(&before, &health(500_000_000, 50, 0, Vec::new()));
        let told: Vec<_> = told.into_iter().map(|change| (change.subject, change.after)).collect();
        assert_eq!(
            told,
            [
                (Subject::DiskFree("/".into()), Some(Figure::Bytes(500_000_000))),
                (Subject::Fan("fan1".into()), Some(Figure::Rpm(0))),
                (Subject::FailedUnit("lidar.service".into()), Some(Figure::Is(false))),
            ]
        );
    }

    prop_compose! {
        fn any_health()(
            free in any::<u64>(),
            celsius in any::<i32>(),
            rpm in any::<u32>(),
            failed in prop::collection::vec("[a-c]", 0..3),
        ) -> Health {
            health(free, celsius, rpm, failed)
        }
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(health in any_health()) {
            prop_assert_eq!(changes(&health, &health), []);
        }

        #[test]
        fn the_other_way_round_is_the_other_way_round(before in any_health(), after in any_health()) {
            let turned = changes(&after, &before).into_iter().map(|change| {
                Change { subject: change.subject, before: change.after, after: change.before }
            });
            prop_assert_eq!(changes(&before, &after), turned.collect::<Vec<_>>());
        }
    }
}
