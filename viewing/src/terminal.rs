//! The real terminal, for as long as the picture has it.

use std::io::{self, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// Alternate screen, and back (xterm's private mode 1049).
const ENTER: &str = "\u{1b}[?1049h\u{1b}[2J";
const LEAVE: &str = "\u{1b}[0m\u{1b}[?1049l";

/// The size that is taken if the terminal does not say one.
const USUAL: (u16, u16) = (24, 80);

/// Takes the terminal's screen and keys; dropped, it gives them back.
pub(crate) struct Screen {
    before: Option<Termios>,
    drawn: Vec<String>,
    size: (u16, u16),
}

impl Screen {
    pub(crate) fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut keys = before.clone();
            keys.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
            tcsetattr(io::stdin(), SetArg::TCSANOW, &keys)?;
        }
        let screen = Self { before, drawn: Vec::new(), size: (0, 0) };
        io::stdout().write_all(ENTER.as_bytes())?;
        Ok(screen)
    }

    /// Rows and columns.
    pub(crate) fn size() -> (u16, u16) {
        let size = rustix::termios::tcgetwinsize(io::stdout());
        let size = size.map_or(USUAL, |size| (size.ws_row, size.ws_col));
        if size.0 == 0 || size.1 == 0 { USUAL } else { size }
    }

    /// Draws what has changed.
    pub(crate) fn draw(
        &mut self,
        size: (u16, u16),
        lines: Vec<String>,
        cursor: (u16, u16),
    ) -> io::Result<()> {
        // Nothing wraps: a character that is wider than it seems must not scroll the rest away.
        let mut out = String::from("\u{1b}[?25l\u{1b}[?7l");
        if self.size != size {
            (self.size, self.drawn) = (size, Vec::new());
            out.push_str("\u{1b}[2J");
        }
        for (at, line) in lines.iter().enumerate().filter(|(at, line)| self.drawn.get(*at) != Some(line)) {
            out.push_str(&format!("\u{1b}[{};1H\u{1b}[0m\u{1b}[2K{line}", at + 1));
        }
        self.drawn = lines;
        out.push_str(&format!("\u{1b}[{};{}H\u{1b}[?7h\u{1b}[?25h", cursor.0 + 1, cursor.1 + 1));
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = io::stdout().write_all(LEAVE.as_bytes()).and_then(|()| io::stdout().flush());
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}
