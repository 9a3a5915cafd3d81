//! The receipt of a record, to be photographed: twelve words, and what the support service has signed as a QR code.

use std::io::IsTerminal;

use fieldlink_daemon::takes_colours;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::failure::{Failure, Kind};
use crate::records::SessionReceipt;
use crate::words::Words;

/// Words in a line.
const IN_A_LINE: usize = 4;
/// Black on white, whatever the terminal's colours are, and back to those.
const PAPER: &str = "\u{1b}[38;5;16;48;5;231m";
const BACK: &str = "\u{1b}[0m";

/// A receipt as it is shown.
pub(super) fn to_text(words: &Words, receipt: &SessionReceipt) -> Result<String, Failure> {
    let terminal = std::io::stdout().is_terminal();
    let paint =
        if terminal && takes_colours(|name| std::env::var_os(name)) { (PAPER, BACK) } else { ("", "") };
    let mut text = format!("{}\n\n", words.say("receipt-photograph"));
    if !receipt.anchor.is_empty() {
        let code = code(&receipt.anchor)?;
        code.lines().for_each(|line| text += &format!("{}{line}{}\n", paint.0, paint.1));
        text += &format!("\n{}\n\n", receipt.anchor);
    }
    let twelve: Vec<&str> = receipt.words.split(' ').collect();
    twelve.chunks(IN_A_LINE).for_each(|line| text += &format!("  {}\n", line.join(" ")));
    let of = [("session", receipt.session.to_string().into()), ("head", (&receipt.head).into())];
    let signed = match (receipt.anchor.is_empty(), receipt.is_anchored) {
        (true, _) => "receipt-not-anchored",
        (false, true) => "receipt-anchored",
        (false, false) => "receipt-anchored-before",
    };
    text += &format!("\n{}\n{}\n", words.say_with("receipt-session", &of), words.say(signed));
    Ok(text)
}

/// Two rows of a QR code in each line; what is black is drawn.
fn code(content: &str) -> Result<String, Failure> {
    let failed = |error: qrcode::types::QrError| {
        Failure::new(Kind::Failed, "failed-print").with("detail", error.to_string())
    };
    let code = QrCode::with_error_correction_level(content, EcLevel::L).map_err(failed)?;
    Ok(code.render::<Dense1x2>().module_dimensions(1, 1).build())
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::SessionId;

    use super::*;
    use crate::words::Language;

    fn receipt(anchor: &str, is_anchored: bool) -> SessionReceipt {
        SessionReceipt {
            session: SessionId::from_bytes([0xab; 16]),
            words: ["zoo"; 12].join(" "),
            head: "0123".repeat(8),
            anchor: anchor.into(),
            is_anchored,
        }
    }

    #[test]
    fn the_words_stand_in_three_lines_and_the_code_fits_a_terminal() {
        let words = Words::new(Language::English);
        let anchor = format!(
            "fieldlink-anchor v1 | {} | 1234 | {} | 2026-11-30T17:36:33Z",
            "ab".repeat(16),
            "cd".repeat(32)
        );
        let text = to_text(&words, &receipt(&anchor, true)).expect("a text");
        let is_code = |line: &&str| line.contains(['█', '▀', '▄']);
        let widest = text.lines().filter(is_code).map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|columns| columns <= 80), "{text}");
        assert!(text.lines().filter(is_code).count() <= 36, "{text}");
        assert_eq!(text.matches("  zoo zoo zoo zoo\n").count(), 3, "{text}");
        assert!(text.contains(&anchor) && text.ends_with("signed this record to its end.\n"), "{text}");
        let without = to_text(&words, &receipt("", false)).expect("a text");
        assert!(!without.lines().any(|line| is_code(&line)), "{without}");
        assert!(without.ends_with("The support service has signed nothing of this record.\n"), "{without}");
    }

    #[test]
    fn the_code_says_what_it_was_made_of() {
        let drawn = code("an anchor").expect("a code");
        let made = QrCode::with_error_correction_level("an anchor", EcLevel::L).expect("a code");
        let rows: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        let is_black = |x: usize, y: usize| match rows[(y + 4) / 2][x + 4] {
            '█' => true,
            '▀' => (y + 4).is_multiple_of(2),
            '▄' => !(y + 4).is_multiple_of(2),
            _ => false,
        };
        let width = made.width();
        let drawn = (0..width).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| is_black(x, y));
        let colours = made.to_colors().into_iter().map(|colour| colour == qrcode::Color::Dark);
        assert!(drawn.eq(colours));
    }
}
