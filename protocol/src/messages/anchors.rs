//! The bounds of what a relay signs of a session's account. What a line says is for those to read who check it.

use super::all;
use crate::limits;

/// Whether an anchor is as long as one may be.
pub(super) fn check(line: &str, signature: &str) -> Result<(), &'static str> {
    all(&[
        (line.len() <= limits::ANCHOR_LINE, "the anchor's line is too long"),
        (signature.len() <= limits::ANCHOR_SIGNATURE, "the anchor's signature is too long"),
    ])
}
