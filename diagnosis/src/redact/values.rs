//! A name and its value, in the forms that files and programs have for that.

use super::names::{CLOSE, IS, PASSWORDS, name};
use super::rule::{Rule, rule};

/// What a value may be wrapped in before its quotes: `Some(`, `b`, `[`, `{"value":`.
const OPEN: &str = r#"(?:\w{0,16}\(|[bu]|\[|\{[^{}\r\n"']*["'][^"'\r\n]*["']\s*:\s*)*"#;
/// What a line of the journal has before what a program says, or what a line of a list is indented with.
const PREFIX: &str = r"^(?:[^\n]{0,200}?\]: )?[ \t-]*";

/// Headers of HTTP (RFC 9110 section 11.6), and what wpa_supplicant logs of keys: to the end of the line.
pub(super) fn headers() -> Vec<Rule> {
    vec![
        rule(r#"\b(?:proxy-)?authorization["'\]]*\s*[:=]\s*["'\[]*(?P<secret>[^\r\n"'\]]+)"#, None),
        rule(r#"\b(?:set-)?cookie["'\]]*\s*:\s*["'\[]*(?P<secret>[^\r\n]+)"#, None),
        rule(r"\bcookies?\s*=\s*(?P<secret>[\w.-]+=[^\s;]+[^\r\n]*)", None),
        rule(
            r"\b(?:bearer|basic|digest|negotiate)\s+(?P<secret>[a-z0-9+/=._~-]{8,})",
            Some(&super::names::PROSE),
        ),
        rule(
            r"\b(?:psk|pmk|ptk|gtk|kck|kek|passphrase|password)\b[^\n]*?hexdump[^:\n]*:(?P<secret>[^\r\n]+)",
            None,
        ),
        rule(r#"(?:\b|_)auth["']?\s*[:=]\s*["'(]*(?P<secret>[a-z0-9+/=_-]{8,})"#, None),
    ]
}

/// XML, lists of names and values, brackets; in quotes of any kind, or without.
pub(super) fn named() -> Vec<Rule> {
    let name = name();
    let is = format!("{CLOSE}{IS}");
    [
        // XML: an element, one beside it, an attribute beside it; containers' environments in JSON have the last form, too.
        format!(r"<[\w:.-]*{name}(?:\s[^<>\r\n]*)?>(?:<!\[CDATA\[)?(?P<secret>[^<]{{1,4096}}?)(?:\]\]>)?</[\w:.-]*{name}"),
        format!(r"<key>[^<\r\n]*{name}[^<\r\n]*</key>\s*<string>(?P<secret>[^<]{{1,4096}})</string>"),
        format!(
            r#"(?:name|key)["']?\s*[:=]\s*["'][^"'\r\n]*{name}[^"'\r\n]*["'][^<>{{}}\r\n]*?value["']?\s*[:=]\s*["'](?P<secret>[^"'\r\n]+)"#
        ),
        // A list; a pair; a row of a table; what a function is given.
        format!(r"{name}{is}\[(?P<secret>[^\]\r\n]+)"),
        format!(r#"{name}["']\s*,\s*["'](?P<secret>[^"'\r\n]+)"#),
        format!(r"\|\s*[\w. -]*{name}\s*\|\s*(?P<secret>[^|\s][^|\r\n]*)"),
        format!(r#"{PASSWORDS}\w*\(\s*["'](?P<secret>[^"'\r\n]+)"#),
        // In other spellings of quotes: JSON within JSON, entities, .NET.
        format!(r#"{name}\\+["']{IS}\\+["'](?P<secret>[^\r\n]*?)(?:\\+["']\s*[,}}\])]|$)"#),
        format!(r"{name}{is}(?:&quot;|\\u0022)(?P<secret>[^\r\n]*?)(?:&quot;|\\u0022|$)"),
        format!(r#"{name}{is}{OPEN}\\+["'](?P<secret>[^"'\\\r\n]+)"#),
        // In quotes, which may have quotes within.
        format!(r#"{name}{is}{OPEN}"(?P<secret>(?:[^"\\\r\n]|\\[^\r\n])+)"#),
        format!(r"{name}{is}{OPEN}'(?P<secret>(?:[^'\\\r\n]|\\[^\r\n]|'')+)"),
        // Without quotes: a password ends with its line, where the line begins with its name, and else with what follows a
        // value; a token has no blanks.
        format!(r#"{PREFIX}[\w.-]*{PASSWORDS}[\w.-]*{is}(?P<secret>[^\s"'\[{{(&][^\r\n]*)"#),
        format!(r#"{PASSWORDS}[\w.-]*{is}(?P<secret>[^\s"'&,;\[{{(](?:[^\r\n&,;}}]|[,;][^\s])*)"#),
        format!(r#"{name}{is}(?P<secret>[^\s"'&,;)\]}}\[{{(][^\s&,;)\]}}"']*)"#),
    ]
    .iter()
    .map(|pattern| rule(pattern, None))
    .collect()
}
