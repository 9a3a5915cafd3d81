//! Which files there are that the maker has listed. No link is followed below what is listed by name: who may write there, not
//! only the maker, would say what is taken.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use glob::{MatchOptions, Pattern};

/// Files that are taken.
const MOST: usize = 500;
/// Entries of directories that are looked at for one pattern, how deep, and for how long.
const LOOKED_AT: usize = 100_000;
const DEEPEST: usize = 24;
const PATIENCE: Duration = Duration::from_secs(10);

/// `*` and `?` stand for no `/`, as in a shell, but for a leading dot, too.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What patterns led to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest first: they matter most, should there be no room for all.
    pub(crate) files: Vec<Listed>,
    /// What they did not lead to, and why.
    pub(crate) missing: Vec<(String, String)>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    /// The directory that is listed by name; below it no link is followed.
    pub(crate) base: PathBuf,
    modified: SystemTime,
}

struct Walk<'a> {
    pattern: Pattern,
    base: PathBuf,
    deepest: usize,
    looked_at: usize,
    is_any: bool,
    until: Instant,
    seen: &'a mut BTreeSet<(u64, u64)>,
    found: &'a mut Found,
}

/// What these patterns lead to.
pub(crate) fn find(patterns: &[String]) -> Found {
    let (mut found, mut seen) = (Found::default(), BTreeSet::new());
    for text in patterns {
        let Ok(pattern) = Pattern::new(text) else { continue };
        let missed = found.missing.len();
        let (base, deepest) = base_of(text);
        let until = Instant::now() + PATIENCE;
        let mut walk = Walk {
            pattern,
            base: base.clone(),
            deepest,
            looked_at: 0,
            is_any: false,
            until,
            seen: &mut seen,
            found: &mut found,
        };
        let (looked, is_any) = (walk.look_in(&base, 0), walk.is_any);
        if let Err(why) = looked {
            found.missing.push((text.clone(), why));
        } else if !is_any && found.missing.len() == missed {
            found.missing.push((text.clone(), "there is no such file".into()));
        }
    }
    found.files.sort_by_key(|file| Reverse(file.modified));
    let beyond = found.files.split_off(found.files.len().min(MOST));
    let note = |file: Listed| (file.path.to_string_lossy().into_owned(), "there are too many files".into());
    found.missing.extend(beyond.into_iter().map(note));
    found
}

/// The directory in front of the first part of a pattern that stands for others, or of its last part; and how deep it leads
/// from there.
fn base_of(pattern: &str) -> (PathBuf, usize) {
    let parts: Vec<Component<'_>> = Path::new(pattern).components().collect();
    let is_open = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let fixed = parts.iter().position(is_open).unwrap_or(parts.len()).min(parts.len().saturating_sub(1));
    let deepest = if pattern.contains("**") { DEEPEST } else { parts.len() - fixed - 1 };
    (parts[..fixed].iter().collect(), deepest)
}

impl Walk<'_> {
    /// An error is for people, and ends it.
    fn look_in(&mut self, directory: &Path, depth: usize) -> Result<(), String> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(said(&error)),
            Err(error) => {
                self.found.missing.push((directory.to_string_lossy().into_owned(), said(&error)));
                return Ok(());
            }
        };
        for entry in entries.flatten() {
            self.looked_at += 1;
            if self.looked_at > LOOKED_AT || Instant::now() > self.until {
                return Err("it leads to too many files".into());
            }
            self.look_at(&entry, depth)?;
        }
        Ok(())
    }

    fn look_at(&mut self, entry: &DirEntry, depth: usize) -> Result<(), String> {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { return Ok(()) };
        if metadata.is_dir() {
            return if depth < self.deepest { self.look_in(&path, depth + 1) } else { Ok(()) };
        }
        let is_listed = self.pattern.matches_path_with(&path, OPTIONS);
        self.is_any |= is_listed;
        if is_listed && self.seen.insert((metadata.dev(), metadata.ino())) {
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            self.found.files.push(Listed { path, base: self.base.clone(), modified });
        }
        Ok(())
    }
}

/// What an error means for people.
pub(crate) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => {
            "fieldlink-diagnose may not read it: it must be readable for the group adm".into()
        }
        io::ErrorKind::InvalidInput => "it is no plain file".into(),
        _ if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => "it is a link".into(),
        _ => format!("it could not be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(found: &Found) -> Vec<&Path> {
        found.files.iter().map(|file| &*file.path).collect()
    }

    #[test]
    fn patterns_lead_to_files_the_newest_first_and_what_they_miss_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("deep/deeper")).expect("made");
        for (name, age) in [("old.log", 3), ("new.log", 1), ("deep/deeper/x.log", 2)] {
            let file = File::create(path(name)).expect("made");
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("set");
        }
        let pattern = |text: &str| path(text).to_string_lossy().into_owned();
        let found = find(&[pattern("**/*.log"), pattern("old.log"), pattern("none*"), pattern("nowhere/x")]);
        assert_eq!(paths(&found), ["new.log", "deep/deeper/x.log", "old.log"].map(path));
        let missing: Vec<_> = found.missing.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(missing, [pattern("none*"), pattern("nowhere/x")]);
        assert_eq!(paths(&find(&[pattern("*.log")])).len(), 2, "not deeper");
        assert_eq!(paths(&find(&[pattern("deep/*/x.log")])), [path("deep/deeper/x.log")]);
        assert_eq!(paths(&find(&[pattern("old.log")])), [path("old.log")], "known already is no miss");
    }

    #[test]
    fn links_lead_nowhere() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("logs/real")).expect("made");
        fs::create_dir_all(path("elsewhere")).expect("made");
        for name in ["logs/real/x.log", "elsewhere/secret.log"] {
            File::create(path(name)).expect("made");
        }
        for name in ["a", "b", "c"] {
            symlink(".", path(&format!("logs/{name}"))).expect("made");
        }
        symlink(path("elsewhere"), path("logs/out")).expect("made");
        symlink(path("elsewhere/secret.log"), path("logs/link.log")).expect("made");
        let pattern = |text: &str| path(text).to_string_lossy().into_owned();
        // A link in the place of a file is found, and told of when it is to be read.
        let found = find(&[pattern("logs/**/*.log")]);
        let mut names = paths(&found);
        names.sort();
        assert_eq!(names, ["logs/link.log", "logs/real/x.log"].map(path));
        // What is listed by name may be one.
        symlink(path("logs"), path("current")).expect("made");
        assert_eq!(paths(&find(&[pattern("current/real/*.log")])), [path("current/real/x.log")]);
    }
}
