//! Leaving secrets out of logs, as far as they can be recognised: by what they are called, and by how they look.
//!
//! Too much rather than too little is left out, and each place says so. What nobody names and what looks like nothing stays:
//! a diagnosis goes to people who are trusted with the device, not to the world.

mod blocks;
mod commands;
mod keys;
mod names;
mod pattern;
mod rule;
mod shapes;
mod values;

use std::sync::LazyLock;

use self::rule::Rule;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"[redacted]";

/// What is looked for within a line, in this order.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = [shapes::addresses(), values::headers(), values::named(), commands::rules(), shapes::rules()];
    rules.into_iter().flatten().collect()
});

/// A text without the secrets that can be recognised in it, and how many places were left out.
pub fn redact(text: &[u8]) -> (Vec<u8>, usize) {
    let (text, keys) = keys::redact(text);
    let (mut text, blocks) = blocks::redact(&text);
    let mut count = keys + blocks;
    for rule in RULES.iter() {
        if let Some((left, places)) = rule.apply(&text) {
            (text, count) = (left, count + places);
        }
    }
    (text, count)
}

#[cfg(test)]
mod tests;
