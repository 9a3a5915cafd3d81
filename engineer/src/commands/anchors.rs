//! `anchors`: what the relay has signed of sessions, as it was kept here.

use crate::anchors::{AnchorBook, Page};
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::printing::{print_answer, print_json};
use crate::words::say;

/// Prints everything of one session, one JSON object a line; without one: the sessions of which there is something.
pub(super) fn run(session: Option<&str>) -> Result<u8, Failure> {
    let book = AnchorBook::new(&Directories::from_environment()?.state, Vec::new());
    let Some(session) = session else {
        print_answer(&list(&book.pages()?));
        return Ok(0);
    };
    let beginning = session.trim().to_ascii_lowercase();
    let anchors = book
        .of(&beginning)?
        .ok_or_else(|| Failure::new(Kind::Failed, say!("no-anchors-of-session", session = beginning)))?;
    for kept in anchors {
        print_json(&serde_json::to_string(&kept).map_err(anyhow::Error::from)?);
    }
    Ok(0)
}

fn list(pages: &[Page]) -> String {
    if pages.is_empty() {
        return format!("{}\n", say!("no-anchors"));
    }
    let line = |Page { session, count, last }: &Page| format!("{session}  {last}  {count}\n");
    pages.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_listed_by_name_time_and_number() {
        let last = "2026-11-30T12:00:00Z".to_owned();
        let page = Page { session: "ab".repeat(16), count: 7, last };
        assert_eq!(list(&[page]), format!("{}  2026-11-30T12:00:00Z  7\n", "ab".repeat(16)));
        assert!(list(&[]).contains("relay"));
    }
}
