//! Carrying out what the rules' events call for.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::feature;
use fieldlink_protocol::messages::agent::Claim;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;

use super::attesting::Attestation;
use super::closing::Closing;
use super::device_watch::DeviceWatch;
use super::{Access, Unconfirmed, account};
use crate::clock;
use crate::diagnosis::DiagnosisService;
use crate::health::HealthService;
use crate::network::monitor::Standing;
use crate::record::{Fetch, Reports};
use crate::rules::{Ending, Request, RuleEvent};
use crate::session::policy::SessionPolicy;
use crate::session::{LiveSession, OwnSubsystems, Parting, SessionOffer};
use crate::tunnel::Tunnel;
use crate::view::notice_of;
use fieldlink_ssh::session_process::EndOutcome;

impl Access {
    /// Carries out all that happened, in order.
    pub(super) async fn carry_out_events(&mut self) -> Result<(), Unconfirmed> {
        while let Some(event) = self.rules.poll_event() {
            account::audit(&event);
            self.record(&event);
            if let Some(notification) = account::notification_of(&event) {
                // It fails only if there is no receiver, which is fine.
                let _ = self.notifications.send(notification);
            }
            self.tell_engineer(&event);
            self.tell_observers(&event);
            self.carry_out(event).await?;
        }
        self.records.verdict_is_wanted(self.rules.verdict().session());
        Ok(())
    }

    async fn carry_out(&mut self, event: RuleEvent) -> Result<(), Unconfirmed> {
        match event {
            RuleEvent::Opened { support_id } => self.open_tunnel(support_id),
            RuleEvent::Registered => {
                self.network.tunnel_is(Standing::Registered);
                self.say_again_to_relay();
            }
            RuleEvent::RelayLost(failure) => self.network.tunnel_is(Standing::Failed(failure)),
            RuleEvent::Declined { request, reason } | RuleEvent::TryFailed { request, reason, .. } => {
                self.decline(&request, reason);
            }
            RuleEvent::PinVerified { request } => self.greet(&request),
            RuleEvent::Allowed { .. } => self.begin().await,
            RuleEvent::Begun => self.say_again_to_relay(),
            RuleEvent::NotLetIn { request, told, .. } => return self.turn_away(&request, told).await,
            RuleEvent::Admitted { length, deadline, .. } => {
                self.device = Some(DeviceWatch::start(self.around.health.clone(), self.network.clone()));
                self.admit(length, deadline);
            }
            RuleEvent::Returned { deadline, .. } => {
                let left = deadline.saturating_sub(clock::now());
                self.admit(left.max(Duration::from_secs(1)), deadline);
                self.say_standing();
                self.note_told();
            }
            RuleEvent::RestartAgreed { question, request, is_power } => {
                self.prepare_restart((question, request, is_power));
            }
            RuleEvent::Restarts { request, is_power } => return self.go_down(&request, is_power).await,
            RuleEvent::CarryOnAgreed { .. } => self.go_on(),
            RuleEvent::UseDecided { uses, verdict, .. } => self.uses.decide(&uses, verdict),
            RuleEvent::OperationDecided { id, verdict } => self.operations.decide(id, verdict),
            RuleEvent::OperationTold { .. } => self.note_told(),
            RuleEvent::OperationHeard { run } => self.state_files.set_told_operation(run),
            RuleEvent::ClientAway { is_held } => self.hold_input(is_held),
            RuleEvent::ClientHere { .. } => self.hold_input(false),
            RuleEvent::Transfers { transfers, limit } => {
                self.session.iter().for_each(|session| session.set_transfers(transfers, limit));
            }
            RuleEvent::Extended { deadline, .. } => {
                // The engineer's side shows how much time is left; after a grant it should know at once.
                self.session.iter().for_each(|session| session.set_deadline(deadline));
                let guests = self.seats.iter().filter_map(|seat| seat.live.as_ref());
                guests.for_each(|live| live.set_deadline(deadline));
            }
            RuleEvent::Guest { seat, event } => self.carry_out_of_guest(seat, event),
            RuleEvent::Observer { observer, event, .. } => self.carry_out_of_observer(observer, &event),
            RuleEvent::HandedOver { from, to, .. } => self.hand_over(from, to),
            RuleEvent::Closed { request, ending, is_relay_away } => {
                return self.close(request, ending, is_relay_away).await;
            }
            // Only told: to the engineer, to the client, or to both.
            RuleEvent::ConsentAsked { .. }
            | RuleEvent::CarryOnOffered { .. }
            | RuleEvent::NotAsked { .. }
            | RuleEvent::Answered { .. }
            | RuleEvent::Announced { .. }
            | RuleEvent::Runbook(_)
            | RuleEvent::PresenceAsked { .. }
            | RuleEvent::Interrupted { .. }
            | RuleEvent::Resumed
            | RuleEvent::NotBelieved { .. }
            | RuleEvent::Asked(_)
            | RuleEvent::QuietBegan { .. }
            | RuleEvent::QuietOver
            | RuleEvent::Called
            | RuleEvent::VerdictGiven { .. }
            | RuleEvent::Noted { .. }
            | RuleEvent::OutcomeSaid(_)
            | RuleEvent::UseAnswered { .. }
            | RuleEvent::OperationAnswered { .. }
            | RuleEvent::OperationNotStarted { .. }
            | RuleEvent::OperationIs { .. }
            | RuleEvent::DataAnswered { .. }
            | RuleEvent::DataUsed { .. }
            | RuleEvent::BatteryLow { .. }
            | RuleEvent::BatteryIs { .. }
            | RuleEvent::HealthWarned { .. }
            | RuleEvent::Withdrawn { .. }
            | RuleEvent::TimeLeft { .. }
            | RuleEvent::Chat { .. }
            | RuleEvent::ChatAgain { .. }
            | RuleEvent::GuestAnswered { .. }
            | RuleEvent::People
            | RuleEvent::RecordingStopped { .. }
            | RuleEvent::ChatDelayed => {}
        }
        Ok(())
    }

