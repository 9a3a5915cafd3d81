//! The device's health before and after, on the page.

use super::{Cell, Html, Page};
use crate::report::health::HealthTold;

impl Page<'_> {
    pub(super) fn health(&self, html: &mut Html) {
        let told = HealthTold::new(&self.account.health, self.words);
        self.part(html, "part-health", "", |html| {
            html.element("dl", &[], |html| {
                for (label, warnings) in told.ends() {
                    html.leaf("dt", &[], &self.words.say(label));
                    match warnings.as_deref() {
                        None => html.leaf("dd", &[], &self.words.say("health-not-read")),
                        Some([]) => html.leaf("dd", &[], &self.words.say("health-no-warnings")),
                        Some(warnings) => html.element("dd", &[], |html| {
                            warnings.iter().for_each(|warning| html.leaf("div", &[], warning));
                        }),
                    }
                }
            });
            if told.changes.is_empty() {
                return self.say(
                    html,
                    "",
                    if told.is_compared() { "health-same" } else { "health-not-compared" },
                );
            }
            let rows = told.changes.iter().map(|row| row.clone().map(Cell::Text).into());
            self.table(html, &["column-part", "column-before", "column-after"], rows);
            self.say(html, "note", "health-note");
        });
    }
}
