//! What a runbook says to people, by language.

use std::collections::BTreeMap;
use std::fmt;

use fieldlink_words::Language;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// A text in English, and in the other languages that it has. It is read from a table (`{ en = "…", de = "…" }`) or from a
/// plain string, which is English.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(BTreeMap<Language, String>);

impl Texts {
    /// In `language`, or else in English.
    pub fn of(&self, language: Language) -> &str {
        self.0.get(&language).map_or_else(|| self.english(), String::as_str)
    }

    /// In English. A runbook that was read has it for every text.
    pub fn english(&self) -> &str {
        self.0.get(&Language::English).map_or("", String::as_str)
    }

    /// In each language that it has.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &str)> {
        self.0.iter().map(|(language, text)| (*language, text.as_str()))
    }

    /// Whether there is one in `language`.
    pub fn has(&self, language: Language) -> bool {
        self.0.contains_key(&language)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table of texts by language")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts([(Language::English, text.to_owned())].into()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Texts, M::Error> {
                let mut texts = BTreeMap::new();
                while let Some((language, text)) = map.next_entry()? {
                    texts.insert(language, text);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(TextsVisitor)
    }
}
