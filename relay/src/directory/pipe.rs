//! One pipe: which connections are attached, which of them wait, which are spliced.
//!
//! # Pipes that go on
//!
//! Pipes that go on (`directory/pipe.rs`, `switchboard/seats.rs`, `pipe.rs`). Every attachment has a seat; the first
//! one splices, the second one hands its connection over. A pipe of an admitted session keeps at most two connections
//! per side: a splice, and beside it an attachment that waits for the partner to attach again, or the newer splice.
//! The partner is asked with the text `attach-again`, in between the messages. The relay cannot see a proof, so the
//! *oldest* splice counts as the proven one, and only what is newer is displaced. A lost connection closes the
//! partner's with `attach-again`; a close that is final (`protocol/src/pipe/closing.rs`) closes the pipe, over
//! whichever connection it comes.
//!
//! Beside all that, the control pipe keeps one spare connection per side, over another interface of that side's
//! computer. It has a seat so that it is closed with the pipe, and that is all: nobody is displaced by it, asked to
//! attach again because of it, or told when it goes. When it is used it is an attachment like any other.

use std::time::Instant;

use fieldlink_protocol::code::Code;
use fieldlink_protocol::ids::{ObserverId, RunId};
use fieldlink_protocol::pipe::{PipeKind, Role};

use super::{AttachmentId, CloseCause, Effect, Times};

/// What attaching leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attach {
    /// Wait for the partner's first coming, until then.
    Wait {
        /// From then on it was in vain.
        until: Instant,
    },
    /// The pipe was spliced before: wait for the partner to attach again.
    WaitAgain {
        /// From then on it was in vain.
        until: Instant,
    },
    /// The partner waits: join it.
    Join(AttachmentId),
}

/// A pipe that was not closed yet.
pub(super) struct Pipe {
    pub(super) kind: Code<PipeKind>,
    pub(super) run: RunId,
    /// Whether it outlives a lost connection.
    pub(super) goes_on: bool,
    /// The link of whom it is for, if it is for somebody who watches.
    pub(super) observer: Option<ObserverId>,
    slot: Slot,
    /// The spare connections of the engineer and of the agent.
    spares: [Option<AttachmentId>; 2],
}

/// At most two connections per side: an older splice, and beside it a newer one or an attachment that waits for it.
enum Slot {
    /// Never spliced. It lapses at `until`, unless a side waits at it by then.
    New { until: Instant, waiting: Option<Waiter> },
    /// Spliced before. It lapses at `until`.
    Apart { until: Instant, waiting: Option<Waiter> },
    /// The oldest splice is the one that may be proven: nothing displaces it.
    Joined { oldest: AttachmentId, newer: Newer },
}

enum Newer {
    None,
    Waiting(Waiter),
    Joined(AttachmentId),
}

/// An attachment that waits for its partner, whose connection it will splice with its own.
#[derive(Clone, Copy)]
pub(super) struct Waiter {
    pub(super) side: Role,
    pub(super) id: AttachmentId,
}

/// What an attachment does at its pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Post {
    /// It waits, at a pipe that was never spliced.
    WaitsAtNew,
    /// It waits, and the pipe was spliced before.
    WaitsAgain,
    /// It splices, in the older or in the newer place.
    Splices,
}

impl Pipe {
    /// A pipe to which both sides are still to come.
    pub(super) fn expected(kind: impl Into<Code<PipeKind>>, run: RunId, until: Instant) -> Self {
        let kind = kind.into();
        let goes_on = kind != PipeKind::Control;
        let slot = Slot::New { until, waiting: None };
        Self { kind, run, goes_on, observer: None, slot, spares: [None; 2] }
    }

    /// A pipe that was spliced before, by an earlier relay.
    pub(super) fn apart(kind: impl Into<Code<PipeKind>>, run: RunId, until: Instant) -> Self {
        let kind = kind.into();
        let slot = Slot::Apart { until, waiting: None };
        Self { kind, run, goes_on: true, observer: None, slot, spares: [None; 2] }
    }

    /// Attaches `new`: it joins the attachment that waits on the other side, or waits itself.
    pub(super) fn attach(
        &mut self,
        new: Waiter,
        now: Instant,
        times: &Times,
        effects: &mut Vec<Effect>,
    ) -> Attach {
        if let Some(partner) = self.waiter().filter(|waiter| waiter.side != new.side) {
            self.slot = match self.slot {
                Slot::Joined { oldest, .. } => Slot::Joined { oldest, newer: Newer::Joined(partner.id) },
                _ => Slot::Joined { oldest: partner.id, newer: Newer::None },
            };
            return Attach::Join(partner.id);
        }
        let replaced = |earlier: Waiter| Effect::Part(earlier.id, CloseCause::Displaced(earlier.side));
        match &mut self.slot {
            Slot::New { waiting, .. } => {
                effects.extend(waiting.replace(new).map(replaced));
                Attach::Wait { until: now + times.partner }
            }
            Slot::Apart { waiting, until } => {
                effects.extend(waiting.replace(new).map(replaced));
                Attach::WaitAgain { until: *until }
            }
            Slot::Joined { oldest, newer } => {
                match std::mem::replace(newer, Newer::Waiting(new)) {
                    // Its partner is told by the close.
                    Newer::Joined(splice) => {
                        effects.push(Effect::Part(splice, CloseCause::Displaced(new.side)))
                    }
                    Newer::Waiting(earlier) => {
                        effects.extend([replaced(earlier), Effect::AttachAgain(*oldest, new.side.peer())]);
                    }
                    Newer::None => effects.push(Effect::AttachAgain(*oldest, new.side.peer())),
                }
                Attach::WaitAgain { until: now + times.apart }
            }
        }
    }

