//! Which agent gets a support ID: what a lease is worth against the agent that holds the ID.
//!
//! All agents that the directory knows have registered in the present boot of the relay. A lease of an earlier
//! boot outranks such a holder, unless the holder has shown a later lease. A lease of the present boot
//! outranks none: its ID was free since, so another agent may have drawn it. It carries on what its agent had
//! proved before, so that an agent that came back with its lease once is safe from earlier ones.
//!
//! # Leases
//!
//! Leases (`directory/rank.rs`). A lease says in which boot of the relay, and as which registration of that boot,
//! its agent held the support ID. The store counts the boots. The next lease carries on what its agent had proved
//! before, so that an agent that came back stays safe from earlier leases. A claim that collides after a network's
//! limit is *hidden* (`directory/agents.rs`): it looks registered and is not found, and is told the truth later.

use fieldlink_protocol::ticket::{Lease, Tenure};

/// What an agent has proved of the time before the present boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rank {
    /// What it claims an ID with, from the agent that holds it.
    claims: Option<Tenure>,
    /// What it holds an ID with, against an agent that claims it.
    holds: Option<Tenure>,
}

impl Rank {
    /// Of an agent without a lease.
    pub(crate) const NONE: Self = Self { claims: None, holds: None };

    /// Of an agent that shows `lease`, whose signature, ID and key were verified, in the boot `present`.
    pub(crate) fn of(lease: &Lease, present: u64) -> Self {
        let own = Some(lease.tenure).filter(|tenure| tenure.boot < present);
        let carried = lease.earlier.filter(|tenure| lease.tenure.boot == present && tenure.boot < present);
        Self { claims: own, holds: own.or(carried) }
    }

    /// Whether the ID is taken from `holder` and given to this agent.
    pub(crate) fn outranks(self, holder: Self) -> bool {
        self.claims > holder.holds
    }

    /// Of the same agent, which has shown both.
    pub(crate) fn joined(self, other: Self) -> Self {
        Self { claims: self.claims.max(other.claims), holds: self.holds.max(other.holds) }
    }

    /// What its next lease carries on.
    pub(crate) fn carried(self) -> Option<Tenure> {
        self.holds
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::AgentKey;
    use fieldlink_protocol::support_id::SupportId;
    use proptest::prelude::*;

    use super::*;

    fn tenure() -> impl Strategy<Value = Tenure> {
        (0u64..5, 0u64..5).prop_map(|(boot, sequence)| Tenure { boot, sequence })
    }

    fn lease() -> impl Strategy<Value = Lease> {
        (tenure(), prop::option::of(tenure())).prop_map(|(tenure, earlier)| Lease {
            node: "n".into(),
            support_id: SupportId::random(),
            agent_key: AgentKey::from_bytes([1; 32]),
            tenure,
            earlier,
            expires: 0,
        })
    }

    fn rank(present: u64) -> impl Strategy<Value = Rank> {
        prop::option::of(lease()).prop_map(move |lease| lease.map_or(Rank::NONE, |l| Rank::of(&l, present)))
    }

    proptest! {
        #[test]
        fn a_lease_of_the_present_or_a_later_boot_outranks_nobody(
            lease in lease(), holder in rank(3), present in 0u64..5,
        ) {
            prop_assume!(lease.tenure.boot >= present);
            prop_assert!(!Rank::of(&lease, present).outranks(Rank::NONE));
            prop_assert!(!Rank::of(&lease, present).outranks(holder));
        }

        #[test]
        fn a_lease_of_an_earlier_boot_outranks_who_has_none_and_who_has_an_earlier_one(
            claimed in lease(), held in lease(),
        ) {
            let present = 4;
            prop_assume!(claimed.tenure.boot < present);
            prop_assert!(Rank::of(&claimed, present).outranks(Rank::NONE));
            prop_assume!(held.tenure.boot < present);
            let outranks = Rank::of(&claimed, present).outranks(Rank::of(&held, present));
            prop_assert_eq!(outranks, claimed.tenure > held.tenure);
        }

        #[test]
        fn of_two_at_most_one_outranks_the_other(one in rank(4), other in rank(4)) {
            prop_assert!(!(one.outranks(other) && other.outranks(one)));
            prop_assert!(!one.outranks(one));
        }

        #[test]
        fn what_was_shown_once_protects_for_the_whole_boot(lease in lease(), stranger in rank(4)) {
            let present = 4;
            let shown = Rank::of(&lease, present);
            let next = Lease {
                tenure: Tenure { boot: present, sequence: 0 },
                earlier: shown.carried(),
                ..lease
            };
            prop_assert_eq!(stranger.outranks(Rank::of(&next, present)), stranger.outranks(shown));
        }

        #[test]
        fn showing_more_never_weakens(one in rank(4), other in rank(4), stranger in rank(4)) {
            let joined = one.joined(other);
            prop_assert!(!stranger.outranks(joined) || (stranger.outranks(one) && stranger.outranks(other)));
        }
    }
}
