//! Leases: what they are worth, against which agents, and which agents get one.

use crate::support::*;
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;

const TAKEN: Option<RegistrationRefusal> = Some(RegistrationRefusal::IdTaken);

/// An agent with a key of its own that claims an ID, again and again.
struct Claimant {
    key: RegistrationKey,
    id: SupportId,
    lease: Option<String>,
}

impl Claimant {
    fn of(id: SupportId) -> Self {
        Self { key: RegistrationKey::generate(), id, lease: None }
    }

    /// Claims the ID with the latest lease.
    async fn claim(&mut self, relay: &TestRelay) -> Result<FakeAgent, RegistrationRefusal> {
        let agent = FakeAgent::register(relay, &self.key, self.id, self.lease.as_deref()).await?;
        self.lease = Some(agent.lease.clone()).filter(|lease| !lease.is_empty()).or(self.lease.take());
        Ok(agent)
    }

    /// Claims the ID and leaves it again.
    async fn visit(&mut self, relay: &TestRelay) {
        let mut agent = self.claim(relay).await.expect("free");
        within(agent.0.close(None)).await.expect("closed");
        while next_message(&mut agent.0).await.is_some() {}
    }
}

/// An engineer who asks for the ID reaches this agent.
async fn is_found(agent: &mut FakeAgent, engineer: &mut FakeEngineer) {
    let offer = engineer.request(agent.support_id).await;
    assert_eq!(agent.pair().await.session, offer.session);
}

async fn loses_it(agent: &mut FakeAgent) {
    let refused = ToAgent::Refused { code: RegistrationRefusal::IdTaken, reason: None };
    assert_eq!(agent.receive::<ToAgent>().await, refused);
    assert_eq!(close_reason(&mut agent.0).await, "id-taken");
}

#[tokio::test]
async fn a_lease_of_the_same_boot_takes_nothing_from_who_holds_the_id() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let id = SupportId::random();
    let (mut stranger, mut honest) = (Claimant::of(id), Claimant::of(id));
    stranger.visit(&relay).await;
    let mut living = honest.claim(&relay).await.expect("free again");
    assert_eq!(stranger.claim(&relay).await.err(), TAKEN);
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    is_found(&mut living, &mut engineer).await;
}

#[tokio::test]
async fn after_a_restart_the_latest_lease_wins_whoever_comes_first() {
    for stranger_first in [true, false] {
        let relay = TestRelay::start().await;
        let id = SupportId::random();
        let (mut stranger, mut honest) = (Claimant::of(id), Claimant::of(id));
        stranger.visit(&relay).await;
        drop(honest.claim(&relay).await.expect("free again"));
        let relay = relay.restart().await;
        if stranger_first {
            let mut squatting = stranger.claim(&relay).await.expect("nobody is there yet");
            let _back = honest.claim(&relay).await.expect("its own");
            loses_it(&mut squatting).await;
        } else {
            let _back = honest.claim(&relay).await.expect("its own");
            assert_eq!(stranger.claim(&relay).await.err(), TAKEN);
        }
    }
}

#[tokio::test]
async fn after_a_restart_an_agent_gets_its_id_back_from_who_squats_it() {
    let mut relay = TestRelay::start().await;
    let id = SupportId::random();
    let mut honest = Claimant::of(id);
    for killed in [false, true] {
        drop(honest.claim(&relay).await.expect("its own"));
        relay = if killed { relay.kill_and_restart().await } else { relay.restart().await };
        // With a lease that the squatter got since, too.
        let mut squatter = Claimant::of(id);
        squatter.visit(&relay).await;
        let mut squatting = squatter.claim(&relay).await.expect("free");
        let forged = FakeAgent::register(&relay, &honest.key, id, Some("k.e30.AAAA")).await;
        assert_eq!(forged.err(), TAKEN);
        let stolen =
            FakeAgent::register(&relay, &RegistrationKey::generate(), id, honest.lease.as_deref()).await;
        assert_eq!(stolen.err(), TAKEN, "it is bound to the key that registered");
        let mut back = honest.claim(&relay).await.expect("its own");
        loses_it(&mut squatting).await;
        assert_eq!(squatter.claim(&relay).await.err(), TAKEN);
        within(back.0.close(None)).await.expect("closed");
        while next_message(&mut back.0).await.is_some() {}
    }
}

