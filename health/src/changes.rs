//! What is different between two healths, in words.

use fieldlink_protocol::health::{Figure, Subject};
use fieldlink_protocol::messages::health::{BatteryState, Reading, SmartVerdict};
use fieldlink_protocol::text;

use crate::words::{NAME, Words, amount};

impl Words {
    /// What a figure is of.
    pub fn subject(&self, subject: &Subject) -> String {
        let of = |id: &str, name: &str| {
            let label = ("label", self.say(id).into());
            self.say_with("health-part", &[label, ("name", text::clean(name, NAME).into())])
        };
        match subject {
            Subject::Os => self.say("health-system"),
            Subject::Kernel => self.say("health-kernel"),
            Subject::DiskFree(mount) => of("health-room", mount),
            Subject::DiskSmart(mount) => of("health-smart", mount),
            Subject::Temperature(label) => of("health-temperature", label),
            Subject::Fan(label) => of("health-fan", label),
            Subject::BatteryPercent(label) => of("health-battery", label),
            Subject::BatteryState(label) => of("health-battery-state", label),
            Subject::Network => self.say("health-network"),
            Subject::FailedUnit(unit) => of("health-failed-unit", unit),
            Subject::ClockSynchronised => self.say("health-clock-follows"),
            Subject::Updates => self.say("health-updates"),
            Subject::RestartNeeded => self.say("health-restart-needed"),
            Subject::Reading(probe, name) => {
                format!("{}: {}", text::clean(probe, NAME), text::clean(name, NAME))
            }
        }
    }

    /// What there is to say of it; `None` is what is not there, or not known.
    pub fn figure(&self, figure: Option<&Figure>) -> String {
        let Some(figure) = figure else { return "–".to_owned() };
        match figure {
            Figure::Text(text) => text::clean(text, NAME),
            Figure::Bytes(bytes) => amount(*bytes),
            Figure::Celsius(celsius) => {
                self.say_with("health-celsius", &[("celsius", celsius.to_string().into())])
            }
            Figure::Rpm(rpm) => self.say_with("health-rpm", &[("rpm", rpm.to_string().into())]),
            Figure::Percent(percent) => format!("{percent} %"),
            Figure::Count(count) => count.to_string(),
            Figure::Is(true) => self.say("health-yes"),
            Figure::Is(false) => self.say("health-no"),
            Figure::Smart(SmartVerdict::Good) => self.say("health-smart-good"),
            Figure::Smart(SmartVerdict::Failing) => self.say("health-smart-failing"),
            Figure::Battery(state) => self.say(match state {
                BatteryState::Charging => "health-state-charging",
                BatteryState::Discharging => "health-state-discharging",
                BatteryState::Full => "health-state-full",
                BatteryState::Idle => "health-state-idle",
                BatteryState::Unknown => "health-state-not-known",
            }),
            Figure::Reading { value, unit, state } => {
                let (name, value, unit) = (String::new(), value.clone(), unit.clone());
                self.reading(&Reading { name, value, unit, state: *state, text: Default::default() })
            }
        }
    }
}
