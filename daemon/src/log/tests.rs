use std::io::Write;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `work` leads to, without colours.
fn lines_of(work: impl FnOnce()) -> Vec<String> {
    let written = Written::default();
    let writer = written.clone();
    let (subscriber, logging) =
        subscriber(Targets::new().with_default(Level::INFO), false, move || writer.clone());
    tracing::subscriber::with_default(subscriber, || {
        work();
        drop(logging);
    });
    let bytes = written.0.lock().expect("no panic").clone();
    String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn a_flood_leaves_room_for_what_must_be_read_and_is_told_at_the_end() {
    let refused = |user: u32| tracing::warn!(target: AUDIT, user, action = "credentials", "refused");
    let lines = lines_of(|| {
        for n in 0..10_000 {
            tracing::warn!(n, "a line of chat was dropped");
            refused(1_000);
        }
        refused(993);
    });
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("a line of chat was dropped"), 20);
    assert_eq!(count("refused user=1000 action=\"credentials\""), 20);
    assert_eq!(count("refused user=993"), 1);
    assert_eq!(count("there were more such lines lines=9980"), 2, "{lines:#?}");
    assert_eq!(lines.len(), 43);
}

/// Passes on each line.
#[derive(Clone)]
struct Lines(std::sync::mpsc::Sender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_was_left_out_is_told_when_it_is_over_also_if_nothing_is_logged_any_more() {
    let counts = Arc::new(Counts::new());
    let flooded = Registry::default().with(Throttled(counts.clone()));
    tracing::subscriber::with_default(flooded, || (0..25).for_each(|_| tracing::warn!("a flood")));
    let mut counts = Arc::into_inner(counts).expect("nobody else has it");
    // Its minute passed.
    counts.began = counts.began.checked_sub(2 * WINDOW).expect("the computer runs for longer");
    let (counts, (sender, lines)) = (Arc::new(counts), std::sync::mpsc::channel());
    let teller = counts.clone();
    let telling = std::thread::spawn(move || {
        let writer = Lines(sender);
        let filter = Targets::new().with_default(Level::INFO);
        let (subscriber, _logging) = subscriber(filter, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || teller.tell_until_over(Duration::from_millis(1)));
    });
    let told = lines.recv_timeout(Duration::from_secs(10)).expect("it is told");
    assert!(told.contains("there were more such lines lines=5"), "{told}");
    counts.give(|errand| &mut errand.is_over);
    telling.join().expect("it ends");
    assert!(!counts.throttle().has_left_out() && !counts.errand().is_wanted, "once");
    assert!(lines.recv().is_err(), "nothing else was");
}

#[test]
fn a_crowd_takes_nothing_from_those_who_were_there_before() {
    let refused = |user: u32| tracing::warn!(target: AUDIT, user, "refused");
    let lines = lines_of(|| (0..5_000).chain([7]).for_each(refused));
    let early = lines.iter().filter(|line| line.ends_with("refused user=7")).count();
    assert_eq!(early, 2, "before and after the crowd");
    let all = lines.iter().filter(|line| line.contains("refused user=")).count();
    assert_eq!(all, MOST_SUBJECTS + 20 + 1, "the rest has one budget together");
}

#[test]
fn a_value_cannot_leave_its_line() {
    struct Raw(&'static str);
    impl fmt::Display for Raw {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    let forged = Raw("x\n2026-01-01 INFO permitted user=1000\u{1b}]0;t\u{7}\u{202e}\r\u{9b}2J");
    let lines = lines_of(|| {
        tracing::info!(error = %forged, plain = "a\nb", "could not {forged}");
        tracing::info!(long = %"x".repeat(100_000), "long");
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("error=x\u{fffd}2026"), "{lines:#?}");
    for line in &lines {
        assert!(line.chars().all(text::is_harmless), "nothing to clean is left: {line:?}");
        assert!(line.len() < 2_000);
    }
}

#[test]
fn what_is_asked_for_in_detail_has_a_budget_too() {
    assert!(lines_of(|| tracing::debug!("not asked for")).is_empty());
}
