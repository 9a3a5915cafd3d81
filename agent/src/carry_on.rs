//! What a session needs to go on after a restart of the device: one file in the state directory, readable by this account
//! alone, that is removed, durably, before anything of it is used. None of it opens the session by itself: the client is
//! asked, and the engineer's program has to know the restart key (OPAQUE) and, where certificates are asked for, to have
//! the key with which the session began.

mod judge;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fieldlink_identity::{Proof, Proven};
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{RunId, SessionId};
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub(crate) use judge::{Judgement, NotCarriedOn};
pub(crate) use store::{CarryOnStore, Wanted, machine_id};

use crate::engineers::Engagement;
use crate::rules::{Carried, Continuity, Request, SeatId};
use crate::state_files::hexadecimal;

/// Version of the file; any other is refused.
const VERSION: u32 = 1;

/// Restarts the device.
pub(crate) trait Restarter: Send + Sync {
    /// Whether it could, as far as is known.
    fn can_restart(&self) -> BoxFuture<'static, bool>;

    /// Does it; or why it does not.
    fn restart(&self) -> BoxFuture<'static, Result<(), String>>;
}

/// What restarts take.
#[derive(Clone)]
pub(crate) struct RestartDeps {
    /// Where sessions are written down.
    pub(crate) store: CarryOnStore,
    /// Restarts the device.
    pub(crate) restarter: Arc<dyn Restarter>,
}

/// What is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    version: u32,
    /// Which computer (`machine-id(5)`).
    machine: String,
    /// When, in Unix seconds, and how many seconds the session had left then, and could be made longer by.
    wall: u64,
    remaining: u64,
    extendable: u64,
    session: SessionId,
    /// The name of its record, if the session has changed hands; the place of the engineer who has it, and the last place
    /// that was given. Versions before did not write them.
    #[serde(default)]
    record: Option<SessionId>,
    #[serde(default)]
    seat: u64,
    #[serde(default)]
    last_seat: u64,
    run: RunId,
    support_id: SupportId,
    engineer: EngineerIdentity,
    ticket: String,
    partner: Option<String>,
    session_ticket: Signed<SessionTicket>,
    /// The registration key that the ticket is for.
    #[serde(with = "hexadecimal")]
    key: Secret<32>,
    /// The password with which the engineer's program comes back.
    #[serde(with = "hexadecimal")]
    restart_key: Secret<32>,
    engaged: Option<Engaged>,
}

/// Who the engineer has proven to be.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Engaged {
    name: String,
    company: String,
    authority: String,
    authority_fingerprint: String,
    key_id: String,
    serial: u64,
    principal: String,
    fingerprint: String,
    is_user_verified: bool,
    proof: Vec<u8>,
}

/// A session that is to go on, as the agent has it in hand before the restart.
pub(crate) struct ToCarry<'a> {
    pub(crate) request: &'a Request,
    pub(crate) continuity: Continuity,
    pub(crate) support_id: SupportId,
    pub(crate) session_ticket: Signed<SessionTicket>,
    pub(crate) key: Secret<32>,
    pub(crate) restart_key: Secret<32>,
    /// How much time is left, and by how much it can be made longer.
    pub(crate) left: (Duration, Duration),
}

/// A session that was written down before the restart.
pub(crate) struct CarryOn {
    stored: Stored,
    /// Since when it has been looked at: the device has been up for longer.
    since: Instant,
}

impl Stored {
    /// Of this computer, now.
    pub(crate) fn of(to_carry: ToCarry<'_>, machine: String) -> Self {
        let ToCarry { request, continuity, support_id, session_ticket, key, restart_key, left } = to_carry;
        let Continuity { session: record, seat: SeatId(seat), last_seat } = continuity;
        let Request { session, run, engineer, ticket, partner, engagement } = request.clone();
        let (remaining, extendable) = (left.0.as_secs(), left.1.as_secs());
        let engaged = engagement.as_deref().map(engaged_of);
        Self {
            version: VERSION,
            machine,
            wall: unix_now(),
            remaining,
            extendable,
            session,
            record: Some(record),
            seat,
            last_seat,
            run,
            support_id,
            engineer,
            ticket,
            partner,
            session_ticket,
            key,
            restart_key,
            engaged,
        }
    }
}

impl CarryOn {
    fn new(stored: Stored) -> Self {
        Self { stored, since: Instant::now() }
    }

    /// What was written down, should the device restart once more: its time goes on from then.
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Whether it may go on now, and for how long.
    pub(crate) fn judge(&self) -> Judgement {
        let Stored { wall, remaining, .. } = self.stored;
        judge::judge((wall, remaining), unix_now(), self.since.elapsed())
    }

    /// The session as the rules know it, with `left` from `now` on, and `within` for the engineer to be back.
    pub(crate) fn carried(&self, (left, within): (Duration, Duration), now: Duration) -> Carried {
        let Stored { session, run, engineer, ticket, partner, engaged, .. } = &self.stored;
        let request = Request {
            session: *session,
            run: *run,
            engineer: engineer.clone(),
            ticket: ticket.clone(),
            partner: partner.clone(),
            engagement: engaged.as_ref().and_then(engagement_of).map(Arc::new),
        };
        let deadline = now + left;
        let most_deadline = deadline + Duration::from_secs(self.stored.extendable);
        Carried { request, continuity: self.continuity(), deadline, most_deadline, until: now + within }
    }

    /// What the session is called.
    pub(crate) fn continuity(&self) -> Continuity {
        let Stored { session, record, seat, last_seat, .. } = self.stored;
        Continuity { session: record.unwrap_or(session), seat: SeatId(seat), last_seat }
    }

    /// The support ID that the session began under.
    pub(crate) fn support_id(&self) -> SupportId {
        self.stored.support_id
    }

    /// The session, its ticket, and the key that the ticket is for.
    pub(crate) fn registration(&self) -> (SessionId, Signed<SessionTicket>, Secret<32>) {
        (self.stored.session, self.stored.session_ticket.clone(), self.stored.key.clone())
    }

    /// The password with which the engineer's program comes back.
    pub(crate) fn restart_key(&self) -> &Secret<32> {
        &self.stored.restart_key
    }
}

fn engaged_of(Engagement { proven, proof }: &Engagement) -> Engaged {
    Engaged {
        name: proven.name.clone(),
        company: proven.company.clone(),
        authority: proven.authority.clone(),
        authority_fingerprint: proven.authority_fingerprint.clone(),
        key_id: proven.key_id.clone(),
        serial: proven.serial,
        principal: proven.principal.clone(),
        fingerprint: proven.fingerprint.clone(),
        is_user_verified: proven.is_user_verified,
        proof: proof.encode(),
    }
}

/// None: it cannot be read. Then nobody proves to be who began the session.
fn engagement_of(engaged: &Engaged) -> Option<Engagement> {
    let proof = Proof::read(&engaged.proof).ok()?;
    let proven = Proven {
        name: engaged.name.clone(),
        company: engaged.company.clone(),
        authority: engaged.authority.clone(),
        authority_fingerprint: engaged.authority_fingerprint.clone(),
        key_id: engaged.key_id.clone(),
        serial: engaged.serial,
        principal: engaged.principal.clone(),
        fingerprint: engaged.fingerprint.clone(),
        is_user_verified: engaged.is_user_verified,
    };
    Some(Engagement { proven, proof })
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
