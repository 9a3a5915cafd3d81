//! What the call leaves: its record, checked twice, and the report. They outlive the demo, beside its programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{fs, io};

use fieldlink_evidence::report::{Account, Language, html};
use fieldlink_evidence::{Directory, MANIFEST};
use fieldlink_testbed::Scanner;
use fieldlink_testbed::programs::path_of;

/// How long the scanner may take to close the record.
const CLOSING: Duration = Duration::from_secs(10);

/// What became of the record.
pub(crate) struct Kept {
    /// The report, to be opened in a browser.
    pub(crate) report: PathBuf,
    /// What the scanner knew of itself at the beginning, as a table.
    pub(crate) health: String,
    /// What `fieldlink verify` says, and what the script says.
    pub(crate) checks: [(&'static str, Output); 2],
}

/// Copies the record of the call, has it checked, and writes the report.
pub(crate) fn keep(scanner: &Scanner) -> io::Result<Kept> {
    let beside = path_of("fieldlink").with_file_name("record");
    let record = closed(scanner).ok_or(io::ErrorKind::TimedOut)?;
    match fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => copy(&record, &beside)?,
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evidence/check-by-hand.sh");
    let by_program = Command::new(path_of("fieldlink")).arg("verify").arg(&beside).output()?;
    let by_hand = Command::new("bash").arg(script).arg(&beside).output()?;
    let directory = Directory::new(&beside);
    let account = Account::read(&directory).map_err(io::Error::other)?;
    let report = beside.with_file_name("report.html");
    fs::write(&report, html(&account, &directory, Language::English))?;
    let words = fieldlink_health::Words::new(Language::English);
    let health = account.health.start.as_ref().map(|health| fieldlink_health::to_text(&words, health, false));
    let health = health.unwrap_or_else(|| "It was not read.\n".to_owned());
    Ok(Kept {
        report,
        health,
        checks: [("fieldlink verify", by_program), ("evidence/check-by-hand.sh", by_hand)],
    })
}

/// The record, once it is closed.
fn closed(scanner: &Scanner) -> Option<PathBuf> {
    let begin = Instant::now();
    while begin.elapsed() < CLOSING {
        let records = fs::read_dir(scanner.records()).into_iter().flatten().flatten();
        if let Some(record) = records.map(|entry| entry.path()).find(|path| path.join(MANIFEST).exists()) {
            return Some(record);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
