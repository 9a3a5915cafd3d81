//! A list of steps that the engineer goes through, as the client sees it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A runbook, and the step that is at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runbook {
    /// What it is called, by the code of the language.
    pub titles: BTreeMap<String, String>,
    /// What the step is called, by the code of the language.
    pub step_titles: BTreeMap<String, String>,
    /// The step's place, counted from 1.
    pub step: u32,
    /// How many steps there are.
    pub steps: u32,
    /// Whether it is the maker's, signed with a key that this device trusts, rather than the engineer's own.
    pub is_makers: bool,
}
