//! What the engineer announces, as the client reads it.

use std::time::Duration;

use fieldlink_protocol::messages::announcements::CaseResult;

use super::Words;
use crate::verdict::Verdict;

impl Words {
    /// The engineer works alone for `left`.
    pub fn quiet(&self, left: Duration, text: &str) -> String {
        let time = self.time(left);
        match text {
            "" => self.say_with("warning-quiet", &[("time", time.into())]),
            text => self.say_with("warning-quiet-with-text", &[("time", time.into()), ("text", text.into())]),
        }
    }

    /// What the client said of a session.
    pub fn verdict(&self, verdict: Verdict, words: &str) -> String {
        let verdict = self.say(&format!("verdict-{}", verdict.name()));
        match words {
            "" => self.say_with("warning-verdict", &[("verdict", verdict.into())]),
            words => {
                let arguments = [("verdict", verdict.into()), ("words", words.into())];
                self.say_with("warning-verdict-with-words", &arguments)
            }
        }
    }

    /// The engineer's outcome of the support case, and what is to be prepared.
    pub(super) fn outcome(&self, result: CaseResult, summary: &str, prepare: &str) -> String {
        let result = self.say(&format!("outcome-{}", result.name()));
        let parts = [("outcome-summary", summary), ("outcome-prepare", prepare)];
        let more = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let more = more.map(|(id, text)| self.say_with(id, &[("text", text.into())]));
        std::iter::once(result).chain(more).collect::<Vec<_>>().join(" ")
    }
}
