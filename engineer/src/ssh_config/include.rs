//! The one line in the engineer's own `~/.ssh/config` that brings our file in: where it stands, and putting it
//! there. It must come before every option, because in an ssh_config the first value wins.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use fieldlink_protocol::secret::random_bytes;

use crate::platform;
use crate::words::say;

/// Largest configuration that is edited, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// What stands above the line.
const COMMENT: &str =
    "# Fieldlink's sessions; \"fieldlink-connect ssh-config --uninstall\" takes this out again.";

/// Where a line of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere.
    Missing,
    /// Before everything that it must stand before.
    First,
    /// In this line, behind options, or inside of a `Host` or `Match` block.
    Behind(usize),
}

/// What became of the engineer's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was as it should be.
    None,
    /// The line was put at the top.
    Added,
    /// The line stood further down and is at the top now.
    Moved,
    /// The line was taken out.
    Removed,
}

/// The file that ssh reads for this user. It asks the system for the home directory, not the environment.
pub(crate) fn user_config() -> anyhow::Result<PathBuf> {
    let home = platform::home_directory().with_context(|| say!("home-unknown"))?;
    Ok(home.join(".ssh/config"))
}

/// Where a line stands in the file at `path` that includes one of `ours`.
pub(crate) fn place(path: &Path, ours: &[PathBuf]) -> anyhow::Result<Place> {
    Ok(place_in(&read(path)?.unwrap_or_default(), ours))
}

/// Puts a line that includes the first of `ours` at the top of the file at `path`, and takes out others.
pub(crate) fn install(path: &Path, ours: &[PathBuf], line: &str) -> anyhow::Result<Change> {
    edit(path, |text| installed(text, ours, line))
}

/// Takes out every line that includes one of `ours`.
pub(crate) fn uninstall(path: &Path, ours: &[PathBuf]) -> anyhow::Result<Change> {
    edit(path, |text| match place_in(text, ours) {
        Place::Missing => (text.to_owned(), Change::None),
        _ => (without(text, ours), Change::Removed),
    })
}

fn installed(text: &str, ours: &[PathBuf], line: &str) -> (String, Change) {
    let change = match place_in(text, ours) {
        Place::First
            if text.lines().find(|line| includes(line, ours)).is_some_and(|first| first.trim() == line) =>
        {
            return (text.into(), Change::None);
        }
        Place::Missing => Change::Added,
        _ => Change::Moved,
    };
    let rest = without(text, ours);
    let end = if rest.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = if rest.is_empty() { "" } else { end };
    (format!("{COMMENT}{end}{line}{end}{gap}{rest}"), change)
}

fn place_in(text: &str, ours: &[PathBuf]) -> Place {
    let mut is_first = true;
    for (number, line) in text.lines().enumerate() {
        if includes(line, ours) {
            return if is_first { Place::First } else { Place::Behind(number + 1) };
        }
        let word = line.trim();
        // Other programs include their files at the top, too; ssh -G tells whether they are in the way.
        is_first &= word.is_empty() || word.starts_with('#') || included(line).is_some();
    }
    Place::Missing
}

/// The text without our lines, our comments above them, and the gaps below.
fn without(text: &str, ours: &[PathBuf]) -> String {
    let mut lines = text.split_inclusive('\n').peekable();
    let mut rest = String::with_capacity(text.len());
    while let Some(line) = lines.next() {
        if line.trim() == COMMENT {
            continue;
        }
        if includes(line, ours) {
            lines.next_if(|next| next.trim().is_empty());
            continue;
        }
        rest.push_str(line);
    }
    rest
}

/// Whether `line` includes files of ours and nothing else.
fn includes(line: &str, ours: &[PathBuf]) -> bool {
    included(line).is_some_and(|paths| {
        !paths.is_empty() && paths.iter().all(|path| ours.iter().any(|file| file == Path::new(path)))
    })
}

/// The paths of an `Include` line.
fn included(line: &str) -> Option<Vec<&str>> {
    let line = line.trim();
    let (keyword, rest) = line.split_at_checked("Include".len())?;
    let is_include = keyword.eq_ignore_ascii_case("Include") && rest.starts_with([' ', '\t', '=', '"']);
    is_include.then_some(())?;
    let mut rest = rest.trim_start_matches([' ', '\t', '=']);
    let mut paths = Vec::new();
    while !rest.is_empty() {
        let (path, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
        };
        paths.push(path);
        rest = behind.trim_start_matches([' ', '\t']);
    }
    Some(paths)
}

fn edit(path: &Path, change: impl FnOnce(&str) -> (String, Change)) -> anyhow::Result<Change> {
    let before = read(path)?;
    let (after, change) = change(before.as_deref().unwrap_or_default());
    if change != Change::None {
        replace(path, before.as_deref(), &after)
            .with_context(|| say!("could-not-change", path = path.display()))?;
    }
    Ok(change)
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| say!("could-not-open", path = path.display())),
    };
    let mut text = String::new();
    file.take(LIMIT + 1)
        .read_to_string(&mut text)
        .with_context(|| say!("could-not-read", path = path.display()))?;
    ensure!(text.len() as u64 <= LIMIT, say!("configuration-too-large", path = path.display()));
    Ok(Some(text))
}

/// Puts `after` in the place of `before`, whole or not at all, with the owner and mode of the file that was there.
fn replace(path: &Path, before: Option<&str>, after: &str) -> anyhow::Result<()> {
    let directory = path.parent().with_context(|| say!("file-in-no-directory"))?;
    platform::create_private_directory(directory)?;
    if before.is_none() && fs::symlink_metadata(path).is_ok() {
        bail!(say!("link-leads-nowhere"));
    }
    // An engineer who links to a file elsewhere keeps the link.
    let path = if before.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let directory = path.parent().with_context(|| say!("file-in-no-directory"))?;
    let temporary = directory.join(format!(".fieldlink.{:016x}", u64::from_ne_bytes(random_bytes())));
    let written = write(&temporary, &path, before, after);
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    Ok(platform::sync_directory(directory)?)
}

fn write(temporary: &Path, path: &Path, before: Option<&str>, after: &str) -> anyhow::Result<()> {
    let mut file = platform::private_file().write(true).create_new(true).open(temporary)?;
    file.write_all(after.as_bytes())?;
    if before.is_some() {
        platform::give_same_owner(&file, &fs::metadata(path)?)?;
    }
    file.sync_all()?;
    ensure!(read(path)?.as_deref() == before, say!("changed-just-now"));
    Ok(fs::rename(temporary, path)?)
}

#[cfg(test)]
#[path = "include_tests.rs"]
mod tests;
