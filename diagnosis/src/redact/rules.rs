//! How secrets are recognised within a line.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

/// One way to recognise them: what `pattern` calls `secret` is left out, unless it is `harmless`.
pub(super) struct Rule {
    pub(super) pattern: Regex,
    pub(super) harmless: Option<&'static Regex>,
}

/// What a secret is called, also within a longer name: `db_password`, `clientSecret`, `wifi-sec.psk`.
const NAMES: &[&str] = &[
    "pass(?:word|wd|phrase|code|key)",
    "passwort|kennwort",
    "pwd\\b",
    "secret",
    "credential",
    "token",
    "bearer",
    "cookie",
    "authorization|x-auth",
    "psk|pre-?shared[-_]?key",
    "\\bpmk\\b",
    "wep[-_]?(?:tx[-_]?)?key[0-9]?",
    "(?:api|access|account|auth|private|priv|encryption|signing|shared|master|session|service|storage|license)[-_.]?key",
    "\\b(?:pin|puk)\\b",
];

/// Those that may have blanks in them.
const PASSWORDS: &str = "(?:pass(?:word|wd|phrase)|passwort|kennwort|psk|pwd\\b)";

/// What stands between a name and its value.
const IS: &str = "\\s*(?:=>|:=|[:=])[ \t]*";

/// What may follow such a word in a sentence about it.
static PROSE: LazyLock<Regex> = LazyLock::new(|| {
    expect(
        "^(?:for|is|was|are|were|and|or|to|of|from|in|on|not|no|the|a|an|has|have|had|must|required|incorrect|wrong|invalid|\
         expired|changed|check|prompt|file|auth|authentication|agent|requests?|field|store|accepted|rejected|failed|refused|\
         missing|empty|set|unset|needed|entered|entry|by|with|before|after|again)$",
    )
});

/// Values that are none.
static NONE: LazyLock<Regex> =
    LazyLock::new(|| expect(r"^(?:null|none|nil|true|false|[01])(?:[\s,;)\]}]|$)"));

/// A port, not a password, behind a host.
static PORT: LazyLock<Regex> = LazyLock::new(|| expect(r"^[^:]*:[0-9]{1,5}(?:/|$)"));

/// Who gets sources by SSH.
static GIT: LazyLock<Regex> = LazyLock::new(|| expect("^git$"));

/// All of them, in the order in which they are looked for.
pub(super) static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| [addresses(), headers(), values(), words(), shapes()].into_iter().flatten().collect());

