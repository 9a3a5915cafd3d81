//! What an input to the rules led to.

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::pairing::attempts::Standing;
use fieldlink_protocol::reason::Reason;

/// What the proof of the control pipe led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeted {
    /// Ask the client this.
    Ask(QuestionId),
    /// The PIN is consent enough: have the relay admit at once.
    Admit,
    /// Nobody is being greeted.
    Stale,
}

/// What an answer led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Tell the relay to admit.
    Allowed,
    /// The engineer is told; the pair may or may not be used again.
    Refused(Standing),
    /// It was a question of the engineer's, who is to be told this.
    Told {
        /// The engineer's number for the question.
        request: u32,
        /// The answer.
        answer: Answer,
    },
}

/// An answer that answers nothing.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum StaleAnswer {
    /// That question is not (any more) asked.
    #[error("that question is not open any more")]
    NotOpen,
    /// A yes where words are asked for, words where a yes or no is, or none of the choices.
    #[error("that is no answer to this question")]
    DoesNotFit,
}

/// No session of that name, or it lasts as long as a session may already.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("the session cannot be made longer: two hours are the most")]
pub struct GrantError;

/// What the passing of time leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nobody used it: switch off.
    Idle,
    /// The greeting or the admission takes too long, or the client did not answer.
    GiveUp(Reason),
    /// The session is over.
    End(Reason),
    /// The control pipe is silent: no new SSH pipes.
    Interrupted,
    /// The client did not answer the engineer's question in time.
    Unanswered {
        /// The engineer's number for it.
        request: u32,
    },
    /// The end is near.
    Remind {
        /// Minutes until the end.
        minutes: u64,
    },
}
