//! The device's health, as people read it: each part, and what of it is worth a warning.

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::messages::health::{
    Battery, BatteryState, Clock, Cpu, Disk, Health, Memory, ProbeFault, Reading, ReadingState, SmartVerdict,
    Source, Temperature, Updates,
};
use fieldlink_protocol::text;
use fieldlink_words::{Argument, Language, Messages};

/// Longest name of a part in a sentence, in characters.
pub(crate) const NAME: usize = 40;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The words of one language.
pub struct Words {
    language: Language,
    messages: Messages,
}

impl Words {
    /// The words of `language`.
    pub fn new(language: Language) -> Self {
        Self { language, messages: Messages::new(language.code(), messages_of(language)) }
    }

    pub(crate) fn say(&self, id: &str) -> String {
        self.say_with(id, &[])
    }

    pub(crate) fn say_with(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        self.messages.say(id, arguments)
    }

    /// A warning.
    pub fn concern(&self, concern: &Concern) -> String {
        let name = |name: &str| text::clean(name, NAME);
        let of_part =
            |id: &str, argument: &str, part: &str| self.say_with(id, &[(argument, name(part).into())]);
        match concern {
            Concern::DiskFull { mount, percent, free_bytes } => self.say_with(
                "health-warns-disk-full",
                &[
                    ("mount", name(mount).into()),
                    ("percent", u64::from(*percent).into()),
                    ("free", amount(*free_bytes).into()),
                ],
            ),
            Concern::DiskFailing { mount } => of_part("health-warns-disk-failing", "mount", mount),
            Concern::Hot { label, celsius, limit_celsius } => {
                let arguments = [("label", name(label).into()), ("celsius", celsius.to_string().into())];
                match limit_celsius {
                    None => self.say_with("health-warns-hot", &arguments),
                    Some(limit) => {
                        let [label, celsius] = arguments;
                        let limit = ("limit", limit.to_string().into());
                        self.say_with("health-warns-hot-limit", &[label, celsius, limit])
                    }
                }
            }
            Concern::MemoryFull { percent } => {
                self.say_with("health-warns-memory-full", &[("percent", u64::from(*percent).into())])
            }
            Concern::BatteryLow { label, percent } => {
                let percent = ("percent", u64::from(*percent).into());
                self.say_with("health-warns-battery-low", &[("label", name(label).into()), percent])
            }
            Concern::BatteryWorn { label, health_percent } => {
                let health = ("health", u64::from(*health_percent).into());
                self.say_with("health-warns-battery-worn", &[("label", name(label).into()), health])
            }
            Concern::UnitFailed { unit } => of_part("health-warns-unit-failed", "unit", unit),
            Concern::ClockNotSynchronised {} => self.say("health-warns-clock-free"),
            Concern::ClockOff { offset_milliseconds } => {
                let seconds = offset_milliseconds.unsigned_abs() / 1000;
                self.say_with("health-warns-clock-off", &[("seconds", seconds.into())])
            }
            Concern::RestartNeeded {} => self.say("health-warns-restart"),
            Concern::Reading { probe, reading } => self.reading_concern(&name(probe), reading),
            Concern::ProbeFault { probe, fault } => {
                let fault = ("fault", self.fault(*fault).into());
                self.say_with("health-warns-fault", &[("probe", name(probe).into()), fault])
            }
        }
    }

    /// A reading that is not well, with its sentence behind it.
    fn reading_concern(&self, probe: &str, reading: &Reading) -> String {
        let name = text::clean(&reading.name, NAME);
        let arguments = [("probe", probe.into()), ("name", name.into()), ("value", value(reading).into())];
        let said = self.say_with("health-warns-reading", &arguments);
        match reading.sentence(self.language.code()) {
            Some(sentence) => format!("{}. {sentence}", said.trim_end()),
            None => format!("{}.", said.trim_end()),
        }
    }

    /// Maker, model and serial number.
    pub fn device(&self, health: &Health) -> Option<String> {
        let model = health.model.as_ref()?;
        let Some(serial) = &health.serial else { return Some(model.clone()) };
        Some(self.say_with("health-with-serial", &[("model", model.into()), ("serial", serial.into())]))
    }

    /// Operating system and kernel.
    pub fn system(&self, health: &Health) -> Option<String> {
        let os = health.os.as_ref()?;
        let Some(kernel) = &health.kernel else { return Some(os.clone()) };
        Some(self.say_with("health-with-kernel", &[("os", os.into()), ("kernel", kernel.into())]))
    }

