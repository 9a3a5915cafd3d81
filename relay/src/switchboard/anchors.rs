//! What is signed of accounts: asked for by agents, signed and written down in turn by one task, then told.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use fieldlink_evidence::{Anchor, Head, KeptAnchor};
use fieldlink_protocol::ids::{ObserverId, SessionId};
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::messages::observer::ToObserver;
use fieldlink_protocol::{feature, timestamp};

use serde::Serialize;

use super::{Mailbox, Outgoing, State, Switchboard};
use crate::anchors::Signer;
use crate::directory::ConnectionId;
use crate::store::{Anchoring, NewAnchor, UnixTime, unix_now};

/// Heads that may wait to be signed. What comes beyond is left out: a later head says all that an earlier one does.
const QUEUE: usize = 4_096;
/// Those that are written at once.
const BATCH: usize = 64;

/// The heads that wait to be signed.
#[derive(Default)]
pub(super) struct Waiting(VecDeque<Asked>);

/// A head that an agent wants signed.
struct Asked {
    agent: ConnectionId,
    session: SessionId,
    head: Head,
    /// The engineer whose session it was, after its end: the agent may be gone, too, when it is signed.
    late: Option<ConnectionId>,
}

impl Switchboard {
    /// Notes what a peer takes.
    pub(crate) fn note_features(&self, mailbox: &Mailbox, features: &Features) {
        let [takes_anchors, takes_reports] =
            [feature::ANCHORS, feature::REPORT].map(|name| features.has(name));
        self.with(|state| {
            if let Some(entry) = state.mailboxes.get_mut(&mailbox.id) {
                (entry.takes_anchors, entry.takes_reports) = (takes_anchors, takes_reports);
            }
        });
    }

    /// A mailbox for somebody who watches and takes anchors.
    pub(crate) fn connect_onlooker(self: &Arc<Self>, address: IpAddr) -> Mailbox {
        let mailbox = self.connect(address, |_, _| {});
        self.note_features(&mailbox, &Features::ours());
        mailbox
    }

    /// From now on they are told. False: not this one.
    pub(crate) fn look_on(&self, mailbox: &Mailbox, session: SessionId, observer: ObserverId) -> bool {
        self.with(|state| state.directory.look_on(mailbox.id, session, observer))
    }

    /// An agent wants the account of a session signed. What it may not have is left out without an answer.
    pub(super) fn anchor(&self, state: &mut State, agent: ConnectionId, session: SessionId, head: Head) {
        match state.directory.anchor(agent, session, Instant::now()) {
            Ok(late) if state.anchors.0.len() < QUEUE => {
                state.anchors.0.push_back(Asked { agent, session, head, late });
                self.heads_wait.notify_one();
            }
            Ok(_) => tracing::debug!(%session, "no anchor: too many wait to be written down"),
            Err(why) => tracing::debug!(%session, ?why, "no anchor"),
        }
    }

    /// Signs and tells what agents ask for, as long as it is polled. Nobody is told of what is not written down.
    pub(crate) async fn give_anchors(&self, mut signer: Signer) {
        loop {
            self.heads_wait.notified().await;
            loop {
                let asked: Vec<_> = self.with(|state| {
                    let count = state.anchors.0.len().min(BATCH);
                    state.anchors.0.drain(..count).collect()
                });
                if asked.is_empty() {
                    break;
                }
                self.give(&mut signer, asked).await;
            }
        }
    }

    async fn give(&self, signer: &mut Signer, asked: Vec<Asked>) {
        let at = unix_now();
        let signed = asked
            .into_iter()
            .filter_map(|asked| Some(((asked.agent, asked.late), asked.signed(signer, at)?)));
        let (agents, anchors): (Vec<_>, Vec<_>) = signed.unzip();
        if anchors.is_empty() {
            return;
        }
        let sessions: Vec<_> = anchors.iter().map(|new: &NewAnchor| new.anchor.session).collect();
        // The store says what is wrong.
        let Ok(kept) = self.store().keep_anchors(anchors).await else { return };
        self.with(|state| {
            for (((agent, late), session), anchoring) in agents.into_iter().zip(sessions).zip(kept) {
                match anchoring {
                    Anchoring::Kept(kept) => state.tell_of((agent, late), session, &kept),
                    refused => tracing::debug!(%session, ?refused, "no anchor"),
                }
            }
        });
    }
}

impl Asked {
    fn signed(&self, signer: &mut Signer, at: UnixTime) -> Option<NewAnchor> {
        let (session, head) = (self.session, self.head);
        let anchor = Anchor { session, head, time: timestamp::utc(at) };
        let kept = signer.sign(&anchor)?;
        Some(NewAnchor { anchor, at, kept })
    }
}

impl State {
    /// Tells the agent, and everybody in the session who listed that they take it.
    fn tell_of(
        &self,
        (agent, late): (ConnectionId, Option<ConnectionId>),
        session: SessionId,
        kept: &KeptAnchor,
    ) {
        let audience = self.directory.audience(session, late);
        let (watching, engineers): (Vec<_>, Vec<_>) =
            audience.into_iter().partition(|link| self.directory.is_onlooker(*link));
        let KeptAnchor { line, signature } = kept.clone();
        self.tell_takers(&engineers, &ToEngineer::Anchored { session, line, signature });
        let KeptAnchor { line, signature } = kept.clone();
        self.tell_takers(&watching, &ToObserver::Anchored { session, line, signature });
        let KeptAnchor { line, signature } = kept.clone();
        self.tell_takers(&[agent], &ToAgent::Anchored { session, line, signature });
    }

    fn tell_takers(&self, links: &[ConnectionId], message: &impl Serialize) {
        let text = encode(message);
        for entry in links.iter().filter_map(|link| self.mailboxes.get(link)) {
            if entry.takes_anchors {
                entry.put_if_free(Outgoing::Text(text.clone()));
            }
        }
    }
}
