//! Why an order of the client's was not carried out.

/// Why an order was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Remote access is on already.
    #[error("remote access is on already")]
    AlreadyOn,
    /// It is off already.
    #[error("remote access is off already")]
    AlreadyOff,
    /// The question is not open, or takes other answers.
    #[error(transparent)]
    Stale(#[from] StaleAnswer),
    /// The session lasts as long as a session may already.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// No engineer is connected, or not in the session that the order names.
    #[error("no engineer is connected")]
    NoSession,
    /// The queue to the engineer's side is full: the message would be lost.
    #[error(
        "the engineer is out of reach, and too much waits already: try again once the connection is back"
    )]
    NotTaken,
    /// The engineer's program cannot show it.
    #[error("the engineer's program is too old for messages")]
    NoChat,
    /// Nobody has that name, or it is the engineer whose session it is.
    #[error("nobody by that name joins or watches: the names are in the status")]
    Nobody,
    /// No session waits for a verdict, or another one.
    #[error("no verdict is asked for")]
    NoVerdict,
    /// There is no record of that session.
    #[error("there is no record of that session")]
    NoRecord,
    /// The session runs, or goes on after a restart.
    #[error("that session is not over")]
    RecordOpen,
    /// What is asked for goes only while remote access is off.
    #[error("remote access is on: switch it off first")]
    NotOff,
    /// The disk keeps what is to be deleted.
    #[error("could not delete what is on the disk")]
    RecordsUnusable,
    /// The agent is on its way out.
    #[error("remote access is being shut down")]
    Stopping,
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

/// The session lasts as long as a session may already.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("the session cannot be made longer: two hours are the most")]
pub struct GrantError;
