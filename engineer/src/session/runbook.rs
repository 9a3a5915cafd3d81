//! The runbook of a session whose engineer, or whose scanner, was away.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldlink_protocol::feature;
use fieldlink_protocol::messages::runbook::{RunbookRun, RunbookWord};

use super::Live;
use crate::progress::Console;
use crate::runbook_file::KeptRunbook;
use crate::words::say;

/// Tells the scanner again which runbook is kept in `directory`: it forgets that when it restarts.
pub(super) async fn tell_again(live: Arc<Live>, directory: PathBuf) {
    if !live.agent.features.has(feature::RUNBOOKS) {
        return;
    }
    if let Some(kept) = KeptRunbook::load(&directory) {
        // What the scanner makes of it, it said when the runbook began.
        let _ = live.voice.tell_of_runbook(RunbookWord::Runs(kept.run)).await;
    }
}

/// The scanner says which runbook is gone through in this session: it can go on here.
pub(super) fn take_in(directory: &Path, run: &RunbookRun, console: &Console) {
    // Without the file it cannot go on here, and all else can.
    if matches!(KeptRunbook::take_in(directory, run.clone()), Ok(true)) {
        console.say(&say!("runbook-can-go-on"));
    }
}
