//! What the client was asked, each question with its answer.

use std::collections::BTreeMap;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::reason::Reason;

use crate::{Certified, Consent, Entry, Event, Person, Stamp, Use};

/// A question to the client, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its number; none: whether an engineer may come in.
    pub id: Option<QuestionId>,
    /// When it was asked.
    pub at: Stamp,
    /// What was asked.
    pub matter: Matter,
    /// What came of it, if the record tells.
    pub reply: Option<Reply>,
}

/// What the client was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// Whether an engineer may come in.
    Entry {
        /// Their place.
        seat: u64,
        /// Who.
        person: Person,
        /// What proves who they are.
        certified: Option<Box<Certified>>,
    },
    /// Something that an engineer asked.
    Question {
        /// Their place.
        seat: u64,
        /// What.
        question: Question,
    },
    /// Whether something may be done.
    Leave(Use),
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// An answer to an engineer's question.
    Answer(Answer),
    /// Yes or no.
    Consent(Consent),
    /// It was taken back.
    Withdrawn,
}

/// The questions of an account, in order.
pub(super) fn of(entries: &[Entry]) -> Vec<Exchange> {
    let mut asked = Asked::default();
    entries.iter().for_each(|entry| asked.follow(entry));
    asked.exchanges
}

#[derive(Default)]
struct Asked {
    exchanges: Vec<Exchange>,
    by_id: BTreeMap<QuestionId, usize>,
    by_seat: BTreeMap<u64, usize>,
}

impl Asked {
    fn follow(&mut self, Entry { at, event, .. }: &Entry) {
        match event {
            Event::ConsentAsked { person, seat, certified } => {
                let (person, certified) = (person.clone(), certified.clone());
                self.by_seat.insert(*seat, self.exchanges.len());
                self.push(None, at, Matter::Entry { seat: *seat, person, certified });
            }
            Event::Asked { id, seat, question } => {
                self.push(Some(*id), at, Matter::Question { seat: *seat, question: question.clone() });
            }
            Event::LeaveAsked { id, leave } => self.push(Some(*id), at, Matter::Leave(leave.clone())),
            Event::Answered { id, answer } => self.reply(id, Reply::Answer(answer.clone())),
            Event::LeaveAnswered { id, consent } => self.reply(id, Reply::Consent(*consent)),
            Event::Withdrawn { id } => self.reply(id, Reply::Withdrawn),
            Event::ConsentGiven { seat } => {
                let place = self.by_seat.get(seat).copied();
                self.set(place, Reply::Consent(Consent::Yes));
            }
            Event::SessionEnded { reason: Reason::ClientRefused, .. } => self.refuse(Consent::No),
            Event::SessionEnded { reason: Reason::NoAnswer, .. } => self.refuse(Consent::NoAnswer),
            _ => {}
        }
    }

    fn push(&mut self, id: Option<QuestionId>, at: &Stamp, matter: Matter) {
        if let Some(id) = id {
            self.by_id.insert(id, self.exchanges.len());
        }
        self.exchanges.push(Exchange { id, at: at.clone(), matter, reply: None });
    }

    fn reply(&mut self, id: &QuestionId, reply: Reply) {
        let place = self.by_id.get(id).copied();
        self.set(place, reply);
    }

    /// The session is over because the client did not let the engineer in.
    fn refuse(&mut self, consent: Consent) {
        let place = self.by_seat.values().max().copied();
        self.set(place, Reply::Consent(consent));
    }

    fn set(&mut self, place: Option<usize>, reply: Reply) {
        if let Some(exchange) = place.and_then(|place| self.exchanges.get_mut(place)) {
            exchange.reply.get_or_insert(reply);
        }
    }
}
