//! What the client reads before they let an engineer in, and of single functions.

use std::time::Duration;

use fieldlink_protocol::policy::{Function, Permission};

use super::Words;
use crate::status::Terms;

impl Words {
    /// Everything that a yes would mean, a sentence each: what may be done, how far it leads, how long, and what is
    /// recorded. Who it is stands in the question.
    pub fn consent(&self, terms: &Terms) -> Vec<String> {
        let mut lines = Vec::new();
        let functions = [
            ("consent-allowed", Permission::Allowed),
            ("consent-asks", Permission::Ask),
            ("consent-never", Permission::Never),
        ];
        for (id, permission) in functions {
            let list: Vec<String> = terms.with(permission).map(|function| self.function(function)).collect();
            if !list.is_empty() {
                lines.push(self.say_with(id, &[("functions", list.join(", ").into())]));
            }
        }
        lines.push(match terms.reaches.join(", ") {
            others if others.is_empty() => self.say("consent-reaches-only"),
            others => self.say_with("consent-reaches", &[("others", others.into())]),
        });
        let time = self.time(Duration::from_secs(u64::from(terms.minutes) * 60));
        lines.push(self.say_with("consent-length", &[("time", time.into())]));
        lines.push(match terms.retention_days {
            0 => self.say("consent-not-recorded"),
            days => self.say_with("consent-recorded", &[("days", u64::from(days).into())]),
        });
        lines
    }

    /// A function, as something that is used.
    pub fn function(&self, function: Function) -> String {
        self.say(&format!("function-{function}"))
    }

    /// The same, in the sentence `id`.
    pub(super) fn of_function(&self, id: &str, function: Option<Function>) -> String {
        let function = function.map_or_else(String::new, |function| self.function(function));
        self.say_with(id, &[("function", function.into())])
    }
}
