//! The device's health while an engineer works: both sides are warned once of what gets worse.

use fieldlink_protocol::health::{Concern, Severity};

use super::Events;
use super::event::RuleEvent;

/// Warnings of one session. A device with more to warn of has been looked at by then.
const MOST: usize = 64;

/// What was told.
#[derive(Debug, Default)]
pub(super) struct HealthCheck {
    told: Vec<(Severity, Concern)>,
}

impl HealthCheck {
    /// This is worth a warning now. Something is told once in a session, and once more if it has got worse.
    pub(super) fn handle(&mut self, found: Vec<(Severity, Concern)>, events: &mut Events) {
        for (severity, concern) in found.into_iter().filter(|(_, concern)| concern.interrupts()) {
            let is_full = self.told.len() == MOST;
            let told = self.told.iter_mut().find(|(_, told)| told.is_about_the_same(&concern));
            match told {
                // The worse one is the smaller one.
                Some((told, _)) if *told <= severity => continue,
                Some(told) => *told = (severity, concern.clone()),
                None if is_full => continue,
                None => self.told.push((severity, concern.clone())),
            }
            events.push_back(RuleEvent::HealthWarned { concern });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(check: &mut HealthCheck, found: Vec<(Severity, Concern)>) -> Vec<Concern> {
        let mut events = Events::new();
        check.handle(found, &mut events);
        let concern = |event| match event {
            RuleEvent::HealthWarned { concern } => concern,
            other => panic!("{other:?}"),
        };
        events.into_iter().map(concern).collect()
    }

    fn full(mount: &str, percent: u8) -> Concern {
        Concern::DiskFull { mount: mount.into(), percent, free_bytes: 1 }
    }

    #[test]
    fn what_gets_worse_is_told_again_and_nothing_else() {
        let mut check = HealthCheck::default();
        let mut tell = |severity, concern: Concern| told(&mut check, vec![(severity, concern)]);
        assert_eq!(tell(Severity::Warning, full("/", 91)), [full("/", 91)]);
        assert_eq!(tell(Severity::Warning, full("/", 93)), []);
        assert_eq!(tell(Severity::Warning, full("/srv", 90)), [full("/srv", 90)]);
        assert_eq!(tell(Severity::Bad, full("/", 98)), [full("/", 98)]);
        assert_eq!(tell(Severity::Warning, full("/", 92)), []);
        assert_eq!(tell(Severity::Bad, full("/", 99)), []);
    }

    #[test]
    fn what_disturbs_nobody_is_not_told_and_there_is_an_end_to_it() {
        let mut check = HealthCheck::default();
        assert_eq!(told(&mut check, vec![(Severity::Bad, Concern::RestartNeeded {})]), []);
        let many = (0..2 * MOST).map(|number| (Severity::Bad, full(&number.to_string(), 99)));
        assert_eq!(told(&mut check, many.collect()).len(), MOST);
    }
}
