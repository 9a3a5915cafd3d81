//! Values that stand on the lines below their name: YAML's blocks and lists, TOML's long strings, dumps of keys.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::REDACTED;
use super::names::{CLOSE, name};
use super::pattern::expect;

/// A line that ends with a name, and with nothing of its value but what opens it.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    let name = name();
    expect(&format!(
        r#"(?:{name}{CLOSE}[ \t]*[:=][ \t]*(?:[|>][+-]?[0-9]?|"{{3}}|'{{3}}|\\|[\[{{(])?|\b(?:psk|passphrase|password)\b.*hexdump[^:]*:)[ \t]*\r?$"#
    ))
});
/// What the journal has before what a program says.
static SAID_BY: LazyLock<Regex> = LazyLock::new(|| expect(r"^[^\n]{0,200}?\]: "));
/// As many lines may be one value.
const LONGEST: usize = 64;
/// Blanks that a line of a dump begins with.
const DUMP: usize = 4;

/// The text without such values, and how many there were.
pub(super) fn redact(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut left, mut count) = (Vec::with_capacity(text.len()), 0);
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        left.extend_from_slice(line);
        if !OPENS.is_match(line) {
            continue;
        }
        let (depth, mut is_any) = (indent(line), false);
        for _ in 0..LONGEST {
            match lines.next_if(|next| is_below(next, depth)) {
                Some(_) => is_any = true,
                None => break,
            }
        }
        if is_any {
            left.extend_from_slice(REDACTED);
            left.push(b'\n');
            count += 1;
        }
    }
    (left, count)
}

fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether a line belongs to a name that stands so deep: it is deeper, or an entry of a list, or a line of a dump.
fn is_below(line: &[u8], depth: usize) -> bool {
    if line.trim_ascii().is_empty() {
        return false;
    }
    let said = SAID_BY.find(line).map_or(0, |by| by.end());
    let own = indent(line);
    own > depth
        || (own == depth && line[own..].starts_with(b"- "))
        || (said > 0 && indent(&line[said..]) >= DUMP)
}
