//! What terminals showed, read back.

use proptest::prelude::*;

use super::super::screen::{Screen, Transcript};
use crate::TerminalShape;

fn transcript(cols: u16, rows: u16, output: &str) -> Vec<String> {
    let mut screen = Screen::new(TerminalShape { cols, rows }, 100, "[full screen]");
    screen.output(output);
    screen.finish().lines
}

#[test]
fn a_terminal_reads_as_it_was_shown() {
    assert_eq!(transcript(80, 3, "\x1b[1;32ma\x1b[0m\r\nb\r\n\r\nc\r\n"), ["a", "b", "", "c"]);
    assert_eq!(transcript(80, 24, "10 %\r20 %\r\x1b[Kdone"), ["done"]);
    assert_eq!(transcript(80, 24, "lx\x08s\x1b]0;title\x07\x1b[?2004h -l"), ["ls -l"]);
    assert_eq!(transcript(80, 24, "old\r\n\x1b[H\x1b[2Jnew"), ["old", "new"]);
    assert_eq!(transcript(80, 24, "a\r\n\x1b[?1049hvi\x1b[2J\x1b[?1049lb"), ["a", "[full screen]", "b"]);
    assert_eq!(transcript(4, 24, "abcdef"), ["abcd", "ef"]);
    assert_eq!(transcript(80, 24, "one\r\ntwo\x1b[A\x1b[2DX\x1b[1GY"), ["YXe", "two"]);
    assert_eq!(transcript(80, 24, "山田e\u{301}\x08x"), ["山田x"]);
}

#[test]
fn what_is_too_much_is_counted() {
    let mut screen = Screen::new(TerminalShape { cols: 80, rows: 2 }, 3, "");
    screen.output("1\r\n2\r\n3\r\n4\r\n5");
    let Transcript { lines, cut } = screen.finish();
    assert_eq!((lines, cut), (vec!["1".into(), "2".into(), "3".into()], 2));
}

proptest! {
    #[test]
    fn nothing_upsets_it(shape in (any::<u16>(), 0u16..9), output in "(\x1b\\[[?]?[0-9;]{0,6}[A-HJKPf@hl]|\r|\n|\t|\x08|.){0,60}", smaller in 0u16..9) {
        let mut screen = Screen::new(TerminalShape { cols: shape.0, rows: shape.1 }, 50, "");
        screen.output(&output);
        screen.resize(TerminalShape { cols: smaller, rows: smaller });
        screen.output(&output);
        prop_assert!(screen.finish().lines.len() <= 50);
    }
}
