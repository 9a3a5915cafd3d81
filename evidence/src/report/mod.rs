//! The report of a session: what a record tells, for people.
//!
//! [`Account::read`] turns a record into a model. [`html`] makes it a page that stands by itself, [`text`] a text for the
//! support case, [`json`] an object for programs. The same record gives the same bytes in each language. None of them checks
//! the record: the page says how that is done.
//!
//! What comes from the scanner is text and nothing else. `Words` cleans it before it becomes a part of a
//! sentence, and `Html` escapes whatever it is given.

mod account;
mod cast;
mod channels;
mod checklists;
mod data;
mod exchanges;
mod facts;
mod gaps;
mod health;
mod lines;
mod markup;
mod page;
mod people;
mod plain;
mod screen;
mod tell;
#[cfg(test)]
mod tests;
mod words;

pub use fieldlink_words::Language;

pub use account::{Account, End, ReportError, Transfer, Verdict};
pub use channels::{Channel, Over};
pub use checklists::{Checklist, Progress, StepSeen};
pub use data::json;
pub use exchanges::{Exchange, Matter, Reply};
pub use gaps::Gap;
pub use health::HealthSeen;
pub use page::html;
pub use people::{Attendee, Role, Watcher};
pub use plain::text;
