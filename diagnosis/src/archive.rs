//! The archive: tar, compressed with Zstandard (RFC 8878), in memory. Where a disk is full, that is what is diagnosed.

use std::fs::File;
use std::io::{self, Seek, Write};

use nix::sys::memfd::{MFdFlags, memfd_create};

/// How much it is compressed: more takes time on the device, and saves little.
const LEVEL: i32 = 6;
/// What a file takes beside its content, at most.
const OVERHEAD: u64 = 4096;
/// Kept free for the list of contents and the archive's end.
const RESERVE: u64 = 256 * 1024;

/// An archive that is being made.
pub(crate) struct Archive {
    tar: tar::Builder<zstd::Encoder<'static, File>>,
    /// The directory in it that everything is in.
    root: String,
    time: u64,
    left: u64,
}

impl Archive {
    /// One that will be at most `most` bytes long, compressed or not. `time` is in seconds since 1970.
    pub(crate) fn begin(root: String, most: u64, time: u64) -> io::Result<Self> {
        let file = File::from(memfd_create(c"fieldlink-diagnosis", MFdFlags::MFD_CLOEXEC)?);
        let tar = tar::Builder::new(zstd::Encoder::new(file, LEVEL)?);
        // What cannot be compressed takes a little more.
        let left = (most - most / 128).saturating_sub(RESERVE);
        Ok(Self { tar, root, time, left })
    }

    /// How long a file may be that is added, in bytes.
    pub(crate) fn room(&self) -> u64 {
        self.left.saturating_sub(OVERHEAD)
    }

    /// Adds a file. False: there is no room for it.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<bool> {
        let length = content.len() as u64 + OVERHEAD;
        if content.len() as u64 > self.room() {
            return Ok(false);
        }
        self.left -= length;
        self.append(name, content).map(|()| true)
    }

    fn append(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(self.time);
        self.tar.append_data(&mut header, format!("{}/{name}", self.root), content)
    }

    /// The archive, with this last file for which there is always room, at its beginning.
    pub(crate) fn finish(mut self, name: &str, content: &str) -> io::Result<File> {
        let most = usize::try_from(RESERVE - 2 * OVERHEAD).unwrap_or(usize::MAX);
        self.append(name, fieldlink_protocol::text::fit(content, most).as_bytes())?;
        let mut file = self.tar.into_inner()?.finish()?;
        file.flush()?;
        file.rewind()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn it_never_gets_larger_than_it_may() {
        let most = 1 << 20;
        let mut archive = Archive::begin("x".into(), most, 1).expect("begun");
        // Nothing makes this shorter.
        let noise: Vec<u8> =
            (0..100_000).map(|_| fieldlink_protocol::secret::random_bytes::<1>()[0]).collect();
        let added = (0..20).take_while(|n| archive.add(&format!("{n}"), &noise).expect("added")).count();
        assert!((6..10).contains(&added), "{added}");
        assert!(archive.add("small", b"x").expect("added"), "there may be room for what is smaller");
        let file = archive.finish("contents", &"long ".repeat(100_000)).expect("finished");
        assert!(file.metadata().expect("known").len() <= most);
        let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
        let names: Vec<_> = tar
            .entries()
            .expect("tar")
            .map(|entry| {
                let mut entry = entry.expect("an entry");
                io::copy(&mut entry, &mut io::sink()).expect("whole");
                entry.path().expect("a path").to_string_lossy().into_owned()
            })
            .collect();
        assert!(
            names.len() == added + 2 && names.ends_with(&["x/small".into(), "x/contents".into()]),
            "{names:?}"
        );
        let mut end = String::new();
        tar.into_inner().read_to_string(&mut end).expect("read to its end");
    }
}
