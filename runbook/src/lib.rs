//! Runbooks: what an engineer does in a certain case, step by step, as a list that both sides read and follow by the same
//! rules. `docs/RUNBOOKS.md` has the format.
//!
//! | module | is |
//! |---|---|
//! | `texts` | what stands there, by language |
//! | `step` | a runbook as it was read: its steps, what is expected of them, where they lead |
//! | `table` | the same, as it is written |
//! | `parser` | from the one to the other, with everything bounded and each fault named by line and field |
//! | `execution` | which step is next, and what became of the others |
//! | `origin` | whose it is: a maker's whose key is trusted, or the engineer's own |
//!
//! Nothing here does a step: this crate knows no file, no clock and no session. What is done, and what came of it, is the
//! caller's business; the engineer's side and the scanner give it the same results and see the same checklist.

mod execution;
mod origin;
mod parser;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod texts;

pub use execution::{DoesNotFit, Entry, Execution, Mark, Stage};
pub use fieldlink_protocol::settings::SettingsError as ParseError;
pub use origin::{Makers, NAMESPACE, NotAccepted, Origin};
pub use step::{Branch, Expectation, OnFailure, Runbook, Step, Target, Verb, When};
pub use texts::Texts;