    /// How long it runs, in its two largest units.
    pub fn uptime(&self, seconds: u64) -> String {
        let count = |id: &str, count: u64| self.say_with(id, &[("count", count.into())]);
        match seconds {
            DAY.. => {
                let (days, hours) = (seconds / DAY, seconds % DAY / HOUR);
                format!("{}, {}", count("health-days", days), count("health-hours", hours))
            }
            HOUR.. => count("health-hours", seconds / HOUR),
            _ => count("health-minutes", seconds / MINUTE),
        }
    }

    /// Processors and their load.
    pub fn cpu(&self, cpu: Cpu) -> String {
        let load = format!("{}.{:02}", cpu.load_hundredths / 100, cpu.load_hundredths % 100);
        self.say_with("health-cores", &[("count", u64::from(cpu.count).into()), ("load", load.into())])
    }

    /// Memory in use.
    pub fn memory(&self, memory: Memory) -> String {
        let (used, total) = (amount(memory.used_bytes), amount(memory.total_bytes));
        self.say_with("health-memory-used", &[("used", used.into()), ("total", total.into())])
    }

    /// Room on a disk, and what it says of itself.
    pub fn disk(&self, disk: &Disk) -> String {
        let used = u128::from(disk.total_bytes.saturating_sub(disk.free_bytes));
        let percent = u64::try_from(used * 100 / u128::from(disk.total_bytes.max(1))).unwrap_or_default();
        let free = amount(disk.free_bytes);
        let room = self.say_with("health-disk-free", &[("percent", percent.into()), ("free", free.into())]);
        match disk.smart {
            None => room,
            Some(SmartVerdict::Good) => self.say_with("health-disk-smart-good", &[("room", room.into())]),
            Some(SmartVerdict::Failing) => {
                self.say_with("health-disk-smart-failing", &[("room", room.into())])
            }
        }
    }

    /// A temperature, with its limit.
    pub fn temperature(&self, sensor: &Temperature) -> String {
        let celsius = ("celsius", sensor.celsius.to_string().into());
        match sensor.limit_celsius {
            Some(limit) => {
                self.say_with("health-celsius-limit", &[celsius, ("limit", limit.to_string().into())])
            }
            None => self.say_with("health-celsius", &[celsius]),
        }
    }

    /// A battery.
    pub fn battery(&self, battery: &Battery) -> String {
        let id = match battery.state {
            BatteryState::Charging => "health-battery-charging",
            BatteryState::Discharging => "health-battery-discharging",
            BatteryState::Full => "health-battery-full",
            BatteryState::Idle => "health-battery-idle",
            BatteryState::Unknown => "health-battery-unknown",
        };
        let mut said = self.say_with(id, &[("percent", u64::from(battery.percent).into())]);
        if let Some(health) = battery.health_percent {
            let health = ("health", u64::from(health).into());
            said = self.say_with("health-battery-health", &[("battery", said.into()), health]);
        }
        if let Some(cycles) = battery.cycles {
            let count = ("count", u64::from(cycles).into());
            said = self.say_with("health-battery-cycles", &[("battery", said.into()), count]);
        }
        said
    }

    /// The clock.
    pub fn clock(&self, clock: Clock) -> String {
        let id = if clock.synchronised { "health-clock-synchronised" } else { "health-clock-free" };
        let said = self.say(id);
        match clock.offset_milliseconds {
            Some(offset) => {
                let milliseconds = ("milliseconds", offset.unsigned_abs().into());
                self.say_with("health-clock-offset", &[("clock", said.into()), milliseconds])
            }
            None => said,
        }
    }

    /// Updates that wait.
    pub fn updates(&self, updates: Updates) -> String {
        let said = match updates.count {
            Some(count) => self.say_with("health-updates-count", &[("count", u64::from(count).into())]),
            None => self.say("health-updates-uncounted"),
        };
        match updates.restart_needed {
            true => self.say_with("health-updates-restart", &[("updates", said.into())]),
            false => said,
        }
    }

    /// A value of a probe, and how that is.
    pub fn reading(&self, reading: &Reading) -> String {
        let id = match reading.state {
            ReadingState::Ok => "health-state-ok",
            ReadingState::Unknown => "health-state-unknown",
            ReadingState::Warning => "health-state-warning",
            ReadingState::Bad => "health-state-bad",
        };
        self.say_with(id, &[("value", value(reading).into())])
    }

