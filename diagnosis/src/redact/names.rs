//! What secrets are called, and what only looks like one.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::pattern::expect;

/// What a secret is called, also within a longer name: `db_password`, `clientSecret`, `wifi-sec.psk`, `Network key`.
const NAMES: &[&str] = &[
    "pass(?:word|wd|phrase|code|key)s?",
    r"(?:\b|_)(?:pass|pw|pwd)\b",
    "passwort|kennwort",
    "secret",
    "credentials?",
    "token",
    "bearer",
    "authorization|x-auth",
    "psk|pre-?shared[-_. ]?key",
    r"\bpmk\b",
    "session_?id|sessid",
    "(?:api|access|account|auth|private|priv|encryption|signing|shared|master|session|service|storage|license|wi-?fi|wlan|\
     network|security|wpa|wep|tls|ssl|wep[-_]?tx)[-_. ]?key[0-9]?",
    r"\b(?:pin|puk)\b",
];

/// Those that may have blanks in them.
pub(super) const PASSWORDS: &str =
    r"(?:pass(?:word|wd|phrase)s?|passwort|kennwort|psk|(?:\b|_)(?:pass|pw|pwd)\b)";

/// What may stand behind a name: quotes, and the ends of brackets, also in other spellings.
pub(super) const CLOSE: &str = r#"(?:["'\]]|%5D|&quot;|\\u0022|\\+["'])*"#;

/// What stands between a name and its value.
pub(super) const IS: &str = "[ \t]*(?:=>|->|:=|[:=])[ \t]*";

/// Any of the names, and what may follow within the same word.
pub(super) fn name() -> String {
    format!(r"(?:{})[\w.-]*", NAMES.join("|"))
}

/// What may follow such a word in a sentence about it.
pub(super) static PROSE: LazyLock<Regex> = LazyLock::new(|| {
    expect(
        "^(?:for|is|was|are|were|and|or|to|of|from|in|on|not|no|the|a|an|has|have|had|must|required|incorrect|wrong|invalid|\
         expired|changed|check|prompt|file|auth|authentication|agent|requests?|field|store|accepted|rejected|failed|refused|\
         missing|empty|set|unset|needed|entered|entry|by|with|before|after|again|ist|war|lautet|falsch|fehlt|<[\\w-]+>)$",
    )
});

/// Values that are none: nothing, a number of a pin of a chip, a part of PAM.
pub(super) static NONE: LazyLock<Regex> = LazyLock::new(|| {
    expect(r"^(?:(?:null|none|nil|true|false|undefined|[0-9]{1,2})(?:[\s,;)\]}]|$)|chauthtok\b)")
});

/// systemd says something of a unit whose name has such a word in it.
pub(super) static UNIT: LazyLock<Regex> =
    LazyLock::new(|| expect(r"\.(?:service|path|socket|target|timer|mount|slice|scope|device)\b"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert!(expect(&name()).is_match(b"the Network Key of it"));
        assert!(PROSE.is_match(b"for") && !PROSE.is_match(b"fortress"));
        assert!(NONE.is_match(b"null}") && NONE.is_match(b"17") && !NONE.is_match(b"4711"));
    }
}
