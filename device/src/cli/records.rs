//! What was recorded of sessions: listed, reported, exported and deleted.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use fieldlink_evidence::is_record_name;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::report::ReportForm;

use super::args::RecordCommand;
use super::show::done;
use super::{receipt, show};
use crate::bus::ErrorCode;
use crate::client::Device;
use crate::failure::{Failure, Kind};
use crate::order::Order;
use crate::records::SessionRecord;
use crate::words::{Language, Words};

/// Digits of a session's ID that a list shows.
const DIGITS: usize = 12;
/// Characters of a time to the minute.
const TO_THE_MINUTE: usize = "2026-01-01T00:00".len();

/// Carries out a command, and returns the exit code.
pub(super) async fn run(words: &Words, device: &Device, command: RecordCommand) -> Result<u8, Failure> {
    match command {
        RecordCommand::Records { json } => list(words, device, json).await,
        RecordCommand::Report { session, output, text, json, language } => {
            let language = language.map_or(words.language(), Language::from);
            let form = form_of(text, json, output.is_some());
            let session = find_or_latest(device, session.as_deref()).await?.session;
            let mut report = device.report(session, language, form).await?;
            match output {
                Some(path) => {
                    write(&path, &mut report, OpenOptions::new().create(true).truncate(true))?;
                    done(say_with_path(words, "done-report", &path))
                }
                None => print(&mut report),
            }
        }
        RecordCommand::Record { session, output } => export(words, device, &session, &output).await,
        RecordCommand::Receipt { session } => {
            let session = match session {
                Some(named) => Some(find(device, &named).await?.session),
                None => None,
            };
            show::print(&receipt::to_text(words, &device.receipt(session).await?)?)?;
            Ok(0)
        }
        RecordCommand::DeviceKey => match device.device_key().await?.as_str() {
            "" => Err(ErrorCode::NotRecorded.into()),
            key => done(key.to_owned()),
        },
        RecordCommand::DeleteRecord { session, yes } => delete(words, device, &session, yes).await,
        RecordCommand::Forget { yes, .. } => forget(words, device, yes).await,
    }
}

async fn list(words: &Words, device: &Device, json: bool) -> Result<u8, Failure> {
    let records = device.records().await?;
    show::print(&match json {
        true => format!("{}\n", serde_json::to_value(&records).map_err(io::Error::other)?),
        false => table(words, &records),
    })?;
    Ok(0)
}

