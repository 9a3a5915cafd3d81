//! What signs a closed record, put aside while something is added to it: should that fail, there is what there was.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fieldlink_evidence::{MANIFEST, SIGNATURE, TIME_STAMP};

/// How the names of such files end.
pub(super) const ENDING: &str = ".before";

const SIGNED: [&str; 3] = [MANIFEST, SIGNATURE, TIME_STAMP];

/// The record in the directory `path` is not signed any more.
pub(super) fn put(path: &Path) -> io::Result<()> {
    let put = SIGNED.iter().try_for_each(|name| {
        let (file, aside) = (path.join(name), aside(path, name));
        match fs::rename(file, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&aside),
            renamed => renamed,
        }
    });
    // One without its list is not closed; one with it and nothing else would be damaged.
    put.inspect_err(|_| drop(put_back(path)))
}

/// It is signed as it was before.
pub(super) fn put_back(path: &Path) -> io::Result<()> {
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