/// Users and passwords in an address (RFC 3986 section 3.2.1), and parameters of it.
fn addresses() -> Vec<Rule> {
    vec![
        rule(r#"[a-z][a-z0-9+.-]*://(?P<secret>[^\s/?#"'<>:@]*:[^\s"'<>]+)@"#, Some(&PORT)),
        rule(r#"[a-z][a-z0-9+.-]*://(?P<secret>[^\s/?#"'<>]+)@"#, Some(&GIT)),
        rule(r#"[?&;](?:key|sig|signature|auth|code|otp|state|sid)=(?P<secret>[^&\s"'#]+)"#, None),
    ]
}

/// Of HTTP (RFC 9110 section 11.6), and what wpa_supplicant logs of keys: to the end of the line.
fn headers() -> Vec<Rule> {
    vec![
        rule(r"\b(?:proxy-)?authorization\s*[:=]\s*(?P<secret>[^\r\n]+)", None),
        rule(r"\b(?:set-)?cookie\s*[:=]\s*(?P<secret>[^\r\n]+)", None),
        rule(r"\b(?:bearer|basic|digest|negotiate)\s+(?P<secret>[a-z0-9+/=._~-]{8,})", Some(&PROSE)),
        rule(
            r"\b(?:psk|pmk|ptk|gtk|kck|kek|passphrase|password)\b[^\n]*?hexdump[^:\n]*:(?P<secret>[^\r\n]+)",
            None,
        ),
    ]
}

/// A name and a value: XML, JSON, JSON within JSON, in quotes or without.
fn values() -> Vec<Rule> {
    let name = format!("(?:{})", NAMES.join("|"));
    vec![
        rule(&format!(r"<[\w:.-]*{name}[\w:.-]*(?:\s[^>]*)?>(?P<secret>[^<]+)"), Some(&NONE)),
        rule(
            &format!(r#"{name}[\w.-]*\\+["']{IS}\\+"(?P<secret>[^\r\n]*?)(?:\\+"\s*[,}}\]]|$)"#),
            Some(&NONE),
        ),
        rule(&format!(r#"{name}[\w.-]*["']?{IS}"(?P<secret>(?:[^"\\\r\n]|\\[^\r\n])+)"#), Some(&NONE)),
        rule(&format!(r#"{name}[\w.-]*["']?{IS}'(?P<secret>[^'\r\n]+)"#), Some(&NONE)),
        rule(&format!(r#"^[\w.-]*{PASSWORDS}[\w.-]*{IS}(?P<secret>[^\s"'\[][^\r\n]*)"#), Some(&NONE)),
        rule(
            &format!(r#"{PASSWORDS}[\w.-]*["']?{IS}(?P<secret>[^\s"'&,;\[](?:[^\r\n&,;]|[,;][^\s])*)"#),
            Some(&NONE),
        ),
        rule(&format!(r#"{name}[\w.-]*["']?{IS}(?P<secret>[^\s"'&,;)\]}}\[][^\s&,;)\]}}"']*)"#), Some(&NONE)),
    ]
}

/// Arguments of a program, and words that stand beside each other.
fn words() -> Vec<Rule> {
    let name = format!("(?:{})", NAMES.join("|"));
    let word = r"\b(?:pass(?:word|wd|phrase)|passwort|kennwort|psk)";
    let said = r"\b(?:pass(?:word|wd|phrase)|passwort|kennwort|psk|pin|secret|token)";
    vec![
        rule(&format!(r#"--?[\w.-]*{name}[\w.-]*\s+["']?(?P<secret>[^\s"'-][^\s"']*)"#), Some(&PROSE)),
        rule(&format!(r#"{said}\s+(?:is|was|ist|war|lautet)\s+["']?(?P<secret>[^\s"',;]+)"#), Some(&PROSE)),
        rule(&format!(r#"{word}\s+["'](?P<secret>[^"'\r\n]+)["']"#), None),
        rule(&format!(r#"{word}\s+(?P<secret>[^\s"',;:=()\[\]-][^\s"',;]*)"#), Some(&PROSE)),
    ]
}

/// What looks like one: a JSON Web Token (RFC 7519), what known services and programs give out, hashes of passwords
/// (crypt(5)).
fn shapes() -> Vec<Rule> {
    vec![
        rule(r"\b(?P<secret>eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*)", None),
        rule(
            r"\b(?P<secret>(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-|dop_v1_|[spr]k_(?:live|test)_)[\w-]{16,})",
            None,
        ),
        rule(r"\b(?P<secret>xox[abeprs]-[\w-]{10,})", None),
        rule(r"\b(?P<secret>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16})\b", None),
        rule(r"\b(?P<secret>AIza[\w-]{35})", None),
        rule(r"\b(?P<secret>AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{20,})", None),
        rule(r#"(?P<secret>\$(?:1|2[abxy]|5|6|y|gy|argon2(?:id|i|d)?)\$[^\s:,;"']{10,})"#, None),
    ]
}

fn rule(pattern: &str, harmless: Option<&'static LazyLock<Regex>>) -> Rule {
    Rule { pattern: expect(pattern), harmless: harmless.map(|harmless| &**harmless) }
}

fn expect(pattern: &str) -> Regex {
    let built = RegexBuilder::new(pattern).case_insensitive(true).multi_line(true).unicode(false).build();
    built.expect("a pattern of our own")
}
