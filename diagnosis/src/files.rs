//! The maker's log files: which there are, and their ends.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::excerpt::Excerpt;

/// Files that are taken, and paths that are looked at to find them.
const MOST: usize = 500;
const LOOKED_AT: usize = 20_000;
/// As much of one is taken, from its end, in bytes.
const LONGEST: u64 = 8 * 1024 * 1024;
/// How the names of compressed files end.
const COMPRESSED: [&str; 7] = ["gz", "xz", "zst", "bz2", "lz4", "zip", "lzma"];

/// What patterns led to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest first: they matter most, should there be no room for all.
    pub(crate) files: Vec<PathBuf>,
    /// What they did not lead to, and why.
    pub(crate) missing: Vec<(String, String)>,
}

/// What these patterns lead to.
pub(crate) fn find(patterns: &[String]) -> Found {
    let (mut found, mut seen, mut files, mut looked_at) = (Found::default(), BTreeSet::new(), Vec::new(), 0);
    for pattern in patterns {
        let Ok(paths) = glob::glob(pattern) else { continue };
        let mut is_any = false;
        for path in paths {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                found.missing.push((pattern.clone(), "it leads to too many files".into()));
                break;
            }
            match path {
                Ok(path) if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) => {}
                Ok(path) => {
                    is_any = true;
                    if seen.insert(path.clone()) {
                        files.push((modified(&path), path));
                    }
                }
                Err(error) => {
                    is_any = true;
                    let path = error.path().to_string_lossy().into_owned();
                    found.missing.push((path, said(error.error())));
                }
            }
        }
        if !is_any {
            found.missing.push((pattern.clone(), "there is no such file".into()));
        }
    }
    files.sort_by(|(one, _), (other, _)| other.cmp(one));
    let beyond = files.split_off(files.len().min(MOST));
    let note = |(_, path): (SystemTime, PathBuf)| {
        (path.to_string_lossy().into_owned(), "there are too many files".into())
    };
    found.missing.extend(beyond.into_iter().map(note));
    found.files = files.into_iter().map(|(_, path)| path).collect();
    found
}

fn modified(path: &Path) -> SystemTime {
    path.symlink_metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The end of one; an error is for people.
pub(crate) fn read(path: &Path) -> Result<Excerpt, String> {
    let is_compressed = path
        .extension()
        .is_some_and(|ending| COMPRESSED.iter().any(|known| ending.eq_ignore_ascii_case(known)));
    if is_compressed {
        return Err("it is compressed: secrets would not be recognised in it".into());
    }
    let excerpt = tail(path).map_err(|error| said(&error))?;
    match excerpt.text.contains(&0) {
        true => Err("it is no text: secrets would not be recognised in it".into()),
        false => Ok(excerpt),
    }
}

fn tail(path: &Path) -> io::Result<Excerpt> {
    // A link may lead to what is not listed, a pipe to nobody.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let mut file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = Vec::new();
    if metadata.len() <= LONGEST {
        file.take(LONGEST).read_to_end(&mut text)?;
        return Ok(Excerpt::whole(text));
    }
    file.seek(SeekFrom::Start(metadata.len() - LONGEST))?;
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(Excerpt::tail(text, format!("the last {} of {} MiB", LONGEST >> 20, metadata.len() >> 20)))
}

fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => {
            "fieldlink-diagnose may not read it: it must be readable for the group adm".into()
        }
        _ if error.raw_os_error() == Some(Errno::ELOOP as i32) => "it is a link".into(),
        io::ErrorKind::InvalidInput => "it is no plain file".into(),
        _ => format!("it could not be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn patterns_lead_to_files_the_newest_first_and_what_they_miss_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir_all(path("deep/deeper")).expect("made");
        for (name, age) in [("old.log", 3), ("new.log", 1), ("deep/deeper/x.log", 2)] {
            let file = File::create(path(name)).expect("made");
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).expect("set");
        }
        let pattern = |text: &str| path(text).to_string_lossy().into_owned();
        let found = find(&[pattern("**/*.log"), pattern("old.log"), pattern("none*"), pattern("deep")]);
        assert_eq!(found.files, ["new.log", "deep/deeper/x.log", "old.log"].map(path));
        let missing: Vec<_> = found.missing.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(missing, [pattern("none*"), pattern("deep")]);
    }

    #[test]
    fn what_is_no_text_file_is_not_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("text"), "one\ntwo\n").expect("written");
        std::fs::write(path("binary"), [1, 0, 2]).expect("written");
        std::fs::write(path("x.log.GZ"), "text").expect("written");
        symlink(path("text"), path("link")).expect("made");
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRUSR).expect("made");
        let long: String = (0..400_000).map(|n| format!("line {n} of a long log\n")).collect();
        std::fs::write(path("long"), &long).expect("written");
        assert_eq!(read(&path("text")), Ok(Excerpt::whole(b"one\ntwo\n".to_vec())));
        for (name, why) in [
            ("binary", "no text"),
            ("x.log.GZ", "compressed"),
            ("link", "link"),
            ("pipe", "no plain file"),
            ("none", "no such"),
        ] {
            let said = read(&path(name)).expect_err(name);
            assert!(said.contains(why), "{name}: {said}");
        }
        let end = read(&path("long")).expect("read");
        assert!(long.as_bytes().ends_with(&end.text) && end.text.starts_with(b"line "));
        assert_eq!(end.note.as_deref(), Some("the last 8 of 9 MiB"));
    }
}