    /// What this attachment does here; `None` if it has no place (any more).
    pub(super) fn post(&self, id: AttachmentId) -> Option<Post> {
        let waits = self.waiter().is_some_and(|waiter| waiter.id == id);
        match &self.slot {
            Slot::New { .. } if waits => Some(Post::WaitsAtNew),
            Slot::Apart { .. } | Slot::Joined { .. } if waits => Some(Post::WaitsAgain),
            Slot::Joined { oldest, newer } => {
                let splices = *oldest == id || matches!(newer, Newer::Joined(newer) if *newer == id);
                splices.then_some(Post::Splices)
            }
            _ => None,
        }
    }

    /// Whether a newer splice than this one runs.
    pub(super) fn has_newer_splice(&self, id: AttachmentId) -> bool {
        matches!(self.slot, Slot::Joined { oldest, newer: Newer::Joined(_) } if oldest == id)
    }

    /// The attachment gives its place up.
    pub(super) fn release(&mut self, id: AttachmentId, now: Instant, times: &Times) {
        let post = self.post(id);
        match &mut self.slot {
            Slot::New { until, waiting } if post.is_some() => {
                (*until, *waiting) = (now + times.partner, None);
            }
            Slot::Apart { waiting, .. } if post.is_some() => *waiting = None,
            Slot::Joined { oldest, newer } if *oldest == id => {
                let until = now + times.apart;
                self.slot = match *newer {
                    Newer::None => Slot::Apart { until, waiting: None },
                    Newer::Waiting(waiter) => Slot::Apart { until, waiting: Some(waiter) },
                    Newer::Joined(oldest) => Slot::Joined { oldest, newer: Newer::None },
                };
            }
            Slot::Joined { newer, .. } if post.is_some() => *newer = Newer::None,
            _ => {}
        }
    }

    /// Takes in a spare connection of a side, in place of an earlier one. Nobody else is told of it.
    pub(super) fn keep_spare(&mut self, spare: Waiter, effects: &mut Vec<Effect>) {
        let earlier = self.spares[place_of(spare.side)].replace(spare.id);
        effects.extend(earlier.map(|earlier| Effect::Part(earlier, CloseCause::Displaced(spare.side))));
    }

    /// A spare connection is gone, or becomes an attachment.
    pub(super) fn release_spare(&mut self, id: AttachmentId) {
        for spare in &mut self.spares {
            spare.take_if(|spare| *spare == id);
        }
    }

    /// All that have a seat.
    pub(super) fn seats(&self) -> impl Iterator<Item = AttachmentId> + use<> {
        self.attachments().chain(self.spares.into_iter().flatten())
    }

    /// The attachments that have a seat: that of each splice, and the one that waits.
    pub(super) fn attachments(&self) -> impl Iterator<Item = AttachmentId> + use<> {
        let oldest = match &self.slot {
            Slot::Joined { oldest, .. } => Some(*oldest),
            _ => None,
        };
        let newer = match &self.slot {
            Slot::Joined { newer: Newer::Joined(newer), .. } => Some(*newer),
            _ => self.waiter().map(|waiter| waiter.id),
        };
        oldest.into_iter().chain(newer)
    }

    /// The attachment that waits, alone or beside a splice.
    pub(super) fn waiter(&self) -> Option<Waiter> {
        match &self.slot {
            Slot::New { waiting, .. } | Slot::Apart { waiting, .. } => *waiting,
            Slot::Joined { newer: Newer::Waiting(waiter), .. } => Some(*waiter),
            Slot::Joined { .. } => None,
        }
    }

    /// Whether it was spliced before, and goes on: sides that come to it come back.
    pub(super) fn was_spliced(&self) -> bool {
        self.goes_on && !matches!(self.slot, Slot::New { .. })
    }

    pub(super) fn is_joined(&self) -> bool {
        matches!(self.slot, Slot::Joined { .. })
    }

    /// When it is given up unless something happens to it.
    pub(super) fn lapses_at(&self) -> Option<Instant> {
        match self.slot {
            Slot::New { until, waiting: None } | Slot::Apart { until, .. } => Some(until),
            // How long the first one waits is its own matter.
            Slot::New { waiting: Some(_), .. } | Slot::Joined { .. } => None,
        }
    }
}

fn place_of(side: Role) -> usize {
    match side {
        Role::Engineer => 0,
        Role::Agent => 1,
    }
}
