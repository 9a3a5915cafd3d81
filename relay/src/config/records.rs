//! `[records]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::time_stamps::AuthorityUrl;

/// What is kept of sessions, and who else says when their records ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// Days for which anchors are kept: what was signed of sessions' accounts.
    pub retention_days: u32,
    /// The authority that is asked for time stamps of records.
    pub anchor_tsa: Option<AuthorityUrl>,
    /// What its certificate is judged by, PEM; if it is not named, by what this computer trusts.
    pub anchor_tsa_ca: Option<PathBuf>,
}

impl Records {
    /// How long anchors are kept.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 86_400)
    }

    pub(super) fn check_authority(&self) -> Result<(), (&'static str, String)> {
        let is_secure = self.anchor_tsa.as_ref().is_some_and(AuthorityUrl::is_secure);
        if self.anchor_tsa_ca.is_some() && !is_secure {
            let problem = "is for an authority that is asked over TLS, and anchor_tsa names none (https://)";
            return Err(("records.anchor_tsa_ca", problem.into()));
        }
        Ok(())
    }
}

impl Default for Records {
    fn default() -> Self {
        Self { retention_days: 90, anchor_tsa: None, anchor_tsa_ca: None }
    }
}
