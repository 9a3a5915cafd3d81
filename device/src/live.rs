//! What an engineer's terminals show, as it happens: one JSON object a line.

pub use fieldlink_protocol::live::{LONGEST_LINE, LiveEnd, LiveEvent, LiveKind};
