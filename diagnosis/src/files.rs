//! The maker's log files: their ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

use crate::excerpt::Excerpt;
use crate::walk::{Listed, said};

/// As much of one is taken, from its end, in bytes.
pub(crate) const LONGEST: u64 = 8 * 1024 * 1024;
/// How the names of compressed files end.
const COMPRESSED: [&str; 7] = ["gz", "xz", "zst", "bz2", "lz4", "zip", "lzma"];
/// Of so many bytes one may be none of a text: where the power was cut, a log has zeros in it.
const PER_CONTROL: usize = 10;

/// The end of one, if that has at most `most` bytes; an error is for people.
pub(crate) fn read(listed: &Listed, most: u64) -> Result<Excerpt, String> {
    let ending = listed.path.extension();
    if ending.is_some_and(|ending| COMPRESSED.iter().any(|known| ending.eq_ignore_ascii_case(known))) {
        return Err("it is compressed: secrets would not be recognised in it".into());
    }
    let mut file = open_within(listed).map_err(|error| said(&error))?;
    let length = file.metadata().map_err(|error| said(&error))?.len();
    if length.min(LONGEST) > most {
        return Err("there is no room for it (diagnostics.size_mib in agent.toml)".into());
    }
    let Excerpt { text, note } = tail(&mut file, length).map_err(|error| said(&error))?;
    let controls = text.iter().filter(|byte| is_control(**byte)).count();
    match controls {
        0 => Ok(Excerpt { text, note }),
        _ if controls > text.len() / PER_CONTROL && text.iter().any(|byte| *byte != 0) && !is_torn(&text) => {
            Err("it is no text: secrets would not be recognised in it".into())
        }
        _ => Ok(Excerpt { text: text.into_iter().filter(|byte| *byte != 0).collect(), note }),
    }
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b | 0x08 | 0x0c)
}

/// Whether its zeros stand together, as a disk leaves them: UTF-16 and programs have them everywhere.
fn is_torn(text: &[u8]) -> bool {
    let runs = text.chunk_by(|one, other| (*one == 0) == (*other == 0)).filter(|run| run[0] == 0);
    let (zeros, count) = runs.fold((0, 0), |(zeros, count), run| (zeros + run.len(), count + 1));
    let others = text.iter().filter(|byte| is_control(**byte) && **byte != 0).count();
    count > 0 && zeros / count >= 64 && others <= text.len() / PER_CONTROL
}

/// Whoever may write below the directory that is listed may put a link there, which may lead to what is not listed, or a pipe.
fn open_within(Listed { path, base, .. }: &Listed) -> io::Result<File> {
    let within = path.strip_prefix(base).map_err(|_| io::ErrorKind::InvalidInput)?;
    let directory = open(base, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let resolve = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH;
    let file = match openat2(&directory, within, OpenHow::new().flags(flags).resolve(resolve)) {
        // Before Linux 5.6: only the last part is looked at.
        Err(Errno::ENOSYS | Errno::EPERM) => open(path, flags, Mode::empty())?,
        opened => opened?,
    };
    let file = File::from(file);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn tail(file: &mut File, length: u64) -> io::Result<Excerpt> {
    let mut text = Vec::new();
    if length <= LONGEST {
        file.take(LONGEST).read_to_end(&mut text)?;
        return Ok(Excerpt::whole(text));
    }
    file.seek(SeekFrom::Start(length - LONGEST))?;
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(Excerpt::tail(text, format!("the last {} of {} MiB", LONGEST >> 20, length >> 20)))
}

/// The name of one without what may be in the way of other systems.
pub(crate) fn name_of(path: &Path) -> String {
    let path = path.to_string_lossy();
    let fit = |c: char| if c.is_ascii_alphanumeric() || "._-+@/".contains(c) { c } else { '_' };
    format!("logs{}", path.chars().map(fit).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;
    use crate::walk::find;

    fn listed(path: PathBuf) -> Listed {
        let found = find(&[path.to_string_lossy().into_owned()]);
        found.files.into_iter().next().expect("it is there")
    }

    #[test]
    fn what_is_no_text_file_is_not_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let read = |name: &str| super::read(&listed(path(name)), LONGEST);
        let utf16: Vec<u8> = "password=hunter2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(path("text"), "one\ntwo\n").expect("written");
        std::fs::write(path("binary"), [1, 0, 2, 3, 4]).expect("written");
        std::fs::write(path("utf16"), utf16).expect("written");
        std::fs::write(path("x.log.GZ"), "text").expect("written");
        symlink(path("text"), path("link")).expect("made");
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRUSR).expect("made");
        assert_eq!(read("text"), Ok(Excerpt::whole(b"one\ntwo\n".to_vec())));
        for (name, why) in [
            ("binary", "no text"),
            ("utf16", "no text"),
            ("x.log.GZ", "compressed"),
            ("link", "link"),
            ("pipe", "no plain file"),
        ] {
            let said = read(name).expect_err(name);
            assert!(said.contains(why), "{name}: {said}");
        }
        let gone = listed(path("text"));
        std::fs::remove_file(path("text")).expect("removed");
        assert!(super::read(&gone, LONGEST).expect_err("gone").contains("no such file"));
    }

    #[test]
    fn a_log_that_the_power_was_cut_in_is_taken_without_its_zeros() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.log");
        let text = [&b"before\n"[..], &[0; 4096], b"after\n"].concat();
        std::fs::write(&path, text).expect("written");
        assert_eq!(read(&listed(path), LONGEST).expect("taken").text, b"before\nafter\n");
    }

    #[test]
    fn a_directory_that_becomes_a_link_leads_nowhere() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir_all(path("logs/sub")).expect("made");
        std::fs::create_dir_all(path("elsewhere")).expect("made");
        for name in ["logs/sub/x.log", "elsewhere/x.log"] {
            std::fs::write(path(name), name).expect("written");
        }
        let pattern = path("logs/*/x.log").to_string_lossy().into_owned();
        let found = find(&[pattern]).files.remove(0);
        std::fs::remove_dir_all(path("logs/sub")).expect("removed");
        symlink(path("elsewhere"), path("logs/sub")).expect("made");
        assert!(read(&found, LONGEST).expect_err("it leads elsewhere").contains("link"));
    }

    #[test]
    fn of_a_long_one_its_end_is_taken_if_there_is_room() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("long");
        let long: String = (0..400_000).map(|n| format!("line {n} of a long log\n")).collect();
        std::fs::write(&path, &long).expect("written");
        let end = read(&listed(path.clone()), LONGEST).expect("read");
        assert!(long.as_bytes().ends_with(&end.text) && end.text.starts_with(b"line "));
        assert_eq!(end.note.as_deref(), Some("the last 8 of 9 MiB"));
        assert!(read(&listed(path), LONGEST - 1).expect_err("too long").contains("no room"));
    }
}
