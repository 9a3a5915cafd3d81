//! Runbooks, as the client reads them: lists of steps.

use std::collections::BTreeMap;

use super::Words;
use crate::operation::title;
use crate::runbook::Runbook;

impl Words {
    /// Which list is gone through, whose it is, and the step that is at hand.
    pub fn runbook(&self, runbook: &Runbook) -> String {
        let Runbook { titles, step_titles, step, steps, is_makers } = runbook;
        let arguments = [
            ("title", title(titles, self.language()).into()),
            ("origin", self.origin(*is_makers).into()),
            ("number", u64::from(*step).into()),
            ("count", u64::from(*steps).into()),
            ("step", title(step_titles, self.language()).into()),
        ];
        self.say_with("runbook-step", &arguments)
    }

    /// That the engineer follows a list from now on.
    pub(super) fn runbook_began(&self, titles: &BTreeMap<String, String>, is_makers: bool) -> String {
        let title = title(titles, self.language());
        let arguments = [("title", title.into()), ("origin", self.origin(is_makers).into())];
        self.say_with("warning-runbook-began", &arguments)
    }

    /// That a list is over.
    pub(super) fn runbook_over(&self, titles: &BTreeMap<String, String>, is_finished: bool) -> String {
        let id = if is_finished { "warning-runbook-finished" } else { "warning-runbook-stopped" };
        self.say_with(id, &[("title", title(titles, self.language()).into())])
    }

    fn origin(&self, is_makers: bool) -> String {
        self.say(if is_makers { "runbook-of-maker" } else { "runbook-of-engineer" })
    }
}