    fn hold_input(&self, is_held: bool) {
        self.session.iter().for_each(|session| session.hold_input(is_held));
    }

    /// A program that knows nothing of operations was told nothing.
    fn note_told(&mut self) {
        if self.engineer_has(feature::OPERATIONS) {
            self.rules.handle_operation_told(clock::now());
        }
    }

    fn open_tunnel(&mut self, support_id: SupportId) {
        // Who begins anew does not go on with what was before.
        self.forget_carried();
        self.support_id = Some(support_id);
        // A key of its own for every pair: nothing ties one support ID to the next.
        self.key = Arc::new(RegistrationKey::generate());
        self.network.tunnel_is(Standing::Connecting);
        let claim = Claim::SupportId { support_id, lease: None, joins: None };
        // The earlier one is cut first, if there is one.
        self.tunnel = None;
        self.tunnel = Some(Tunnel::open(self.dialer.clone(), self.key.clone(), claim));
    }

    fn greet(&mut self, request: &Request) {
        let Some(verified) = self.proven.take() else { return };
        match LiveSession::greet(*verified, request, &self.around) {
            Ok(session) => self.session = Some(session),
            Err(error) => {
                tracing::error!(%error, "no host key");
                self.rules.handle_failure(Reason::ScannerFailed, clock::now());
            }
        }
    }

    /// Starts what serves the engineer.
    async fn begin(&mut self) {
        // Other engineers' runs lead nowhere any more: the pair is gone.
        self.pairings.shutdown().await;
        self.pairing.clear();
        let policy = SessionPolicy::new(self.around.policy.clone(), self.uses.sender.clone());
        let recorded = self.records.recording().map(|recording| recording.channels());
        let health = HealthService::new(self.around.health.clone(), self.network.clone());
        let (diagnoses, network) = (self.around.diagnoses.clone(), self.network.clone());
        let diagnoses = DiagnosisService { diagnoses, network };
        let operations = self.operations.service();
        let subsystems = Arc::new(OwnSubsystems { operations, health, diagnoses });
        let offer = SessionOffer { policy: Arc::new(policy), subsystems, recorded };
        if let Some(session) = &mut self.session {
            session.begin(offer);
        }
    }

    fn admit(&self, length: Duration, deadline: Duration) {
        self.session.iter().for_each(|session| session.admit(length, deadline));
    }

    /// Tells the engineer, then the relay, why there will be no session.
    async fn turn_away(&mut self, request: &Request, reason: Reason) -> Result<(), Unconfirmed> {
        let session = self.session.take();
        let declining = async { self.decline(request, reason) };
        end(session, reason, declining).await
    }

