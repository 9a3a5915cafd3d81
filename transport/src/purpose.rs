//! What connections to the relay are for.

/// What a connection is for: its buffers are sized by it, and TLS remembers of it what helps the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Messages to and from the relay.
    Control,
    /// A pipe to which this side comes for the first time.
    Pipe,
    /// A pipe to which it comes back: the request may go ahead, in TLS's first flight. Somebody who records that can
    /// send it, too.
    PipeAgain,
}
