//! That a report says everything, says it in both languages, and is never more than text.

mod hostile;
mod languages;
mod recordings;
mod renderings;
mod sample;
mod screens;

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::Files;

/// A record in memory.
#[derive(Debug, Clone, Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}
