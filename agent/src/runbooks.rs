//! Whose runbooks count as the maker's: the section `[runbooks]` of `agent.toml`.

use fieldlink_runbook::Makers;
use serde::Deserialize;

/// `[runbooks]`, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    authority: Vec<String>,
}

/// The keys with which runbooks of the maker's are signed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Section")]
pub struct Runbooks(Makers);

impl TryFrom<Section> for Runbooks {
    type Error = fieldlink_identity::TrustedKeyError;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        Makers::new(&section.authority).map(Self)
    }
}

impl Runbooks {
    /// The keys.
    pub(crate) fn makers(&self) -> &Makers {
        &self.0
    }
}
