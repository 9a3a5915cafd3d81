//! The runbook that is gone through in a session, as it is kept in the session's private directory: should what goes
//! through it be stopped, killed, or go on at another engineer's, it goes on where it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fieldlink_protocol::messages::Bounded;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::runbook::{RunbookRun, RunbookWord};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// The file's name in a session's directory.
pub(crate) const FILE: &str = "runbook.json";

/// A runbook, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRunbook {
    /// What the scanner is told of it.
    pub run: RunbookRun,
    /// The files that go with operations, by the step's name.
    #[serde(default)]
    pub files: BTreeMap<String, PathBuf>,
    /// The code of the language that the client is asked in, if the engineer has named one or the client has answered.
    #[serde(default)]
    pub language: Option<String>,
    /// Whether the scanner restarts for the step that is next: it is not to be asked again.
    #[serde(default)]
    pub restarting: bool,
    /// Whether the step that is next was begun before.
    #[serde(default)]
    pub begun: bool,
}

impl KeptRunbook {
    /// One that was not begun yet.
    pub(crate) fn new(run: RunbookRun) -> Self {
        Self { run, files: BTreeMap::new(), language: None, restarting: false, begun: false }
    }

    /// What is kept in `directory`. Something unreadable is nothing.
    pub(crate) fn load(directory: &Path) -> Option<Self> {
        let text = private_file::read_secret(&directory.join(FILE)).ok()??;
        let kept: Self = serde_json::from_str(&text).ok()?;
        kept.check().is_ok().then_some(kept)
    }

    /// Keeps it in `directory`.
    pub(crate) fn store(&self, directory: &Path) -> anyhow::Result<()> {
        private_file::replace(&directory.join(FILE), &serde_json::to_vec(self)?)
    }

    /// It is over: nothing is kept in `directory` any longer.
    pub(crate) fn remove(directory: &Path) {
        let _ = std::fs::remove_file(directory.join(FILE));
    }

    /// An error if the scanner would not read it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        FromEngineer::Runbook { request: 1, word: RunbookWord::Runs(self.run.clone()) }.check()
    }

    /// What the scanner is told when the last of its steps is over; none if none is.
    pub(crate) fn last_word(&self) -> Option<RunbookWord> {
        let (last, before) = self.run.results.split_last()?;
        let before = u8::try_from(before.len()).ok()?;
        Some(RunbookWord::Settled { before, result: last.clone() })
    }

    /// Takes in what the scanner says of the runbook of this session: it may be another one, or further than is known
    /// here, because another engineer went on with it. Whether that is news.
    pub(crate) fn take_in(directory: &Path, run: RunbookRun) -> anyhow::Result<bool> {
        let is_known = Self::load(directory).is_some_and(|kept| {
            (&kept.run.text, &kept.run.signature) == (&run.text, &run.signature)
                && kept.run.results.len() >= run.results.len()
        });
        if !is_known {
            Self::new(run).store(directory)?;
        }
        Ok(!is_known)
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::messages::runbook::StepResult;

    use super::*;

    fn run(text: &str, results: usize) -> RunbookRun {
        let (text, results) = (text.to_owned(), vec![StepResult::Done {}; results]);
        RunbookRun { text, signature: None, from: 0, results }
    }

    #[test]
    fn it_is_kept_for_its_owner_only_and_junk_is_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        assert_eq!(KeptRunbook::load(path), None);
        let kept = KeptRunbook::new(run("name = \"x\"", 2));
        kept.store(path).expect("stored");
        assert_eq!(KeptRunbook::load(path), Some(kept.clone()));
        assert!(matches!(kept.last_word(), Some(RunbookWord::Settled { before: 1, .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.join(FILE).metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        KeptRunbook::remove(path);
        for junk in
            ["", "{}", "{\"run\":{\"text\":\"\\u0001\",\"signature\":null,\"from\":0,\"results\":[]}}"]
        {
            private_file::replace(&path.join(FILE), junk.as_bytes()).expect("written");
            assert_eq!(KeptRunbook::load(path), None, "{junk}");
        }
    }

    #[test]
    fn what_is_further_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let take_in = |run| KeptRunbook::take_in(path, run).expect("stored");
        assert!(take_in(run("a", 1)), "nothing was known");
        assert!(!take_in(run("a", 1)) && !take_in(run("a", 0)), "it is known to be as far, or further");
        assert!(take_in(run("a", 2)), "somebody went on with it");
        assert!(take_in(run("b", 0)), "another one");
    }
}
