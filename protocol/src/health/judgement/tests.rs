//! That thresholds are where they are said to be, and that worse is never better.

use proptest::prelude::*;

use super::*;
use crate::messages::health::{Clock, Memory, Reading, Updates};

fn disk(total_bytes: u64, free_bytes: u64) -> Health {
    let disk = Disk { mount: "/".into(), total_bytes, free_bytes, smart: None };
    Health { disks: vec![disk], ..Health::default() }
}

fn battery(percent: u8, state: BatteryState, health_percent: Option<u8>) -> Health {
    let battery = Battery { label: "BAT0".into(), percent, state, health_percent, cycles: None };
    Health { batteries: vec![battery], ..Health::default() }
}

fn sensor(celsius: i32, limit_celsius: Option<i32>) -> Health {
    let sensor = Temperature { label: "Core 0".into(), celsius, limit_celsius };
    Health { temperatures: vec![sensor], ..Health::default() }
}

fn severities(health: &Health) -> Vec<Severity> {
    concerns(health).into_iter().map(|(severity, _)| severity).collect()
}

#[test]
fn what_is_well_or_unknown_warns_of_nothing() {
    assert_eq!(concerns(&Health::default()), []);
    let well = Health {
        memory: Some(Memory { total_bytes: 100, used_bytes: 50 }),
        failed_units: Some(Vec::new()),
        clock: Some(Clock { synchronised: true, offset_milliseconds: Some(-12) }),
        updates: Some(Updates { count: Some(7), restart_needed: false }),
        ..disk(100, 50)
    };
    assert_eq!(concerns(&well), []);
    assert_eq!(severities(&disk(0, 0)), [], "a size that nobody knows");
    assert_eq!(severities(&disk(10_000_000_000_000, DISK_ROOM_BYTES)), [], "room enough");
}

#[test]
fn thresholds_are_where_they_are_said_to_be() {
    use BatteryState::{Charging, Discharging};
    use Severity::{Bad, Warning};
    assert_eq!(severities(&disk(100, 11)), []);
    assert_eq!((severities(&disk(100, 10)), severities(&disk(100, 3))), (vec![Warning], vec![Bad]));
    assert_eq!(severities(&sensor(89, Some(100))), []);
    let hot = [90, 100].map(|celsius| severities(&sensor(celsius, Some(100))));
    assert_eq!(hot, [vec![Warning], vec![Bad]]);
    assert_eq!((severities(&sensor(89, None)), severities(&sensor(90, Some(0)))), (vec![], vec![Warning]));
    let low = [21, 20, 10].map(|percent| severities(&battery(percent, Discharging, None)));
    assert_eq!(low, [vec![], vec![Warning], vec![Bad]]);
    assert_eq!(severities(&battery(5, Charging, Some(60))), []);
    assert_eq!(severities(&battery(90, Charging, Some(59))), [Warning]);
}

#[test]
fn the_worst_comes_first() {
    let reading = |state| Reading {
        name: "lidar".into(),
        value: "0".into(),
        unit: "rpm".into(),
        state,
        text: Default::default(),
    };
    let readings = ReadingState::ALL.map(reading).to_vec();
    let probe = Probe { name: "lidars".into(), readings, fault: Some(ProbeFault::Slow) };
    let updates = Some(Updates { count: None, restart_needed: true });
    let clock = Some(Clock { synchronised: false, offset_milliseconds: None });
    let health = Health { probes: vec![probe], updates, clock, ..disk(100, 5) };
    let found = concerns(&health);
    assert!(matches!(
        found[0],
        (Severity::Bad, Concern::Reading { reading: Reading { state: ReadingState::Bad, .. }, .. })
    ));
    assert!(matches!(found[1].1, Concern::DiskFull { percent: 95, free_bytes: 5, .. }));
    let rest: Vec<_> = found[2..].iter().map(|(_, concern)| concern).collect();
    assert_eq!(rest[..2], [&Concern::ClockNotSynchronised {}, &Concern::RestartNeeded {}]);
    assert!(matches!(rest[3], Concern::ProbeFault { fault: ProbeFault::Slow, .. }));
}

proptest! {
    #[test]
    fn a_fuller_disk_is_never_better(total in 1_u64.., free in any::<u64>(), less in any::<u64>()) {
        let free = free % total;
        let less = less % (free + 1);
        let rank = |health: &Health| severities(health).first().map_or(2, |severity| *severity as u8);
        prop_assert!(rank(&disk(total, less)) <= rank(&disk(total, free)));
    }

    #[test]
    fn a_hotter_part_is_never_better(celsius in any::<i32>(), more in any::<i32>(), limit in any::<Option<i32>>()) {
        let rank = |health: &Health| severities(health).first().map_or(2, |severity| *severity as u8);
        let (cooler, hotter) = (celsius.min(more), celsius.max(more));
        prop_assert!(rank(&sensor(hotter, limit)) <= rank(&sensor(cooler, limit)));
    }

    #[test]
    fn no_numbers_are_too_much(total in any::<u64>(), free in any::<u64>(), percent in any::<u8>(), offset in any::<i64>()) {
        let clock = Some(Clock { synchronised: true, offset_milliseconds: Some(offset) });
        let memory = Some(Memory { total_bytes: free, used_bytes: total });
        let batteries = battery(percent, BatteryState::Discharging, Some(percent)).batteries;
        let health = Health { clock, memory, batteries, ..disk(total, free) };
        let found = concerns(&health);
        prop_assert!(found.is_sorted_by_key(|(severity, _)| *severity));
    }
}
