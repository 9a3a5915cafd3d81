//! JSON in the one form in which agents write it: no member twice, no spaces, no fractions, no escape that is not needed.
//! So two readers can never take one line for two different things.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value, its members in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Natural(u64),
    Negative(i64),
    Text(String),
    List(Vec<Plain>),
    Object(Vec<(String, Plain)>),
}

impl Plain {
    /// Reads a line, its end included, if it is written in the one form.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let text = line.strip_suffix(b"\n")?;
        let value: Self = serde_json::from_slice(text).ok()?;
        (serde_json::to_vec(&value).ok()? == text).then_some(value)
    }

    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The names of its members, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        let Self::Object(members) = self else { return Vec::new() };
        members.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The text in the member of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The number in the member of this name.
    pub(super) fn natural(&self, name: &str) -> Option<u64> {
        if let Some(Self::Natural(number)) = self.get(name) { Some(*number) } else { None }
    }

    /// The truth in the member of this name.
    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        if let Some(Self::Bool(truth)) = self.get(name) { Some(*truth) } else { None }
    }

    /// The texts in the member of this name, if it is a list of texts.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let Some(Self::List(values)) = self.get(name) else { return None };
        values.iter().map(Self::as_text).collect()
    }

    fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Natural(number) => serializer.serialize_u64(*number),
            Self::Negative(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| object.serialize_entry(name, value))?;
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without fractions and without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Plain, E> {
        Ok(Plain::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Plain, E> {
        Ok(Plain::Natural(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Plain, E> {
        Ok(Plain::Negative(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Plain, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Plain::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Plain, A::Error> {
        let mut names = std::collections::HashSet::new();
        let mut members = Vec::new();
        while let Some((name, value)) = object.next_entry::<String, Plain>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a member is there twice"));
            }
            members.push((name, value));
        }
        Ok(Plain::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_form() {
        for right in ["{}", "[]", "{\"a\":[1,-1,null,true,\"\\n\\u001f\u{7f}ä\"]}", "18446744073709551615"] {
            assert!(Plain::read(format!("{right}\n").as_bytes()).is_some(), "{right}");
        }
        let deep = "[".repeat(128) + &"]".repeat(128);
        for wrong in [
            "{\"a\":1,\"a\":1}",
            "{\"a\": 1}",
            " {}",
            "{} ",
            "01",
            "-0",
            "1.0",
            "1e3",
            "NaN",
            "Infinity",
            "\"\\u0041\"",
            "\"\\/\"",
            "\"\\ud800\"",
            "\"\\u001F\"",
            "18446744073709551616",
            "\"\t\"",
            "{}\r",
            "",
            "\u{feff}{}",
            &deep,
        ] {
            assert_eq!(Plain::read(format!("{wrong}\n").as_bytes()), None, "{wrong}");
        }
        assert!(Plain::read(b"{}").is_none() && Plain::read(b"\"\xff\"\n").is_none());
    }
}
