//! What a probe of the maker's says, and why one says nothing. `docs/PROBES.md` describes its lines for the maker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{Bounded, all};
use crate::{limits, text};

/// A probe of the maker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// What it said, as far as it could be used.
    pub readings: Vec<Reading>,
    /// Why that is not all, or nothing.
    #[serde(default)]
    pub fault: Option<ProbeFault>,
}

/// Why a probe did not say all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeFault {
    /// Nobody answers at its socket.
    Unreachable,
    /// Its socket is not the agent's alone, or is not served by systemd.
    Exposed,
    /// It did not end in time.
    Slow,
    /// It said more than it may.
    TooLong,
    /// It said what is no reading.
    Malformed,
    /// It said nothing.
    Silent,
}

impl ProbeFault {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Unreachable, Self::Exposed, Self::Slow, Self::TooLong, Self::Malformed, Self::Silent];
}

/// One value that a probe has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Of what.
    pub name: String,
    /// The value, as it is to be shown.
    pub value: String,
    /// Its unit; empty if it has none.
    #[serde(default)]
    pub unit: String,
    /// How that is.
    pub state: ReadingState,
    /// A sentence for people, by language (BCP 47).
    #[serde(default)]
    pub text: BTreeMap<String, String>,
}

/// How a reading is, as its probe judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingState {
    /// As it should be.
    Ok,
    /// The probe cannot say.
    Unknown,
    /// To be looked at.
    Warning,
    /// To be mended.
    Bad,
}

impl ReadingState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Bad];
}

/// Whether a probe may be called so: lowercase letters, digits, - and _, a letter first.
pub fn is_probe_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.len() <= limits::PROBE_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(is_fit)
}

impl Bounded for Probe {
    fn check(&self) -> Result<(), &'static str> {
        all(&[
            (is_probe_name(&self.name), "probe: name"),
            (self.readings.len() <= limits::PROBE_READINGS, "probe: readings"),
        ])?;
        self.readings.iter().try_for_each(Bounded::check)
    }
}

impl Bounded for Reading {
    fn check(&self) -> Result<(), &'static str> {
        let is_sentence =
            |(language, text): (&String, &String)| is_language(language) && text.len() <= limits::PROBE_TEXT;
        all(&[
            (!self.name.is_empty() && self.name.len() <= limits::PROBE_NAME, "reading: name"),
            (self.value.len() <= limits::PROBE_NAME, "reading: value"),
            (self.unit.len() <= limits::PROBE_UNIT, "reading: unit"),
            (
                self.text.len() <= limits::PROBE_LANGUAGES && self.text.iter().all(is_sentence),
                "reading: text",
            ),
        ])
    }
}

impl Probe {
    /// Makes it harmless, and cuts it to what is carried.
    pub(super) fn fit(&mut self) {
        self.readings.iter_mut().for_each(Reading::fit);
        let count = self.readings.len();
        self.readings.retain(|reading| !reading.name.is_empty());
        if self.readings.len() < count {
            self.fault = Some(ProbeFault::Malformed);
        }
        if self.readings.len() > limits::PROBE_READINGS {
            self.readings.truncate(limits::PROBE_READINGS);
            self.fault = Some(ProbeFault::TooLong);
        }
    }
}

impl Reading {
    fn fit(&mut self) {
        self.name = text::clean_to_fit(&self.name, limits::PROBE_NAME);
        self.value = text::clean_to_fit(&self.value, limits::PROBE_NAME);
        self.unit = text::clean_to_fit(&self.unit, limits::PROBE_UNIT);
        self.text.retain(|language, _| is_language(language));
        while self.text.len() > limits::PROBE_LANGUAGES {
            self.text.pop_last();
        }
        self.text.values_mut().for_each(|text| *text = text::clean_to_fit(text, limits::PROBE_TEXT));
    }

    /// Its sentence in `language`, or else in English, or else in any; none if it has none.
    pub fn sentence(&self, language: &str) -> Option<&str> {
        let sentence = self.text.get(language).or_else(|| self.text.get("en"));
        sentence.or_else(|| self.text.values().next()).map(String::as_str).filter(|text| !text.is_empty())
    }
}

fn is_language(language: &str) -> bool {
    !language.is_empty()
        && language.len() <= limits::LANGUAGE
        && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
