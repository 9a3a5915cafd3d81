//! A runbook as it is written: TOML tables, with the place of everything that can be wrong by itself.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use toml::Spanned;

use crate::{OnFailure, Texts};

/// A field, if it is there, with its place.
pub(crate) type Field<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunbookTable {
    pub name: Field<String>,
    pub title: Field<Texts>,
    #[serde(default)]
    pub step: Vec<Spanned<StepTable>>,
}

/// One `[[step]]`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepTable {
    pub id: Field<String>,
    pub title: Field<Texts>,
    pub ask: Field<Texts>,
    pub choices: Field<Vec<Texts>>,
    pub step: Field<Texts>,
    pub ready: Field<String>,
    pub run: Field<String>,
    pub operation: Field<String>,
    pub file: Field<String>,
    pub restart: Field<Texts>,
    pub power: Field<bool>,
    pub note: Field<Texts>,
    pub health: Field<bool>,
    pub photo: Field<IgnoredAny>,
    #[serde(default)]
    pub expect: ExpectTable,
    #[serde(default)]
    pub branch: Vec<Spanned<BranchTable>>,
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// `expect` of a step.
#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectTable {
    pub exit: Field<OneOrMore<u8>>,
    pub output: Field<String>,
    pub answer: Field<OneOrMore<String>>,
}

/// One `[[step.branch]]`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BranchTable {
    pub answer: Field<String>,
    pub exit: Field<u8>,
    pub to: Field<String>,
}

/// A value, or a list of them.
pub(crate) struct OneOrMore<T>(pub Vec<T>);

impl<'de> Deserialize<'de> for OneOrMore<u8> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodesVisitor;

        impl<'de> Visitor<'de> for CodesVisitor {
            type Value = OneOrMore<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an exit code from 0 to 255, or a list of them")
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<Self::Value, E> {
                let unfit = |_| E::invalid_value(serde::de::Unexpected::Signed(code), &self);
                u8::try_from(code).map(|code| OneOrMore(vec![code])).map_err(unfit)
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut codes = Vec::new();
                while let Some(code) = list.next_element()? {
                    codes.push(code);
                }
                Ok(OneOrMore(codes))
            }
        }

        deserializer.deserialize_any(CodesVisitor)
    }
}

impl<'de> Deserialize<'de> for OneOrMore<String> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnswersVisitor;

        impl<'de> Visitor<'de> for AnswersVisitor {
            type Value = OneOrMore<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer, or a list of them")
            }

            fn visit_str<E: Error>(self, answer: &str) -> Result<Self::Value, E> {
                Ok(OneOrMore(vec![answer.to_owned()]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut answers = Vec::new();
                while let Some(answer) = list.next_element()? {
                    answers.push(answer);
                }
                Ok(OneOrMore(answers))
            }
        }

        deserializer.deserialize_any(AnswersVisitor)
    }
}
