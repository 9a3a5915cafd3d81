//! What of a device's health is worth a warning. The thresholds stand here and nowhere else.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::messages::health::{
    Battery, BatteryState, Disk, Health, Probe, ProbeFault, Reading, ReadingState, SmartVerdict, Temperature,
    is_probe_name,
};
use crate::messages::{Bounded, all};

/// From how many percent on a disk is nearly full.
const DISK_WARNING_PERCENT: u8 = 90;
/// From how many percent on there is no room to work.
const DISK_BAD_PERCENT: u8 = 97;
/// On a large disk a tenth is room enough: one with so many bytes free is not full.
const DISK_ROOM_BYTES: u64 = 50_000_000_000;
/// How near to its sensor's limit a temperature may come, in degrees Celsius.
const HEAT_MARGIN_CELSIUS: i32 = 10;
/// What is hot where a sensor knows no limit, in degrees Celsius: processors begin to slow down there.
const HEAT_CELSIUS: i32 = 90;
/// From how many percent on memory is nearly full.
const MEMORY_WARNING_PERCENT: u8 = 95;
/// Up to how many percent a battery that the device runs on is low.
const BATTERY_WARNING_PERCENT: u8 = 20;
/// Up to how many it is about to go out.
const BATTERY_BAD_PERCENT: u8 = 10;
/// Below how many percent of what it held when new a battery is worn.
const BATTERY_WORN_PERCENT: u8 = 60;
/// By how many milliseconds the clock may be wrong.
const CLOCK_MILLISECONDS: u64 = 5_000;

/// How much a [`Concern`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be mended.
    Bad,
    /// To be looked at.
    Warning,
}

/// Something that is worth a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "concern", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Concern {
    /// A disk is nearly full.
    DiskFull {
        /// Where it is mounted.
        mount: String,
        /// How full it is.
        percent: u8,
        /// What is left, in bytes.
        free_bytes: u64,
    },
    /// A disk says that it fails.
    DiskFailing {
        /// Where it is mounted.
        mount: String,
    },
    /// A temperature is near its limit.
    Hot {
        /// The sensor.
        label: String,
        /// Degrees Celsius.
        celsius: i32,
        /// Its own limit, if it has one.
        limit_celsius: Option<i32>,
    },
    /// Memory is nearly full.
    MemoryFull {
        /// How full it is.
        percent: u8,
    },
    /// The device runs on a battery that is low.
    BatteryLow {
        /// Which.
        label: String,
        /// How full it is.
        percent: u8,
    },
    /// A battery holds much less than when it was new.
    BatteryWorn {
        /// Which.
        label: String,
        /// How much of it, in percent.
        health_percent: u8,
    },
    /// Units have failed.
    UnitFailed {
        /// Which one.
        unit: String,
    },
    /// The clock follows no time server.
    ClockNotSynchronised {},
    /// The clock is wrong.
    ClockOff {
        /// By how many milliseconds the time server is ahead.
        offset_milliseconds: i64,
    },
    /// A restart is needed for updates that are installed.
    RestartNeeded {},
    /// A probe has found something.
    Reading {
        /// The probe.
        probe: String,
        /// What.
        reading: Reading,
    },
    /// A probe did not do what it should.
    ProbeFault {
        /// The probe.
        probe: String,
        /// What is wrong with it.
        fault: ProbeFault,
    },
}

impl Concern {
    /// Whether both sides of a session are warned of it while they work: room, heat, batteries, and what the maker's probes
    /// find. That a battery gets low they are told anyway.
    pub fn interrupts(&self) -> bool {
        match self {
            Self::DiskFull { .. }
            | Self::DiskFailing { .. }
            | Self::Hot { .. }
            | Self::BatteryWorn { .. }
            | Self::Reading { .. } => true,
            Self::MemoryFull { .. }
            | Self::BatteryLow { .. }
            | Self::UnitFailed { .. }
            | Self::ClockNotSynchronised {}
            | Self::ClockOff { .. }
            | Self::RestartNeeded {}
            | Self::ProbeFault { .. } => false,
        }
    }

    /// Whether `other` is about the same part, whatever it has come to there.
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::DiskFull { mount: one, .. }, Self::DiskFull { mount: other, .. })
            | (Self::DiskFailing { mount: one }, Self::DiskFailing { mount: other })
            | (Self::Hot { label: one, .. }, Self::Hot { label: other, .. })
            | (Self::BatteryLow { label: one, .. }, Self::BatteryLow { label: other, .. })
            | (Self::BatteryWorn { label: one, .. }, Self::BatteryWorn { label: other, .. })
            | (Self::UnitFailed { unit: one }, Self::UnitFailed { unit: other })
            | (Self::ProbeFault { probe: one, .. }, Self::ProbeFault { probe: other, .. }) => one == other,
            (Self::Reading { probe: one, reading }, Self::Reading { probe: other, reading: same }) => {
                (one, &reading.name) == (other, &same.name)
            }
            (Self::MemoryFull { .. }, Self::MemoryFull { .. })
            | (Self::ClockNotSynchronised {}, Self::ClockNotSynchronised {})
            | (Self::ClockOff { .. }, Self::ClockOff { .. })
            | (Self::RestartNeeded {}, Self::RestartNeeded {}) => true,
            _ => false,
        }
    }
}

