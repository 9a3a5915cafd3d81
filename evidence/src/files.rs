//! The files of a record, wherever they are.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::names::is_record_name;

/// The files of a record.
pub trait Files {
    /// Their names, in any order.
    fn names(&self) -> io::Result<Vec<String>>;

    /// The content of one; `NotFound` if there is none of this name.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;

    /// The content of one that is at most `most` bytes long; `FileTooLarge` if it is longer.
    fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(name)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }
}

/// A directory that holds a record and nothing else. The one place in this crate that opens files.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// The record in this directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Files for Directory {
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.0)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let path = self.0.join(name);
        // A link, a pipe or a device in the place of a file is none of the record's.
        if !is_record_name(name) || !std::fs::symlink_metadata(&path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(io::BufReader::new(File::open(path)?)))
    }
}