#[tokio::test]
async fn an_agent_that_came_back_with_its_lease_stays_safe_from_earlier_ones() {
    let relay = TestRelay::start().await;
    let id = SupportId::random();
    let (mut stranger, mut honest) = (Claimant::of(id), Claimant::of(id));
    stranger.visit(&relay).await;
    honest.visit(&relay).await;
    let relay = relay.restart().await;
    // Its lease is of this boot from the first visit on.
    for _ in 0..3 {
        honest.visit(&relay).await;
    }
    let _living = honest.claim(&relay).await.expect("free");
    assert_eq!(stranger.claim(&relay).await.err(), TAKEN);
}

#[tokio::test]
async fn a_network_that_has_used_up_its_leases_registers_without_one() {
    let relay = TestRelay::start().await;
    let mut agents = Vec::new();
    for _ in 0..30 {
        agents.push(FakeAgent::start(&relay).await);
    }
    assert!(agents.iter().all(|agent| !agent.lease.is_empty()));
    for _ in 0..3 {
        assert_eq!(FakeAgent::start(&relay).await.lease, "");
    }
}

#[tokio::test]
async fn a_lease_is_renewed_however_many_its_network_has_used_up() {
    let relay = TestRelay::start().await;
    let mut honest = Claimant::of(SupportId::random());
    honest.visit(&relay).await;
    let mut others = Vec::new();
    while others.last().is_none_or(|agent: &FakeAgent| !agent.lease.is_empty()) {
        others.push(FakeAgent::start(&relay).await);
    }
    assert_eq!(others.len(), 30, "29 with, and one without");
    for _ in 0..3 {
        let before = honest.lease.clone();
        let agent = honest.claim(&relay).await.expect("its own");
        assert!(!agent.lease.is_empty() && Some(&agent.lease) != before.as_ref());
    }
    // Only in the place of a lease for that very ID and key.
    let lease = honest.lease.as_deref();
    let other = FakeAgent::register(&relay, &honest.key, SupportId::random(), lease).await.expect("free");
    assert_eq!(other.lease, "");
    drop(FakeAgent::register(&relay, &honest.key, honest.id, None).await.expect("its own"));
    let forged = FakeAgent::register(&relay, &honest.key, honest.id, Some("k.e30.AAAA")).await;
    assert_eq!(forged.expect("its own").lease, "");
}

#[tokio::test]
async fn a_boot_that_cannot_be_written_down_honours_leases_and_issues_none() {
    let relay = TestRelay::start().await;
    let id = SupportId::random();
    let mut honest = Claimant::of(id);
    drop(honest.claim(&relay).await.expect("free"));
    let full = "CREATE TRIGGER full BEFORE UPDATE ON boots BEGIN SELECT RAISE(FAIL, 'disk is full'); END";
    let relay = relay.kill_and_restart_with(|store| store.execute_batch(full).expect("made")).await;
    let mut squatting = Claimant::of(id).claim(&relay).await.expect("free");
    assert_eq!(squatting.lease, "");
    let back = honest.claim(&relay).await.expect("its own");
    assert_eq!(back.lease, "");
    loses_it(&mut squatting).await;
    // The next boot has a number that no lease was issued under.
    drop(back);
    let room = |store: &rusqlite::Connection| store.execute_batch("DROP TRIGGER full").expect("dropped");
    let relay = relay.kill_and_restart_with(room).await;
    let mut squatting = Claimant::of(id).claim(&relay).await.expect("free");
    let _back = honest.claim(&relay).await.expect("its own");
    loses_it(&mut squatting).await;
}
