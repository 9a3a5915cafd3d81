//! One way to recognise secrets within a line.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::REDACTED;
use super::names::{NONE, UNIT};
use super::pattern::expect;

/// So often a line is looked at again behind what is harmless. Then it is not worth it: whoever writes a log must not be able
/// to have it take for ever.
const HARMLESS: usize = 16;

/// What `pattern` calls `secret` is left out, unless it is harmless.
pub(super) struct Rule {
    pattern: Regex,
    harmless: Option<&'static Regex>,
}

/// One with a pattern, and what is harmless beside what always is.
pub(super) fn rule(pattern: &str, harmless: Option<&'static LazyLock<Regex>>) -> Rule {
    Rule { pattern: expect(pattern), harmless: harmless.map(|harmless| &**harmless) }
}

impl Rule {
    /// The text without what it finds, and how many places that were; none if it finds nothing.
    pub(super) fn apply(&self, text: &[u8]) -> Option<(Vec<u8>, usize)> {
        let (mut left, mut count, mut done, mut at, mut harmless) = (Vec::new(), 0, 0, 0, 0);
        while let Some(captures) = self.pattern.captures_at(text, at) {
            let (Some(whole), Some(secret)) = (captures.get(0), captures.name("secret")) else { break };
            if text[at..secret.start().max(at)].contains(&b'\n') {
                harmless = 0;
            }
            let is_harmless = || self.is_harmless(&text[whole.start()..secret.start()], secret.as_bytes());
            if secret.is_empty() || (harmless < HARMLESS && is_harmless()) {
                // What follows on the same line is looked at again.
                (at, harmless) = ((secret.start() + 1).max(at + 1), harmless + 1);
            } else {
                left.extend_from_slice(&text[done..secret.start()]);
                left.extend_from_slice(REDACTED);
                (count, done, at) = (count + 1, secret.end(), secret.end());
            }
            if at > text.len() {
                break;
            }
        }
        if count == 0 {
            return None;
        }
        left.extend_from_slice(&text[done..]);
        Some((left, count))
    }

    fn is_harmless(&self, before: &[u8], secret: &[u8]) -> bool {
        // What was left out already, as a whole or within quotes and brackets.
        secret.starts_with(REDACTED)
            || secret.starts_with(b"redacted")
            || NONE.is_match(secret)
            || UNIT.is_match(before)
            || (before.eq_ignore_ascii_case(b"pwd=") && secret.starts_with(b"/"))
            || self.harmless.is_some_and(|harmless| harmless.is_match(secret))
    }
}
