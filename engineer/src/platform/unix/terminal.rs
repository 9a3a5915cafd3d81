//! Lines typed by a person, or handed over on a descriptor.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{FlushArg, LocalFlags, SetArg, Termios, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, read, tcgetpgrp};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::{inherited, screen};
use crate::words::say;

/// Longest line that is read, in bytes.
const LINE: usize = 2048;

/// Something that gives one line and keeps the rest: bytes are read one by one, because what
/// follows the line belongs to another program.
pub(crate) struct LineInput(OwnedFd);

impl LineInput {
    /// Standard input.
    pub(crate) fn stdin() -> io::Result<Self> {
        io::stdin().as_fd().try_clone_to_owned().map(Self)
    }

    /// Takes over the descriptor `number`, which the caller of this program left open for us.
    pub(crate) fn descriptor(number: i32) -> io::Result<Self> {
        if number <= 2 {
            return Err(io::Error::other(say!("standard-stream")));
        }
        inherited::take(number).map(Self)
    }

    /// The next line without its end, or `None` at the end of the input. Safe to cancel.
    pub(crate) async fn line(&self) -> io::Result<Option<Zeroizing<String>>> {
        line(self.0.as_fd()).await
    }
}

/// The terminal that this program was started from, whatever its standard streams are.
pub(crate) struct Terminal(File);

impl Terminal {
    /// Opens it; an error means that there is none.
    pub(crate) fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open("/dev/tty").map(Self)
    }

    /// Asks for a line. `hidden` hides what is typed. Safe to cancel: the terminal is as before.
    pub(crate) async fn ask(&self, prompt: &str, hidden: bool) -> io::Result<Option<Zeroizing<String>>> {
        let mut continued = signal(SignalKind::from_raw(Signal::SIGCONT as i32))?;
        wait_for_foreground(&self.0)?;
        let before = if hidden { Some(TerminalState::of(&self.0)?) } else { None };
        let mut line = pin!(line(self.0.as_fd()));
        loop {
            before.as_ref().map_or(Ok(()), TerminalState::hide_typing)?;
            (&self.0).write_all(prompt.as_bytes())?;
            tokio::select! {
                biased;
                line = &mut line => return line,
                // The program was stopped meanwhile, and its shell has shown what is typed. It may have been read
                // already, so the thread that reads goes on.
                Some(()) = continued.recv() => wait_for_foreground(&self.0)?,
            }
        }
    }

    /// Hides what is typed until the value is dropped. What was typed and not read by then is thrown away: the
    /// rest of something pasted must not get to the shell.
    pub(crate) fn hide_typing(&self) -> io::Result<HiddenTyping> {
        let state = TerminalState::of(&self.0)?;
        state.hide_typing()?;
        Ok(HiddenTyping(state))
    }
}

/// A terminal that does not show what is typed.
pub(crate) struct HiddenTyping(TerminalState);

impl Drop for HiddenTyping {
    fn drop(&mut self) {
        if self.0.is_ours() {
            let _ = tcflush(&self.0.terminal, FlushArg::TCIFLUSH);
        }
    }
}

/// The settings of the terminal; they come back when this is dropped, whatever a child did to them.
pub(crate) struct TerminalState {
    terminal: File,
    settings: Termios,
}

impl TerminalState {
    /// Remembers the settings of the terminal, if there is one.
    pub(crate) fn remember() -> Option<Self> {
        // In the background they are those of the shell's own prompt.
        let Terminal(terminal) = Terminal::open().ok().filter(|terminal| is_foreground(&terminal.0))?;
        Self::of(&terminal).ok()
    }

    fn of(terminal: &File) -> io::Result<Self> {
        Ok(Self { terminal: terminal.try_clone()?, settings: tcgetattr(terminal)? })
    }

    fn hide_typing(&self) -> io::Result<()> {
        let mut hidden = self.settings.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL | LocalFlags::ICANON);
        Ok(tcsetattr(&self.terminal, SetArg::TCSADRAIN, &hidden)?)
    }

    /// Undoes what a program that was cut off may have left on the screen.
    pub(crate) fn reset_screen(&self) {
        // A program in the background that touches the terminal is stopped by the kernel.
        if self.is_ours() && screen::can_be_reset() {
            let _ = (&self.terminal).write_all(screen::RESET.as_bytes());
        }
    }

    fn is_ours(&self) -> bool {
        is_foreground(&self.terminal)
    }
}

impl Drop for TerminalState {
    fn drop(&mut self) {
        if self.is_ours() {
            let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.settings);
        }
    }
}

