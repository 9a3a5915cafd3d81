//! What a device knows of itself: what it is, how its parts do, and what its maker's probes say.
//!
//! Whole numbers in the unit that the field's name says. A field that is `None` could not be read, or there is no such
//! thing; [`Health::missing`] names the sources that should have answered and did not. How it is collected stands in the
//! agent (`agent/src/health`), what of it is worth a warning in [`crate::health`].

mod line;
mod probe;
mod source;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::probe::{Probe, ProbeFault, Reading, ReadingState, is_probe_name};
pub use self::source::Source;
use super::{Bounded, all, encode};
use crate::{limits, text};

/// The SSH subsystem (RFC 4254 section 6.5) that tells an engineer of it: one line of JSON, [`Health`], at once, and
/// another every [`limits::HEALTH_PAUSE`] for as long as the engineer's side keeps its end open.
pub const SUBSYSTEM: &str = "health@fieldlink";

/// What a device knows of itself at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Maker and model of the computer.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Name and version of the operating system.
    pub os: Option<String>,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Seconds since it was started.
    pub uptime_seconds: Option<u64>,
    /// What computes.
    pub cpu: Option<Cpu>,
    /// Working memory.
    pub memory: Option<Memory>,
    /// File systems on disks.
    pub disks: Vec<Disk>,
    /// Temperature sensors.
    pub temperatures: Vec<Temperature>,
    /// Fans.
    pub fans: Vec<Fan>,
    /// Batteries that power the device.
    pub batteries: Vec<Battery>,
    /// The verdict on the network, as its code: "N0" to "N14".
    pub network: Option<String>,
    /// Units that systemd calls failed.
    pub failed_units: Option<Vec<String>>,
    /// The clock.
    pub clock: Option<Clock>,
    /// Updates of the operating system that wait.
    pub updates: Option<Updates>,
    /// What the maker's probes say.
    pub probes: Vec<Probe>,
    /// Sources that did not answer, or not in time.
    pub missing: BTreeSet<Source>,
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Logical processors.
    pub count: u32,
    /// Tasks that ran or wanted to, on average over the last minute, in hundredths: 150 keeps one and a half processors
    /// busy.
    pub load_hundredths: u32,
}

/// Working memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// All of it, in bytes.
    pub total_bytes: u64,
    /// What programs hold; what the kernel would give up at once does not count.
    pub used_bytes: u64,
}

/// A file system on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// Its size, in bytes.
    pub total_bytes: u64,
    /// What programs may still fill, in bytes.
    pub free_bytes: u64,
    /// What the disk says of itself (SMART), where that can be read.
    #[serde(default)]
    pub smart: Option<SmartVerdict>,
}

/// What a disk says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmartVerdict {
    /// It knows of nothing.
    Good,
    /// It expects to fail, or has begun to.
    Failing,
}

/// A temperature sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// What the kernel calls it.
    pub label: String,
    /// Degrees Celsius.
    pub celsius: i32,
    /// At how many degrees the sensor itself calls it critical.
    #[serde(default)]
    pub limit_celsius: Option<i32>,
}

/// A fan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    /// What the kernel calls it.
    pub label: String,
    /// Turns a minute.
    pub rpm: u32,
}

/// A battery that powers the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// What it is called.
    pub label: String,
    /// How full it is.
    pub percent: u8,
    /// What happens to it.
    pub state: BatteryState,
    /// How much of what it held when new it still holds, in percent.
    #[serde(default)]
    pub health_percent: Option<u8>,
    /// How often it was charged.
    #[serde(default)]
    pub cycles: Option<u32>,
}

/// What happens to a battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatteryState {
    /// It is being charged.
    Charging,
    /// The device runs on it.
    Discharging,
    /// It is full.
    Full,
    /// It is not used now.
    Idle,
    /// Nobody says.
    Unknown,
}

/// The clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Whether it follows a time server.
    pub synchronised: bool,
    /// By how many milliseconds the time server was ahead of it when it was asked last, where that is known.
    #[serde(default)]
    pub offset_milliseconds: Option<i64>,
}

/// Updates of the operating system that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// How many, where the system counts them.
    #[serde(default)]
    pub count: Option<u32>,
    /// Whether a restart is needed before those that are installed count.
    pub restart_needed: bool,
}

impl Bounded for Health {
    fn check(&self) -> Result<(), &'static str> {
        let fits = |label: &str| label.len() <= limits::HEALTH_LABEL;
        let given = [&self.model, &self.serial, &self.os, &self.kernel, &self.network];
        let units = self.failed_units.as_deref().unwrap_or_default();
        let most = limits::HEALTH_ENTRIES;
        all(&[
            (given.into_iter().flatten().all(|text| fits(text)), "health: a text is too long"),
            (self.disks.len() <= most && self.disks.iter().all(|disk| fits(&disk.mount)), "health: disks"),
            (
                self.temperatures.len() <= most && self.temperatures.iter().all(|one| fits(&one.label)),
                "health: temperatures",
            ),
            (self.fans.len() <= most && self.fans.iter().all(|fan| fits(&fan.label)), "health: fans"),
            (
                self.batteries.len() <= most && self.batteries.iter().all(|one| fits(&one.label)),
                "health: batteries",
            ),
            (units.len() <= most && units.iter().all(|unit| fits(unit)), "health: failed units"),
            (self.probes.len() <= limits::PROBES, "health: probes"),
        ])?;
        self.probes.iter().try_for_each(Bounded::check)?;
        all(&[(encode(self).len() <= limits::HEALTH, "health: too long as a whole")])
    }
}

impl Health {
    /// The same, made harmless and cut to what [`Bounded::check`] takes: what a device's own files and programs say may be
    /// anything.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let fit = |label: &mut String| *label = text::clean_to_fit(label, limits::HEALTH_LABEL);
        let given = [&mut self.model, &mut self.serial, &mut self.os, &mut self.kernel, &mut self.network];
        given.into_iter().flatten().for_each(fit);
        self.disks.truncate(limits::HEALTH_ENTRIES);
        self.disks.iter_mut().for_each(|disk| fit(&mut disk.mount));
        self.temperatures.truncate(limits::HEALTH_ENTRIES);
        self.temperatures.iter_mut().for_each(|one| fit(&mut one.label));
        self.fans.truncate(limits::HEALTH_ENTRIES);
        self.fans.iter_mut().for_each(|fan| fit(&mut fan.label));
        self.batteries.truncate(limits::HEALTH_ENTRIES);
        self.batteries.iter_mut().for_each(|one| fit(&mut one.label));
        let units = self.failed_units.as_mut();
        units.into_iter().for_each(|units| {
            units.truncate(limits::HEALTH_ENTRIES);
            units.iter_mut().for_each(fit);
        });
        self.probes.truncate(limits::PROBES);
        self.probes.iter_mut().for_each(Probe::fit);
        self.shorten();
        self
    }

    /// Leaves out readings of the most talkative probes until the whole fits. Everything else always does.
    fn shorten(&mut self) {
        // Naming a fault takes bytes, too: so it is looked at again.
        loop {
            let mut excess = encode(self).len().saturating_sub(limits::HEALTH);
            if excess == 0 {
                return;
            }
            while excess > 0 {
                let Some(longest) = self.probes.iter_mut().max_by_key(|probe| probe.readings.len()) else {
                    return;
                };
                let Some(reading) = longest.readings.pop() else { return };
                longest.fault = Some(ProbeFault::TooLong);
                excess = excess.saturating_sub(encode(&reading).len());
            }
        }
    }
}

#[cfg(test)]
mod tests;
