//! `report`: what was done in a session, as it was fetched from the scanner at the end.

use std::fs;
use std::path::Path;

use anyhow::Context;
use fieldlink_protocol::messages::report::ReportForm;
use fieldlink_protocol::timestamp;
use serde_json::json;

use crate::args::ReportArguments;
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::printing::{print_answer, print_json, print_text};
use crate::private_file;
use crate::reports::{Kept, ReportShelf};
use crate::words::say;

/// Prints a report, or puts it into a file; or lists those that there are.
pub(super) fn run(arguments: &ReportArguments) -> Result<u8, Failure> {
    let ReportArguments { session, output, text, json, list } = arguments;
    let shelf = ReportShelf::new(&Directories::from_environment()?.state);
    shelf.tidy();
    let kept = shelf.list();
    if *list {
        match json {
            true => print_json(
                &json!({ "reports": kept.iter().map(|kept| &kept.about).collect::<Vec<_>>() }).to_string(),
            ),
            false => print_answer(&table(&kept)),
        }
        return Ok(0);
    }
    let form = form_of(*text, *json, output.is_some());
    let kept = choose(&kept, session.as_deref())?;
    let path = kept.path(form).ok_or_else(|| missing(kept))?;
    match output {
        Some(output) => copy(&path, output)?,
        None if form == ReportForm::Json => read(&path)?.lines().for_each(print_json),
        None => print_text(&read(&path)?),
    }
    Ok(0)
}

/// As on the scanner: a page for a file, a text for a terminal.
fn form_of(text: bool, json: bool, is_file: bool) -> ReportForm {
    match (text, json, is_file) {
        (_, true, _) => ReportForm::Json,
        (false, false, true) => ReportForm::Html,
        _ => ReportForm::Text,
    }
}

/// The one that is meant: by the session's ID or its beginning, a support ID or a support case; the latest of these. Without
/// a word, the latest of all.
fn choose<'a>(kept: &'a [Kept], wanted: Option<&str>) -> Result<&'a Kept, Failure> {
    let Some(wanted) = wanted else {
        return kept.last().ok_or_else(|| Failure::new(Kind::Failed, say!("no-reports")));
    };
    let wanted = wanted.trim();
    let digits: String = wanted.chars().filter(|c| !c.is_whitespace()).collect();
    let is_case = |kept: &&Kept| kept.about.ticket == wanted || kept.about.id == digits;
    if let Some(found) = kept.iter().rev().find(is_case) {
        return Ok(found);
    }
    let beginning = wanted.to_ascii_lowercase();
    let is_meant =
        |kept: &&Kept| !beginning.is_empty() && kept.about.session.to_string().starts_with(&beginning);
    let mut found = kept.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(Failure::new(Kind::Failed, say!("no-report"))),
        (Some(_), Some(_)) => Err(Failure::usage(say!("several-reports"))),
    }
}

fn missing(kept: &Kept) -> Failure {
    let forms: Vec<_> = ReportForm::ALL.into_iter().filter(|form| kept.path(*form).is_some()).collect();
    let forms = forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
    Failure::new(Kind::Failed, say!("report-form-missing", forms = forms))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| say!("could-not-read", path = path.display()))
}

/// Whole, or not at all; for nobody else's eyes.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let report = fs::read(from).with_context(|| say!("could-not-read", path = from.display()))?;
    let to = std::path::absolute(to).with_context(|| say!("could-not-write", path = to.display()))?;
    private_file::replace(&to, &report)
}

fn table(kept: &[Kept]) -> String {
    if kept.is_empty() {
        return format!("{}\n", say!("no-reports"));
    }
    let row = |Kept { about, .. }: &Kept| {
        [timestamp::utc(about.ended), about.ticket.clone(), about.scanner.clone(), about.session.to_string()]
    };
    let heads = [say!("column-ended"), say!("column-ticket"), say!("column-scanner"), say!("column-session")];
    let rows: Vec<_> = std::iter::once(heads).chain(kept.iter().map(row)).collect();
    let widths: [usize; 4] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    let line = |row: &[String; 4]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_fits_where_it_goes() {
        assert_eq!(form_of(false, false, true), ReportForm::Html);
        assert_eq!(form_of(false, false, false), ReportForm::Text);
        assert_eq!(
            (form_of(true, false, true), form_of(false, true, true)),
            (ReportForm::Text, ReportForm::Json)
        );
    }

    #[test]
    fn a_session_is_named_by_its_case_or_its_beginning() {
        use crate::reports::About;
        use fieldlink_protocol::ids::SessionId;

        let about = |byte: u8, ticket: &str| About {
            session: SessionId::from_bytes([byte; 16]),
            id: "482913077".into(),
            ticket: ticket.into(),
            scanner: "scanner".into(),
            ended: u64::from(byte),
        };
        let kept = [Kept::at(about(0xa1, "T-1")), Kept::at(about(0xa2, "T-2"))];
        let named =
            |wanted| choose(&kept, wanted).map(|kept| kept.about.ended).map_err(|failure| failure.kind);
        assert_eq!((named(None), named(Some("T-1"))), (Ok(0xa2), Ok(0xa1)));
        assert_eq!((named(Some("482 913 077")), named(Some("A1a1"))), (Ok(0xa2), Ok(0xa1)));
        assert_eq!((named(Some("a")), named(Some("b"))), (Err(Kind::Usage), Err(Kind::Failed)));
        assert!(named(Some("")).is_err() && choose(&[], None).is_err());
        assert_eq!(table(&kept).lines().count(), 3);
    }
}
