//! Engineers' places in a session, and what they ask from there.

/// One engineer's place in a session. The first engineer has [`SeatId::FIRST`]; no other number is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatId(pub(crate) u64);

impl SeatId {
    /// The place of the engineer with whom a session begins.
    pub(crate) const FIRST: Self = Self(0);
}

/// A request of an engineer's program that is answered: whose it is, and the number that the program gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId {
    /// Whose.
    pub seat: SeatId,
    /// Theirs alone.
    pub number: u32,
}

#[cfg(test)]
impl From<u32> for RequestId {
    fn from(number: u32) -> Self {
        Self { seat: SeatId::FIRST, number }
    }
}
