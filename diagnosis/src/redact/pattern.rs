//! How patterns are read.

use regex::bytes::{Regex, RegexBuilder};

/// A pattern of our own: of bytes, of any case, line by line.
pub(super) fn expect(pattern: &str) -> Regex {
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .multi_line(true)
        .unicode(false)
        .size_limit(1 << 24)
        .build();
    built.expect("a pattern of our own")
}
