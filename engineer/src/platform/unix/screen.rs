//! What a full-screen program leaves on a terminal when it is cut off.

use std::io::IsTerminal;

/// Undoes it: an unfinished string; mouse, focus and paste reporting; the keyboard's modes; character set,
/// attributes and modes of writing; the cursor; the other screen; margins. In the order in which it works:
/// the cursor's place is saved before the screens change, because the one without an application on it would
/// otherwise jump to where it was saved last; and margins move the cursor.
pub(super) const RESET: &str = "\x1b\\\
    \x1b[?1000l\x1b[?1001l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
    \x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2031l\x1b[?2048l\
    \x1b[?1l\x1b>\x1b[>4m\x1b[<u\
    \x1b(B\x1b)B\x0f\x1b[0m\x1b[4l\x1b[?6l\x1b[?7h\x1b[?5l\
    \x1b7\x1b[?1049l\
    \x1b[?69l\x1b7\x1b[r\x1b8\
    \x1b[<u\x1b[0m\x1b[0 q\x1b[?25h";

/// Whether what ssh wrote went to a terminal that understands more than text.
pub(super) fn can_be_reset() -> bool {
    let term = std::env::var_os("TERM").unwrap_or_default();
    std::io::stdout().is_terminal() && !term.is_empty() && term != "dumb" && term != "unknown"
}
