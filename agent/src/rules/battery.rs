//! The device's battery: both sides are told when it gets low.

use super::Events;
use super::event::RuleEvent;

/// At how many percent, the lowest first.
const LOW: [u8; 2] = [10, 20];
/// A battery that has more than this is told of again when it gets low again.
const RECOVERED: u8 = 25;

/// What is known of the battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Battery {
    /// Percent that are left.
    pub percent: u8,
    /// Whether the device runs on it.
    pub is_discharging: bool,
}

impl Battery {
    fn level(self) -> Option<u8> {
        LOW.into_iter().find(|level| self.is_discharging && self.percent <= *level)
    }
}

/// What is known, and what was told.
#[derive(Debug, Default)]
pub(super) struct BatteryCheck {
    battery: Option<Battery>,
    told: Option<u8>,
}

impl BatteryCheck {
    /// The percent that are left, if they are few.
    pub(super) fn low(&self) -> Option<u8> {
        self.battery.filter(|battery| battery.level().is_some()).map(|battery| battery.percent)
    }

    /// It stands so now; none: there is no battery, or nothing is known of one.
    pub(super) fn handle(&mut self, battery: Option<Battery>, events: &mut Events) {
        let before = self.low();
        self.battery = battery;
        if self.low() != before {
            events.push_back(RuleEvent::BatteryIs { low: self.low() });
        }
        let Some(battery) = battery else { return };
        if !battery.is_discharging || battery.percent > RECOVERED {
            self.told = None;
        }
        if let Some(level) = battery.level().filter(|level| self.told.is_none_or(|told| *level < told)) {
            self.told = Some(level);
            events.push_back(RuleEvent::BatteryLow { percent: battery.percent });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_told_once_and_again_after_it_was_charged() {
        let mut check = BatteryCheck::default();
        let mut told = |percents: &[u8], is_discharging| {
            let mut events = Events::new();
            for &percent in percents {
                check.handle(Some(Battery { percent, is_discharging }), &mut events);
            }
            let is_warning = |event: &RuleEvent| matches!(event, RuleEvent::BatteryLow { .. });
            events.into_iter().filter(is_warning).collect::<Vec<_>>()
        };
        let low = |percents: &[u8]| -> Vec<_> {
            percents.iter().map(|&percent| RuleEvent::BatteryLow { percent }).collect()
        };
        assert_eq!(told(&[50, 21, 20, 19, 21, 20, 11, 10, 9, 1], true), low(&[20, 10]));
        assert_eq!(told(&[8, 15], false), [], "it is charged");
        assert_eq!(told(&[15, 9], true), low(&[15, 9]));
        assert_eq!(told(&[26, 3], true), low(&[3]), "a battery was swapped, and the lower level is enough");
        let mut events = Events::new();
        check.handle(None, &mut events);
        assert_eq!((check.low(), events.pop_back()), (None, Some(RuleEvent::BatteryIs { low: None })));
    }
}
