//! Leaving secrets out of logs, as far as they can be recognised: by what they are called, and by how they look.
//!
//! Too much rather than too little is left out, and each place says so. What nobody names and what looks like nothing stays:
//! a diagnosis goes to people who are trusted with the device, not to the world.

mod keys;
mod rules;

use regex::bytes::{Captures, Regex};

use self::rules::{RULES, Rule};

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"[redacted]";

/// A text without the secrets that can be recognised in it, and how many places were left out.
pub fn redact(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut text, mut count) = keys::redact(text);
    for rule in RULES.iter() {
        let found = rule.apply(&text);
        if let Some((left, places)) = found {
            (text, count) = (left, count + places);
        }
    }
    (text, count)
}

impl Rule {
    /// The text without what it finds; none if it finds nothing.
    fn apply(&self, text: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut count = 0;
        let replace = |captures: &Captures<'_>| {
            let whole = &captures[0];
            let Some(secret) = captures.name("secret").filter(|secret| self.is_secret(secret.as_bytes()))
            else {
                return whole.to_vec();
            };
            count += 1;
            let begin = captures.get(0).map_or(0, |whole| whole.start());
            let (before, after) = (&whole[..secret.start() - begin], &whole[secret.end() - begin..]);
            [before, REDACTED, after].concat()
        };
        let left = Regex::replace_all(&self.pattern, text, replace).into_owned();
        (count > 0).then_some((left, count))
    }

    fn is_secret(&self, found: &[u8]) -> bool {
        !found.starts_with(REDACTED) && !self.harmless.is_some_and(|harmless| harmless.is_match(found))
    }
}

#[cfg(test)]
mod tests;