    /// What is wrong with a probe, as a part of a sentence.
    pub fn fault(&self, fault: ProbeFault) -> String {
        self.say(match fault {
            ProbeFault::Unreachable => "health-fault-unreachable",
            ProbeFault::Exposed => "health-fault-exposed",
            ProbeFault::Slow => "health-fault-slow",
            ProbeFault::TooLong => "health-fault-too-long",
            ProbeFault::Malformed => "health-fault-malformed",
            ProbeFault::Silent => "health-fault-silent",
        })
    }

    /// What a source would have told of.
    pub fn health_source(&self, source: Source) -> String {
        self.say(match source {
            Source::System => "health-source-system",
            Source::Disks => "health-source-disks",
            Source::Fans => "health-source-fans",
            Source::Host => "health-source-host",
            Source::Batteries => "health-source-batteries",
            Source::Units => "health-source-units",
            Source::Clock => "health-source-clock",
            Source::Smart => "health-source-smart",
            Source::Updates => "health-source-updates",
        })
    }
}

/// What is shipped.
fn messages_of(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../locales/en.ftl"),
        Language::German => include_str!("../locales/de.ftl"),
    }
}

/// A value with its unit.
fn value(reading: &Reading) -> String {
    match reading.unit.as_str() {
        "" => reading.value.clone(),
        unit => format!("{} {unit}", reading.value),
    }
}

/// Bytes, in the unit in which they have at most four digits. The point is the same in every language: what is read out
/// over the phone is what the engineer sees.
pub(crate) fn amount(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    match (bytes / unit, bytes % unit / (unit / 10)) {
        (whole, _) if whole >= 100 => format!("{whole} {name}"),
        (whole, tenths) => format!("{whole}.{tenths} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_message_with_the_same_arguments_and_the_code_uses_them() {
        let of = |language| fieldlink_words::arguments_by_message(messages_of(language)).expect("messages");
        let english = of(Language::English);
        assert!(english.len() > 50);
        assert_eq!(of(Language::German), english);
        let code = [include_str!("words.rs"), include_str!("table.rs"), include_str!("changes.rs")].concat();
        for id in english.keys() {
            assert!(code.contains(&format!("\"{id}\"")), "nothing says {id}");
        }
    }

    #[test]
    fn every_warning_can_be_said_in_every_language() {
        let (label, mount) = (|| "BAT0".to_owned(), "/".to_owned());
        let probe = || "lidars".to_owned();
        let gone = || Reading {
            name: "rear".into(),
            value: "none".into(),
            unit: String::new(),
            state: ReadingState::Bad,
            text: Default::default(),
        };
        let mut concerns = vec![
            Concern::DiskFull { mount: mount.clone(), percent: 95, free_bytes: 7 },
            Concern::DiskFailing { mount },
            Concern::Hot { label: label(), celsius: -1, limit_celsius: None },
            Concern::Hot { label: label(), celsius: 95, limit_celsius: Some(100) },
            Concern::MemoryFull { percent: 99 },
            Concern::BatteryLow { label: label(), percent: 9 },
            Concern::BatteryWorn { label: label(), health_percent: 40 },
            Concern::UnitFailed { unit: "lidar.service".into() },
            Concern::ClockNotSynchronised {},
            Concern::ClockOff { offset_milliseconds: i64::MIN },
            Concern::RestartNeeded {},
            Concern::Reading { probe: probe(), reading: gone() },
        ];
        concerns.extend(ProbeFault::ALL.map(|fault| Concern::ProbeFault { probe: probe(), fault }));
        for language in Language::ALL {
            let words = Words::new(language);
            let said = concerns.iter().map(|concern| words.concern(concern));
            for sentence in said {
                assert!(sentence.ends_with('.') && !sentence.contains("health-"), "{language:?}: {sentence}");
            }
            for source in Source::ALL {
                assert!(!words.health_source(source).starts_with("health-"), "{language:?}: {source:?}");
            }
        }
    }

    #[test]
    fn amounts_are_short() {
        let shown = [0, 999, 1_000, 99_900_000, 123_456_789_000, 2_000_000_000_000].map(amount);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "99.9 MB", "123 GB", "2.0 TB"]);
        assert!(amount(u64::MAX).ends_with(" TB"));
    }
}
