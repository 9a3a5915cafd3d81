//! Secrets that are recognised by how they look, wherever they stand.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::pattern::expect;
use super::rule::{Rule, rule};

/// A port, not a password, behind a host.
static PORT: LazyLock<Regex> = LazyLock::new(|| expect(r"^[^:]*:[0-9]{1,5}(?:/|$)"));

/// Who gets sources by SSH.
static GIT: LazyLock<Regex> = LazyLock::new(|| expect("^git$"));

/// Users and passwords in an address (RFC 3986 section 3.2.1), parameters of it, and addresses that are secrets themselves.
pub(super) fn addresses() -> Vec<Rule> {
    vec![
        rule(r#"[a-z][a-z0-9+.-]*:(?:\\?/){2}(?P<secret>[^\s/?#"<>:@]*:[^\s"<>]+)@"#, Some(&PORT)),
        rule(r#"[a-z][a-z0-9+.-]*:(?:\\?/){2}(?P<secret>[^\s/?#"'<>]+)@"#, Some(&GIT)),
        rule(r"%3A%2F%2F(?P<secret>[^\s%]+%3A[^\s]+?)%40", None),
        rule(r#"\b[\w.-]+:(?P<secret>[^\s:@/"']+)@(?:tcp|unix)\("#, None),
        rule(
            r#"[?&;][\w.-]*(?:key|sig|signature|auth|code|otp|state|sid|pass|pw|jwt|ticket)=(?P<secret>[^&\s"'#]+)"#,
            None,
        ),
        rule(r"hooks\.slack\.com/services/(?P<secret>[\w/]+)", None),
        rule(r"/bot(?P<secret>[0-9]+:[\w-]{20,})", None),
    ]
}

/// A JSON Web Token (RFC 7519), a private JSON Web Key (RFC 7517), what known services and programs give out, hashes of
/// passwords (crypt(5)).
pub(super) fn rules() -> Vec<Rule> {
    let patterns = [
        r"\b(?P<secret>eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*)",
        r#""kty"[^\r\n]*?"(?:d|k)"\s*:\s*"(?P<secret>[^"\r\n]+)"#,
        r"\b(?P<secret>(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-|dop_v1_|[spr]k_(?:live|test)_)[\w-]{16,})",
        r"\b(?P<secret>xox[abeprs]-[\w-]{10,})",
        r"\b(?P<secret>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16})\b",
        r"\b(?P<secret>AIza[\w-]{35})",
        r"\b(?P<secret>AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{20,})",
        r#"(?P<secret>\$(?:1|2[abxy]|5|6|y|gy|argon2(?:id|i|d)?)\$[^\s:,;"']{10,})"#,
    ];
    patterns.iter().map(|pattern| rule(pattern, None)).collect()
}