impl Bounded for Concern {
    fn check(&self) -> Result<(), &'static str> {
        let fits =
            |label: &String| all(&[(label.len() <= limits::HEALTH_LABEL, "concern: a name is too long")]);
        let is_probe = |name: &String| all(&[(is_probe_name(name), "concern: probe")]);
        match self {
            Self::DiskFull { mount: label, .. }
            | Self::DiskFailing { mount: label }
            | Self::Hot { label, .. }
            | Self::BatteryLow { label, .. }
            | Self::BatteryWorn { label, .. }
            | Self::UnitFailed { unit: label } => fits(label),
            Self::Reading { probe, reading } => {
                is_probe(probe)?;
                reading.check()
            }
            Self::ProbeFault { probe, .. } => is_probe(probe),
            Self::MemoryFull { .. }
            | Self::ClockNotSynchronised {}
            | Self::ClockOff { .. }
            | Self::RestartNeeded {} => Ok(()),
        }
    }
}

/// What is worth a warning, the worst first.
pub fn concerns(health: &Health) -> Vec<(Severity, Concern)> {
    let mut found = Vec::new();
    found.extend(health.disks.iter().filter_map(failing));
    found.extend(health.disks.iter().filter_map(full));
    found.extend(health.temperatures.iter().filter_map(hot));
    found.extend(health.memory.and_then(|memory| {
        let percent = percent_of(memory.used_bytes, memory.total_bytes);
        (percent >= MEMORY_WARNING_PERCENT).then_some((Severity::Warning, Concern::MemoryFull { percent }))
    }));
    found.extend(health.batteries.iter().flat_map(weak));
    let units = health.failed_units.iter().flatten();
    found.extend(units.map(|unit| (Severity::Warning, Concern::UnitFailed { unit: unit.clone() })));
    found.extend(clock(health));
    if health.updates.is_some_and(|updates| updates.restart_needed) {
        found.push((Severity::Warning, Concern::RestartNeeded {}));
    }
    found.extend(health.probes.iter().flat_map(probed));
    // Stable: of those that matter as much, the order above.
    found.sort_by_key(|(severity, _)| *severity);
    found
}

fn failing(disk: &Disk) -> Option<(Severity, Concern)> {
    let fails = disk.smart == Some(SmartVerdict::Failing);
    fails.then(|| (Severity::Bad, Concern::DiskFailing { mount: disk.mount.clone() }))
}

fn full(disk: &Disk) -> Option<(Severity, Concern)> {
    let percent = percent_of(disk.total_bytes.saturating_sub(disk.free_bytes), disk.total_bytes);
    let severity = match percent {
        _ if disk.free_bytes >= DISK_ROOM_BYTES => return None,
        DISK_BAD_PERCENT.. => Severity::Bad,
        DISK_WARNING_PERCENT.. => Severity::Warning,
        _ => return None,
    };
    let Disk { mount, free_bytes, .. } = disk.clone();
    Some((severity, Concern::DiskFull { mount, percent, free_bytes }))
}

fn hot(sensor: &Temperature) -> Option<(Severity, Concern)> {
    let Temperature { label, celsius, limit_celsius } = sensor.clone();
    // Some drivers say 0 where they know of none.
    let limit_celsius = limit_celsius.filter(|&limit| limit > 0);
    let severity = match limit_celsius {
        Some(limit) if celsius >= limit => Severity::Bad,
        Some(limit) if celsius >= limit.saturating_sub(HEAT_MARGIN_CELSIUS) => Severity::Warning,
        None if celsius >= HEAT_CELSIUS => Severity::Warning,
        _ => return None,
    };
    Some((severity, Concern::Hot { label, celsius, limit_celsius }))
}

fn weak(battery: &Battery) -> Vec<(Severity, Concern)> {
    let Battery { percent, health_percent, .. } = *battery;
    let label = || battery.label.clone();
    let mut found = Vec::new();
    if battery.state == BatteryState::Discharging && percent <= BATTERY_WARNING_PERCENT {
        let severity = if percent <= BATTERY_BAD_PERCENT { Severity::Bad } else { Severity::Warning };
        found.push((severity, Concern::BatteryLow { label: label(), percent }));
    }
    let worn = health_percent.filter(|&health| health > 0 && health < BATTERY_WORN_PERCENT);
    found.extend(
        worn.map(|health_percent| {
            (Severity::Warning, Concern::BatteryWorn { label: label(), health_percent })
        }),
    );
    found
}

fn clock(health: &Health) -> Option<(Severity, Concern)> {
    let clock = health.clock?;
    match clock.offset_milliseconds {
        Some(offset_milliseconds) if offset_milliseconds.unsigned_abs() > CLOCK_MILLISECONDS => {
            Some((Severity::Warning, Concern::ClockOff { offset_milliseconds }))
        }
        _ if !clock.synchronised => Some((Severity::Warning, Concern::ClockNotSynchronised {})),
        _ => None,
    }
}

fn probed(probe: &Probe) -> Vec<(Severity, Concern)> {
    let readings = probe.readings.iter().filter_map(|reading| {
        let severity = match reading.state {
            ReadingState::Bad => Severity::Bad,
            ReadingState::Warning => Severity::Warning,
            ReadingState::Ok | ReadingState::Unknown => return None,
        };
        Some((severity, Concern::Reading { probe: probe.name.clone(), reading: reading.clone() }))
    });
    let fault = probe.fault.map(|fault| {
        let probe = probe.name.clone();
        (Severity::Warning, Concern::ProbeFault { probe, fault })
    });
    readings.chain(fault).collect()
}

/// How many percent `part` is of `whole`, rounded down; of nothing, none.
fn percent_of(part: u64, whole: u64) -> u8 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u8::try_from(percent.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests;
