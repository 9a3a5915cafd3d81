//! Where a file goes. It has its name once it is whole and on the disk; until then nothing is in its place.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

/// A place for one file, which was tried: something can be written there.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    /// None: what the file is to be called is not known before it comes.
    name: Option<PathBuf>,
    temporary: TempPath,
    file: Option<File>,
}

impl Place {
    /// At `path`, which is a directory, or a file in one; a file that is there gives way in the end, and nothing else does. Only
    /// the caller can read it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_dir = path.is_dir();
        if !is_dir && path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !is_dir && path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file, and no directory"));
        }
        let (directory, name) = match is_dir {
            true => (path.to_owned(), None),
            false => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
                (parent.unwrap_or(Path::new(".")).to_owned(), Some(PathBuf::from(name)))
            }
        };
        let (file, temporary) = Builder::new().prefix(".fieldlink-").tempfile_in(&directory)?.into_parts();
        Ok(Self { directory, name, temporary, file: Some(file) })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is to be written to.
    pub(crate) fn file(&mut self) -> io::Result<File> {
        self.file.take().ok_or(io::ErrorKind::InvalidInput.into())
    }

    /// As if the disk was another one.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.file = Some(file);
    }

    /// Gives what was written its name: its own, or this one. It is on the disk, and can be taken away.
    pub(crate) fn keep(self, name: &str) -> io::Result<PathBuf> {
        let Self { directory, name: own, temporary, .. } = self;
        let path = directory.join(own.unwrap_or_else(|| name.into()));
        let opened = File::open(&directory);
        temporary.persist(&path).map_err(|error| error.error)?;
        match opened.and_then(|directory| directory.sync_all()) {
            // Where directories cannot be opened, or not be written to the disk by themselves, they need nothing.
            Err(error) if cfg!(unix) && !is_needless(&error) => return Err(error),
            _ => {}
        }
        Ok(path)
    }
}

fn is_needless(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("listed");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_there_when_it_is_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.tar.zst");
        for (place, name) in [(directory.path(), "given.tar.zst"), (&path, "x.tar.zst"), (&path, "x.tar.zst")]
        {
            let mut place = Place::open(place).expect("writable");
            place.file().expect("new").write_all(b"content").expect("written");
            assert!(names(directory.path()).iter().any(|name| name.starts_with(".fieldlink-")));
            assert_eq!(place.keep("given.tar.zst").expect("kept"), directory.path().join(name));
        }
        drop(Place::open(&path).expect("writable"));
        let mut names = names(directory.path());
        names.sort();
        assert_eq!(names, ["given.tar.zst", "x.tar.zst"], "what was given up leaves nothing");
        assert_eq!(std::fs::read(&path).expect("there"), b"content");
        for nowhere in ["/nowhere/x", "/proc/x", "", "/dev/null", "/tmp/no-such-directory/"] {
            Place::open(Path::new(nowhere)).expect_err(nowhere);
        }
    }
}
