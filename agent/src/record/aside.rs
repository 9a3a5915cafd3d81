//! What signs a closed record, put aside while something is added to it: should that fail, there is what there was.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use fieldlink_evidence::{MANIFEST, SIGNATURE, TIME_STAMP};

/// How the names of such files end.
pub(super) const ENDING: &str = ".before";

const SIGNED: [&str; 3] = [MANIFEST, SIGNATURE, TIME_STAMP];

/// The record in the directory `path` is not signed any more, also after a power cut.
pub(super) fn put(path: &Path) -> io::Result<()> {
    for (count, name) in SIGNED.iter().enumerate() {
        let (file, aside) = (path.join(name), aside(path, name));
        let moved = match fs::rename(&file, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&aside),
            moved => moved,
        };
        if let Err(error) = moved {
            // What was moved goes back, the list last; the rest is in its place.
            for name in SIGNED[..count].iter().rev() {
                let _ = fs::rename(self::aside(path, name), path.join(name));
            }
            return Err(error);
        }
    }
    File::open(path)?.sync_all()
}

/// It is signed as it was before.
pub(super) fn put_back(path: &Path) -> io::Result<()> {
    for name in SIGNED {
        // Of what could not be written; whoever checks a record takes nothing beside it.
        let _ = remove(&path.join(format!("{name}.new")));
    }
    // The list comes last: with it the record counts as closed.
    SIGNED.iter().rev().try_for_each(|name| {
        match fs::rename(aside(path, name), path.join(name)) {
            // What has been made meanwhile is of what is not there any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&path.join(name)),
            renamed => renamed,
        }
    })
}

/// It is signed as it is now.
pub(super) fn discard(path: &Path) -> io::Result<()> {
    SIGNED.iter().try_for_each(|name| remove(&aside(path, name)))
}

fn aside(path: &Path, name: &str) -> PathBuf {
    path.join(format!("{name}{ENDING}"))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
