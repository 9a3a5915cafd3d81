//! An engineer's request for a session.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{RunId, SessionId};

use crate::engineers::Engagement;

/// How long a session may take to begin once the client has allowed it: what runs the engineer's programs is started,
/// which says itself when it fails, and the relay withdraws the support ID.
pub(super) const BEGINNING: Duration = Duration::from_secs(45);

/// Which engineer asks, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which session; drawn by the relay.
    pub session: SessionId,
    /// Which pairing run; the relay draws another one for each try.
    pub run: RunId,
    /// The engineer, as the relay says; the pairing's keys are bound to it.
    pub engineer: EngineerIdentity,
    /// The number of the support case, as the engineer gave it.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
    /// Who the engineer has proven to be; without it, the relay's word is all there is.
    pub engagement: Option<Arc<Engagement>>,
}

impl Request {
    /// Name and company, as a certificate proves them, or else as the relay says. Not cleaned.
    pub(crate) fn names(&self) -> (&str, &str) {
        match &self.engagement {
            Some(engagement) => (&engagement.proven.name, &engagement.proven.company),
            None => (&self.engineer.name, &self.engineer.company),
        }
    }
}
