//! The recording of one terminal.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_evidence::{CastWriter, ChannelOutcome, Hasher, Seal, TerminalShape};

/// A recording that is being written.
pub(super) struct Terminal {
    /// Its name in the record.
    pub(super) name: String,
    pub(super) file: Arc<File>,
    cast: CastWriter,
    hasher: Hasher,
    /// How much of it the account has a seal of.
    sealed: u64,
}

impl Terminal {
    /// Begins the recording of `channel`'s terminal.
    pub(super) fn begin(
        directory: &Path,
        channel: u64,
        (shape, title): (TerminalShape, &str),
        (boot, unix): (Duration, u64),
    ) -> io::Result<Self> {
        let name = format!("terminal-{channel}.cast");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(&name))?;
        let (cast, header) = CastWriter::begin(shape, title, boot, unix);
        let mut terminal = Self { name, file: Arc::new(file), cast, hasher: Hasher::default(), sealed: 0 };
        terminal.append(&header)?;
        Ok(terminal)
    }

    /// Records output. How many bytes that takes.
    pub(super) fn output(&mut self, boot: Duration, bytes: &[u8]) -> io::Result<u64> {
        let line = self.cast.output(boot, bytes);
        line.map_or(Ok(0), |line| self.append(&line))
    }

    /// Records another size.
    pub(super) fn resize(&mut self, boot: Duration, shape: TerminalShape) -> io::Result<u64> {
        let line = self.cast.resize(boot, shape);
        self.append(&line)
    }

    /// Records that what follows is not recorded.
    pub(super) fn stop(&mut self, boot: Duration) -> io::Result<u64> {
        let line = self.cast.gap(boot, "not recorded from here on");
        self.append(&line)
    }

    /// Records the end.
    pub(super) fn exit(&mut self, boot: Duration, outcome: &ChannelOutcome) -> io::Result<u64> {
        let ChannelOutcome::Exit { code } = outcome else { return Ok(0) };
        let line = self.cast.exit(boot, *code);
        self.append(&line)
    }

    /// What it has come to, if that is more than what was sealed last.
    pub(super) fn seal(&mut self) -> Option<Seal> {
        let size = self.hasher.size();
        (size > std::mem::replace(&mut self.sealed, size))
            .then(|| Seal { size, sha256: self.hasher.digest() })
    }

    /// A line whole, or not at all.
    fn append(&mut self, line: &[u8]) -> io::Result<u64> {
        let at = self.hasher.size();
        if let Err(error) = self.file.write_all_at(line, at) {
            // What cannot be shortened either is cut off when the record is closed.
            let _ = self.file.set_len(at);
            return Err(error);
        }
        self.hasher.push(line);
        Ok(line.len() as u64)
    }
}