/// In the background the terminal's settings are those of the shell's own prompt, and must not be taken over.
/// So this program stops, as it would for a key, until it is in the foreground.
fn wait_for_foreground(terminal: &File) -> io::Result<()> {
    /// Where stopping does nothing (no shell could have the program go on), there is no terminal for it.
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        if is_foreground(terminal) {
            return Ok(());
        }
        raise(Signal::SIGTTIN)?;
    }
    Err(io::Error::other(say!("in-the-background")))
}

fn is_foreground(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

/// Waits on a thread of its own, because a descriptor that is shared with other programs must stay
/// blocking. Dropping the future closes the pipe that the thread watches as well, and so ends it.
async fn line(input: BorrowedFd<'_>) -> io::Result<Option<Zeroizing<String>>> {
    let input = input.try_clone_to_owned()?;
    let (cancelled, _cancel) = io::pipe()?;
    let read = tokio::task::spawn_blocking(move || read_line(&input, &cancelled));
    read.await.map_err(io::Error::other)?
}

fn read_line(input: &OwnedFd, cancelled: &PipeReader) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE));
    loop {
        wait_for_input(input, cancelled)?;
        let byte = match read_byte(input) {
            // The descriptor was made non-blocking, and another process took the byte.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            read => read?,
        };
        match byte {
            None if line.is_empty() => return Ok(None),
            None | Some(b'\n') => break,
            Some(_) if line.len() == LINE => return Err(io::Error::other(say!("line-too-long"))),
            Some(byte) => line.push(byte),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::other(say!("line-not-text")))?;
    Ok(Some(Zeroizing::new(text.trim_end_matches('\r').to_owned())))
}

fn wait_for_input(input: &OwnedFd, cancelled: &PipeReader) -> io::Result<()> {
    let asked = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut both = [asked(input.as_fd()), asked(cancelled.as_fd())];
    while let Err(error) = poll(&mut both, PollTimeout::NONE) {
        if error != Errno::EINTR {
            return Err(error.into());
        }
    }
    let is_cancelled = both[1].any().unwrap_or(true);
    if is_cancelled { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
}

fn read_byte(input: &OwnedFd) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match read(input, &mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn takes_one_line_and_leaves_the_rest() {
        let (mut reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(b"0471\r\necho hello\n").expect("room");
        drop(writer);
        let input = LineInput(reader.try_clone().expect("a clone").into());
        assert_eq!(input.line().await.expect("a line").as_deref().map(String::as_str), Some("0471"));
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("the rest");
        assert_eq!(rest, "echo hello\n");
        assert!(input.line().await.expect("an end").is_none());
    }

    #[tokio::test]
    async fn a_descriptor_may_be_of_any_kind_and_is_taken_once() {
        use std::os::fd::IntoRawFd;
        use std::os::unix::net::UnixStream;
        let (mut theirs, ours) = UnixStream::pair().expect("a pair");
        ours.set_nonblocking(true).expect("set");
        let number = ours.into_raw_fd();
        let input = LineInput::descriptor(number).expect("it is open");
        theirs.write_all(b"0471\n").expect("room");
        assert_eq!(input.line().await.expect("a line").as_deref().map(String::as_str), Some("0471"));
        drop(theirs);
        assert!(input.line().await.expect("an end").is_none());
        for wrong in [-1, 0, 2, 1_000_000] {
            assert!(LineInput::descriptor(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn waits_for_a_line_that_comes_in_pieces() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let input = LineInput(reader.into());
        writer.write_all(b"04").expect("room");
        let (line, ()) = tokio::join!(input.line(), async {
            tokio::task::yield_now().await;
            writer.write_all(b"71\nx").expect("room");
        });
        assert_eq!(line.expect("a line").as_deref().map(String::as_str), Some("0471"));
    }

    /// The runtime waits for its threads at the end, so this test would never return otherwise.
    #[test]
    fn a_cancelled_read_leaves_no_thread_behind() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let input = LineInput(reader.into());
            tokio::select! {
                biased;
                _ = input.line() => panic!("nothing was written"),
                () = tokio::task::yield_now() => {}
            }
        });
    }

    #[tokio::test]
    async fn reads_plain_files_and_refuses_endless_lines() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&[b'x'; LINE + 1]).expect("written");
        io::Seek::rewind(&mut file).expect("rewound");
        assert!(LineInput(file.into()).line().await.is_err());
        assert!(
            LineInput(File::open("/dev/null").expect("null").into()).line().await.expect("an end").is_none()
        );
        assert!(LineInput::descriptor(1).is_err());
    }
}
