//! Time stamps for the records of sessions: asked for by agents, fetched from the authority in turn by one task, then told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use fieldlink_protocol::feature;
use fieldlink_protocol::ids::{SessionId, SumsDigest};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::{Features, encode_fit};

use super::{Outgoing, State, Switchboard};
use crate::directory::ConnectionId;
use crate::time_stamps::Authority;

/// Records that may wait for the authority. Those beyond get no time stamp.
const QUEUE: usize = 64;
/// Nobody waits for a time stamp for longer.
const STALE: Duration = Duration::from_secs(60);

/// The records that wait for the authority.
#[derive(Default)]
pub(super) struct Unstamped(VecDeque<Asked>);

/// A record that an agent wants stamped.
struct Asked {
    agent: ConnectionId,
    session: SessionId,
    digest: SumsDigest,
    since: Instant,
}

impl Switchboard {
    /// What this relay has: time stamps only if there is an authority.
    pub(crate) fn features(&self) -> Features {
        match self.has_authority {
            true => Features::ours(),
            false => Features::ours().without(feature::TIME_STAMPS),
        }
    }

    /// An agent wants a time stamp for the record of a session. What it may not have is left out without an answer.
    pub(super) fn time_stamp(
        &self,
        state: &mut State,
        agent: ConnectionId,
        (session, digest): (SessionId, SumsDigest),
    ) {
        if !self.has_authority {
            return;
        }
        match state.directory.time_stamp(agent, session) {
            Ok(()) if state.unstamped.0.len() < QUEUE => {
                state.unstamped.0.push_back(Asked { agent, session, digest, since: Instant::now() });
                self.records_wait.notify_one();
            }
            Ok(()) => tracing::warn!(%session, "no time stamp: too many records wait for the authority"),
            Err(why) => tracing::debug!(%session, ?why, "no time stamp"),
        }
    }

    /// Fetches and tells what agents ask for, one at a time, as long as it is polled.
    pub(crate) async fn give_time_stamps(&self, authority: Authority) {
        loop {
            self.records_wait.notified().await;
            while let Some(asked) = self.with(State::next_unstamped) {
                self.stamp(&authority, asked).await;
            }
        }
    }

    async fn stamp(&self, authority: &Authority, asked: Asked) {
        let Asked { agent, session, digest, .. } = asked;
        let response = match authority.stamp(&digest).await {
            Ok(answer) => BASE64.encode(answer),
            Err(error) => {
                tracing::warn!(%session, authority = %authority.url(), %error, "could not get a time stamp");
                return;
            }
        };
        match encode_fit(&ToAgent::TimeStamped { session, response }) {
            Ok(text) => {
                let is_told = self.with(|state| state.put_if_free(agent, text));
                tracing::info!(%session, is_told, "time stamp");
            }
            Err(error) => tracing::error!(%session, %error, "no time stamp"),
        }
    }
}

impl State {
    /// The next record whose agent is still there and waits.
    fn next_unstamped(&mut self) -> Option<Asked> {
        while let Some(asked) = self.unstamped.0.pop_front() {
            if self.mailboxes.contains_key(&asked.agent) && asked.since.elapsed() < STALE {
                return Some(asked);
            }
            tracing::debug!(session = %asked.session, "no time stamp: nobody waits for it any more");
        }
        None
    }

    fn put_if_free(&self, agent: ConnectionId, text: String) -> bool {
        let mailbox = self.mailboxes.get(&agent);
        mailbox.is_some_and(|mailbox| mailbox.put_if_free(Outgoing::Text(text)))
    }
}
