//! The languages that there are words in for the person beside the device.

use serde::Deserialize;

/// Where a locale is named, in the order of `setlocale(3)`.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// A language that there are words in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
pub enum Language {
    /// English, also for a locale whose language has no file.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// Every language that has files.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// What the locale in an environment says, such as `de_AT.UTF-8`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = VARIABLES.iter().filter_map(|name| variable(name)).find(|locale| !locale.is_empty());
        let code = locale.as_deref().and_then(|locale| locale.split(['_', '.', '@']).next());
        code.and_then(Self::from_code).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses() {
        let of = |variables: &[(&str, &str)]| {
            Language::of_environment(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Language::German);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Language::English);
        assert_eq!(of(&[("LANG", "en_GB.UTF-8"), ("LC_MESSAGES", "de")]), Language::German);
        assert_eq!(of(&[("LC_ALL", ""), ("LANG", "de@euro")]), Language::German);
        assert_eq!(of(&[("LANG", "denmark")]), Language::English);
    }
}
