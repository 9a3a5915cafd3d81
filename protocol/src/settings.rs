//! Reads a configuration file, and says in one way what is wrong with it: the line, the setting, what is
//! expected there.
//!
//! The TOML parser quotes the faulty line; here that may be one with a password. So values are never
//! repeated, except the words of a fixed choice.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::text;

/// How alike a known name must be to be suggested (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The setting, with its section.
    pub key: Option<String>,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match &self.key {
            Some(key) => write!(f, "{key}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for SettingsError {}

/// Reads `text`, the whole of a TOML file.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| Place::of(text, span.start));
        let problem = problem(error.message());
        // A setting that is not there has no line.
        let place = place.filter(|_| !error.message().starts_with("missing field"));
        SettingsError {
            line: place.as_ref().map(|place| place.line),
            key: place.and_then(|place| place.key),
            problem,
        }
    })
}

/// Where in a file something is.
struct Place {
    line: usize,
    key: Option<String>,
}

impl Place {
    fn of(text: &str, offset: usize) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let section = text.lines().take(line).filter_map(header).last();
        let content = text.lines().nth(line - 1).unwrap_or_default();
        let key = content.split_once('=').map(|(key, _)| key.trim()).filter(|key| is_key(key));
        let key = key.map(|key| section.map_or(key.to_owned(), |section| format!("{section}.{key}")));
        Self { line, key }
    }
}

/// The name in `[NAME]`.
fn header(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix('[').filter(|_| !line.contains('='))?.split(']').next()?;
    Some(name.trim_start_matches('[').trim()).filter(|name| is_key(name))
}

/// A bare key, which holds nothing secret.
fn is_key(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(fits)
}

/// The parser's message in our words.
fn problem(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    if let Some(rest) = line.strip_prefix("unknown field ") {
        let (wrong, known) = alternatives(rest);
        return format!("unknown setting `{}`{}", text::name(wrong), suggestion(wrong, &known, "there are"));
    }
    if let Some(rest) = line.strip_prefix("unknown variant ") {
        let (wrong, known) = alternatives(rest);
        return format!(
            "\"{}\" is none of the choices{}",
            text::name(wrong),
            suggestion(wrong, &known, "they are")
        );
    }
    if let Some(rest) = line.strip_prefix("missing field ") {
        return format!("{} is missing, and has no default", rest.trim_matches('`'));
    }
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) =
            line.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected "))
        {
            return format!("must be {}, not {}", in_words(expected), kind(found));
        }
    }
    text::sentence(line)
}

/// What was written, and what may be, from ``\`a\`, expected one of \`b\`, \`c\` ``.
fn alternatives(rest: &str) -> (&str, Vec<&str>) {
    let mut names = rest.split('`').skip(1).step_by(2);
    (names.next().unwrap_or_default(), names.collect())
}

fn suggestion(wrong: &str, known: &[&str], all: &str) -> String {
    let alike = |name: &str| strsim::jaro_winkler(&wrong.to_lowercase(), name);
    let best = known.iter().map(|name| (alike(name), name)).max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((alike, name)) if alike >= ALIKE => format!("; did you mean `{name}`?"),
        Some(_) => format!("; {all}: {}", known.join(", ")),
        None => "; there are none in this section".into(),
    }
}

fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a string" | "path string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        other if other.starts_with("struct ") || other == "a map" => "a section of its own, [NAME]",
        other => other,
    }
}

/// The kind of a value, without the value.
fn kind(found: &str) -> &str {
    let kinds = [
        ("string", "a text"),
        ("integer", "this number"),
        ("floating point", "a fraction"),
        ("boolean", "true or false"),
        ("map", "a section"),
        ("sequence", "a list"),
    ];
    kinds.iter().find(|(start, _)| found.starts_with(start)).map_or("this", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)] // Only read in, to see what is said about mistakes.
    struct File {
        port: u16,
        on: Option<bool>,
        names: Option<Vec<String>>,
        mode: Option<Mode>,
        #[serde(default)]
        limits: Limits,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[allow(dead_code)] // As above.
    struct Limits {
        handshake_seconds: u64,
        password: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        OnRequest,
        AtBoot,
    }

    fn error(text: &str) -> String {
        parse::<File>(text).expect_err(text).to_string()
    }

    #[test]
    fn mistakes_are_told_with_line_setting_and_what_is_expected() {
        for (text, expected) in [
            ("", "port is missing, and has no default"),
            ("port = 1\nprot = 2", "line 2: prot: unknown setting `prot`; did you mean `port`?"),
            (
                "port = 1\nzzz = 2",
                "line 2: zzz: unknown setting `zzz`; there are: port, on, names, mode, limits",
            ),
            ("port = \"1\"", "line 1: port: must be a whole number, not negative, not a text"),
            ("port = -1", "line 1: port: must be a whole number, not negative, not this number"),
            ("port = 70000", "line 1: port: must be a whole number, not negative, not this number"),
            ("port = 1\non = \"yes\"", "line 2: on: must be true or false, not a text"),
            ("port = 1\nnames = \"a\"", "line 2: names: must be a list in [ ], not a text"),
            (
                "port = 1\nmode = \"at boot\"",
                "line 2: mode: \"at boot\" is none of the choices; did you mean `at-boot`?",
            ),
            (
                "port = 1\n[limits]\nhandshake = 2",
                "line 3: limits.handshake: unknown setting `handshake`; did you mean `handshake_seconds`?",
            ),
            ("port = 1\nlimits = 2", "line 2: limits: must be a section of its own, [NAME], not this number"),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
        assert!(error("port = 1\nnames = [").starts_with("line 2: "), "{}", error("port = 1\nnames = ["));
        parse::<File>("\u{feff}port = 1").expect("a byte order mark is none of the text");
    }

    #[test]
    fn no_value_is_repeated() {
        for line in [
            "password = 'hush",
            "password = \"hush\" hush",
            "password = [\"hush\"]",
            "handshake_seconds = \"hush\"",
            "limits = \"hush\"",
            "password = \"hush\"\npassword = \"hush\"",
        ] {
            let error = error(&format!("port = 1\n[limits]\n{line}\n"));
            assert!(!error.contains("hush"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_told_on_one_line(text in "(port|limits|\\[|\\]|=|\"|'|\n|[a-z0-9]|\\PC){0,40}") {
            if let Err(error) = parse::<File>(&text) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}
