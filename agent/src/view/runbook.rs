//! What the client is shown of the runbook that the engineer goes through.

use std::collections::BTreeMap;

use fieldlink_device::runbook::Runbook;
use fieldlink_protocol::text;
use fieldlink_runbook::Texts;

use crate::rules::RunbookStatus;

/// The runbook and its step of now; none if it is over.
pub(super) fn runbook_of(status: &RunbookStatus) -> Option<Runbook> {
    let (number, _, step) = status.step.as_ref()?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Some(Runbook {
        titles: titles_of(&status.title),
        step_titles: titles_of(step),
        step: count(*number),
        steps: count(status.steps),
        is_makers: status.origin.is_maker(),
    })
}

/// By the codes of the languages.
pub(crate) fn titles_of(texts: &Texts) -> BTreeMap<String, String> {
    texts.iter().map(|(language, text)| (language.code().to_owned(), text::name(text))).collect()
}
