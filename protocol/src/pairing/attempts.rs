//! How many guesses one pair of support ID and PIN stands.
//!
//! An engineer who breaks off after KE2 has learnt whether the guess was right. So a run is charged before
//! KE2 leaves, and the charge comes back only when KE3 verifies. The count belongs to the pair: it does not matter
//! which engineer asks, or how many ask at the same moment.

use crate::{limits, reason::Reason};

/// The count of one pair.
#[derive(Debug, Default)]
pub struct Attempts {
    outstanding: u8,
    failed: u8,
    refused: u8,
    withdrawn: u8,
}

/// One charged run. It must be given back to [`Attempts`] with how it went; a caller that loses it has
/// left the charge standing.
#[derive(Debug)]
#[must_use = "a charge is settled by `succeeded` or `failed`"]
pub struct Charge(());

/// What a failure or refusal leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The pair may still be used.
    Usable,
    /// The pair is used up.
    Burnt(UsedUp),
}

/// What used a pair up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedUp {
    /// [`limits::PIN_ATTEMPTS`] wrong PINs.
    WrongPins,
    /// [`limits::REFUSALS`] questions that the client answered with no, or not.
    Refusals,
    /// [`limits::WITHDRAWALS`] questions that were taken back before the client could answer.
    Withdrawals,
}

impl UsedUp {
    /// As all sides are told.
    pub fn reason(self) -> Reason {
        match self {
            Self::WrongPins => Reason::Burnt,
            Self::Refusals => Reason::BurntByRefusals,
            Self::Withdrawals => Reason::BurntByWithdrawals,
        }
    }
}

impl Attempts {
    /// Charges a run before KE2 leaves. `None` if three are charged already.
    pub fn charge(&mut self) -> Option<Charge> {
        let charged = self.outstanding + self.failed;
        (charged < limits::PIN_ATTEMPTS && self.standing() == Standing::Usable).then(|| {
            self.outstanding += 1;
            Charge(())
        })
    }

    /// KE3 verified: the charge is refunded.
    pub fn succeeded(&mut self, _charge: Charge) {
        self.outstanding -= 1;
    }

    /// KE3 did not verify or did not come: the charge stays.
    pub fn failed(&mut self, _charge: Charge) -> Standing {
        self.outstanding -= 1;
        self.failed += 1;
        self.standing()
    }

    /// The client said no, or nothing.
    pub fn refused(&mut self) -> Standing {
        self.refused += 1;
        self.standing()
    }

    /// The client was asked, and could not answer before the question was taken back.
    pub fn withdrawn(&mut self) -> Standing {
        self.withdrawn += 1;
        self.standing()
    }

    /// Wrong tries so far.
    pub fn failures(&self) -> u8 {
        self.failed
    }

    /// Whether the pair may still be used.
    pub fn standing(&self) -> Standing {
        let limits = [
            (self.failed >= limits::PIN_ATTEMPTS, UsedUp::WrongPins),
            (self.refused >= limits::REFUSALS, UsedUp::Refusals),
            (self.withdrawn >= limits::WITHDRAWALS, UsedUp::Withdrawals),
        ];
        let reached = limits.into_iter().find(|(is_reached, _)| *is_reached);
        reached.map_or(Standing::Usable, |(_, how)| Standing::Burnt(how))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_right_pin_after_two_wrong_ones_still_works() {
        let mut attempts = Attempts::default();
        for _ in 0..2 {
            let charge = attempts.charge().expect("free");
            assert_eq!(attempts.failed(charge), Standing::Usable);
        }
        let charge = attempts.charge().expect("the third");
        assert!(attempts.charge().is_none());
        attempts.succeeded(charge);
        assert_eq!(attempts.standing(), Standing::Usable);
        assert_eq!(attempts.refused(), Standing::Usable);
        assert_eq!(attempts.refused(), Standing::Burnt(UsedUp::Refusals));
        assert!(attempts.charge().is_none());
    }

    #[test]
    fn asking_and_taking_it_back_has_an_end() {
        let mut attempts = Attempts::default();
        for _ in 1..limits::WITHDRAWALS {
            assert_eq!(attempts.withdrawn(), Standing::Usable);
        }
        assert_eq!(attempts.withdrawn(), Standing::Burnt(UsedUp::Withdrawals));
        assert!(attempts.charge().is_none());
    }

    proptest! {
        /// Whatever the order of starts and ends, no more than three guesses are ever answered
        /// without being right, and at most three at once.
        #[test]
        fn never_more_than_three_unrefunded_charges(steps in prop::collection::vec(0u8..3, 0..60)) {
            let mut attempts = Attempts::default();
            let mut open = Vec::new();
            let mut answered_wrongly = 0;
            for step in steps {
                match step {
                    0 => open.extend(attempts.charge()),
                    1 => {
                        if let Some(charge) = open.pop() {
                            answered_wrongly += 1;
                            let standing = attempts.failed(charge);
                            let is_burnt = standing == Standing::Burnt(UsedUp::WrongPins);
                            prop_assert_eq!(is_burnt, answered_wrongly >= 3);
                        }
                    }
                    _ => {
                        if let Some(charge) = open.pop() {
                            attempts.succeeded(charge);
                        }
                    }
                }
                prop_assert!(open.len() + answered_wrongly <= 3);
            }
        }
    }
}