    /// Lets `goodbye` be said, as long as the agent runs.
    pub(super) fn farewell(&mut self, goodbye: impl Future<Output = ()> + Send + 'static) {
        self.reap_farewells();
        self.goodbyes.spawn(goodbye);
    }

    /// Forgets farewells that were said.
    pub(super) fn reap_farewells(&mut self) {
        while let Some(said) = self.goodbyes.try_join_next() {
            if let Err(error) = said {
                tracing::error!(%error, "a farewell failed by itself");
            }
        }
    }

    /// Everything ends; the client reads why.
    async fn close(
        &mut self,
        request: Option<Request>,
        ending: Ending,
        is_relay_away: bool,
    ) -> Result<(), Unconfirmed> {
        self.network.tunnel_is(Standing::Off);
        let reason = ending.reason();
        self.proven = None;
        self.pairings.shutdown().await;
        self.pairing.clear();
        let returning = std::mem::take(&mut self.returning);
        self.farewell(returning.give_up(Reason::PairingAborted));
        let tunnel = self.tunnel.take();
        let carried = request.as_ref().map(|request| request.session);
        let is_told = tunnel.is_some();
        let is_known_there = self.session.is_some() || self.on_its_way.is_some();
        let is_fetched = |reports: &Arc<Reports>| {
            self.relay.has(feature::REPORT)
                && (self.engineer_has(feature::REPORT) || !reports.readers.is_empty())
        };
        let reports = self.records.reports().filter(is_fetched);
        // Once the engineer's side has the sealed word.
        let telling = async {
            if let (Some((tunnel, _)), Some(request)) = (&tunnel, &request) {
                tunnel.send(Closing::word(reports.is_some(), request.session, reason));
            }
        };
        // They were told before, each over connections of their own.
        let guests = self.seats.ended();
        let parting = part(self.session.take(), (reason, reports.is_some()), telling);
        let ((outcome, parting), (guests, closings)) = tokio::join!(parting, guests);
        let outcome = if guests == EndOutcome::Unconfirmed { Err(Unconfirmed) } else { outcome };
        let health = self.last_health(reason);
        let attestation = self.records.close(self.relay.clone(), self.rules.verdict().session(), health);
        let record = attestation.as_ref().map(Attestation::session);
        closings.into_iter().for_each(|closing| self.closings.add(record, *closing));
        let on_its_way = self.on_its_way.as_ref().map(|it| it.carry_on.continuity().session);
        let left = on_its_way.or(record).or(carried);
        left.into_iter().for_each(|session| self.records.close_unfinished(session, reason));
        if let Some(tunnel) = tunnel {
            let (is_kept, is_relay_here) = (reports.is_some(), !(is_relay_away && is_known_there));
            match carried {
                Some(session) => self.closings.add(
                    record,
                    Closing {
                        session,
                        reason,
                        tunnel,
                        is_kept,
                        is_relay_here,
                        parting,
                        fetch: reports.map(Fetch::of),
                        attestation,
                    },
                ),
                None => tunnel.0.close().await,
            }
        }
        if let Some(session) = carried {
            self.end_carrying(session, reason, is_told);
        }
        self.uses.give_up();
        self.operations.give_up();
        if let Some(device) = self.device.take() {
            device.close().await;
        }
        self.session_ticket = None;
        self.notice = Some(notice_of(&ending));
        self.show();
        self.state_files.set_sessions(&[]);
        if outcome.is_err() {
            self.state_files.set_last_words(reason);
        }
        outcome
    }
}

/// Ends a session, if there is one; `afterwards` runs once the engineer's side knows.
pub(super) async fn end(
    session: Option<LiveSession>,
    reason: Reason,
    afterwards: impl Future<Output = ()>,
) -> Result<(), Unconfirmed> {
    part(session, (reason, false), afterwards).await.0
}

/// As [`end`]; and what is left of the session, if it `stays` for its report.
pub(super) async fn part(
    session: Option<LiveSession>,
    (reason, stays): (Reason, bool),
    afterwards: impl Future<Output = ()>,
) -> (Result<(), Unconfirmed>, Option<Parting>) {
    let Some(session) = session else {
        afterwards.await;
        return (Ok(()), None);
    };
    let (outcome, parting) = session.part((reason, stays), afterwards).await;
    match outcome {
        EndOutcome::Orderly | EndOutcome::Killed => (Ok(()), parting),
        EndOutcome::Unconfirmed => (Err(Unconfirmed), parting),
    }
}