/// The records as people read them: as wide as they need to be.
fn table(words: &Words, records: &[SessionRecord]) -> String {
    if records.is_empty() {
        return format!("{}\n", words.say("records-none"));
    }
    let labels =
        ["label-session", "label-began", "label-size", "label-state", "label-engineer", "label-ticket"];
    let mut rows = vec![labels.map(|id| words.say(id))];
    rows.extend(records.iter().map(|record| row(words, record)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(words: &Words, record: &SessionRecord) -> [String; 6] {
    let state = if record.is_closed { "record-over" } else { "record-open" };
    [
        record.session.to_string().chars().take(DIGITS).collect(),
        minute(&record.began),
        words.data_used(record.bytes, false),
        words.say(state),
        record.engineer.clone(),
        record.ticket.clone(),
    ]
}

/// A time of a record, to the minute.
fn minute(time: &str) -> String {
    time.chars().take(TO_THE_MINUTE).collect::<String>().replace('T', " ")
}

/// The one record whose session's ID begins so.
async fn find(device: &Device, named: &str) -> Result<SessionRecord, Failure> {
    choose(device.records().await?, named)
}

fn choose(records: Vec<SessionRecord>, named: &str) -> Result<SessionRecord, Failure> {
    let beginning = named.to_lowercase();
    let mut found = records.into_iter().filter(|record| record.session.to_string().starts_with(&beginning));
    match (found.next(), found.next()) {
        (Some(record), None) => Ok(record),
        (Some(_), Some(_)) => Err(Failure::new(Kind::Usage, "failed-several-records").with("session", named)),
        (None, _) => Err(ErrorCode::NoRecord.into()),
    }
}

async fn find_or_latest(device: &Device, named: Option<&str>) -> Result<SessionRecord, Failure> {
    match named {
        Some(named) => find(device, named).await,
        None => Ok(device.records().await?.pop().ok_or(ErrorCode::NoRecord)?),
    }
}

/// A page for a file, a text for a terminal, unless it is said otherwise.
fn form_of(text: bool, json: bool, is_file: bool) -> ReportForm {
    match (text, json, is_file) {
        (_, true, _) => ReportForm::Json,
        (false, false, true) => ReportForm::Html,
        _ => ReportForm::Text,
    }
}

fn print(report: &mut File) -> Result<u8, Failure> {
    io::copy(report, &mut io::stdout().lock())?;
    Ok(0)
}

/// Writes for nobody but the caller to read.
fn write(path: &Path, content: &mut File, options: &mut OpenOptions) -> Result<(), Failure> {
    let file = options.write(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| io::copy(content, &mut file));
    written.map(drop).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Kind::Failed, "failed-write");
    failure.with("path", path.to_string_lossy()).with("detail", error.to_string())
}

fn say_with_path(words: &Words, id: &str, path: &Path) -> String {
    words.say_with(id, &[("path", path.to_string_lossy().into_owned().into())])
}

async fn export(words: &Words, device: &Device, named: &str, to: &Path) -> Result<u8, Failure> {
    let session = find(device, named).await?.session;
    // What else is there would not belong to the record.
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let taken = Failure::new(Kind::Failed, "failed-export-target");
        return Err(taken.with("path", to.to_string_lossy()));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(to);
    made.map_err(|error| unwritable(to, &error))?;
    for name in device.record_files(session).await?.iter().filter(|name| is_record_name(name)) {
        let mut file = device.record_file(session, name).await?;
        write(&to.join(name), &mut file, OpenOptions::new().create_new(true))?;
    }
    done(say_with_path(words, "done-exported", to))
}

async fn delete(words: &Words, device: &Device, named: &str, yes: bool) -> Result<u8, Failure> {
    let record = find(device, named).await?;
    let session: SessionId = record.session;
    let began = minute(&record.began);
    let named =
        [("began", began.into()), ("engineer", record.engineer.into()), ("ticket", record.ticket.into())];
    let question =
        words.say_with("ask-delete-record", &[("record", words.say_with("record-of", &named).into())]);
    if !yes && !agrees(words, &question)? {
        return done(words.say("done-kept"));
    }
    device.give(Order::DeleteRecord(session)).await?;
    done(words.say("done-record-deleted"))
}

async fn forget(words: &Words, device: &Device, yes: bool) -> Result<u8, Failure> {
    if !yes {
        let count = device.records().await?.len() as u64;
        let question = words.say_with("ask-forget-all", &[("count", count.into())]);
        if !agrees(words, &question)? {
            return done(words.say("done-kept"));
        }
    }
    device.give(Order::ForgetRecords).await?;
    done(words.say("done-forgotten"))
}

/// Asks in the terminal. Whatever is no yes is a no.
fn agrees(words: &Words, question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "failed-nobody-to-ask"));
    }
    show::print(question)?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(words.is_word_for("words-for-yes", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(first: u8, engineer: &str, is_closed: bool) -> SessionRecord {
        let mut id = [0xab; 16];
        id[1] = first;
        SessionRecord {
            session: SessionId::from_bytes(id),
            began: "2026-11-30T17:36:33.123Z".into(),
            engineer: engineer.into(),
            ticket: "T-7".into(),
            bytes: 1_234_567,
            is_closed,
        }
    }

    #[test]
    fn people_read_a_table() {
        let words = Words::new(Language::English);
        let records = [record(1, "Ada", true), record(2, "Bob the Builder", false)];
        assert_eq!(
            table(&words, &records),
            "Session       Began (UTC)       Size    State         Engineer         Ticket\n\
             ab01abababab  2026-11-30 17:36  1.2 MB  complete      Ada              T-7\n\
             ab02abababab  2026-11-30 17:36  1.2 MB  not over yet  Bob the Builder  T-7\n"
        );
        assert_eq!(table(&words, &[]), "There is no record of a session on this device.\n");
    }

    #[test]
    fn the_beginning_of_an_id_names_a_session_if_it_is_the_only_one() {
        let records = || vec![record(1, "Ada", true), record(2, "Bob", true)];
        let chosen = |named: &str| choose(records(), named).map(|record| record.engineer);
        assert_eq!(chosen("AB02"), Ok("Bob".to_owned()));
        assert_eq!(
            chosen("ab"),
            Err(Failure::new(Kind::Usage, "failed-several-records").with("session", "ab"))
        );
        assert_eq!(chosen("cd"), Err(ErrorCode::NoRecord.into()));
    }

    #[test]
    fn a_file_gets_a_page_and_a_terminal_a_text() {
        assert_eq!(form_of(false, false, true), ReportForm::Html);
        assert_eq!(form_of(false, false, false), ReportForm::Text);
        assert_eq!(form_of(true, false, true), ReportForm::Text);
        assert_eq!(form_of(false, true, true), ReportForm::Json);
    }
}
