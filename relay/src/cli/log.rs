//! The relay's log, on standard error. Whatever a line says, it is one line of harmless text: no place that
//! logs what a peer sent has to remember to clean it.

use std::io::{self, Write};

use fieldlink_protocol::text;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The longest line, in characters.
const LINE: usize = 2_000;

/// Writes logs from now on, as much as `FIELDLINK_LOG` says.
pub(super) fn init() {
    let filter =
        fieldlink_daemon::chosen_levels().unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    // Without colours, which could not be told from what a peer sent.
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Lines(io::stderr()));
    tracing_subscriber::registry().with(filter).with(lines).init();
}

/// Writes each event, which comes in one piece, as one clean line.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(event);
        let line = text::clean(line.strip_suffix('\n').unwrap_or(&line), LINE);
        self.0.write_all((line + "\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_event_is_one_line_of_harmless_text() {
        let shared = Shared::default();
        let writer = shared.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || Lines(writer.clone())).finish();
        let foreign = "\u{1b}]0;title\u{7}\nNov 28 relay: permitted\r\u{202e}txt\u{9b}31m";
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(foreign, %foreign, "{foreign}");
            tracing::info!("{}", "x".repeat(10 * LINE));
        });
        let written = String::from_utf8(shared.0.lock().expect("whole").clone()).expect("text");
        assert_eq!(written.lines().count(), 2, "{written:?}");
        let lines: Vec<_> = written.split_terminator('\n').collect();
        assert!(lines[0].contains("permitted") && !lines[0].chars().any(char::is_control), "{written:?}");
        assert!(!lines[0].contains('\u{202e}') && lines[1].chars().count() == LINE + 1);
    }
}
