//! The list of what a diagnosis has, which stands in it.

use std::fmt::Write;

use fieldlink_protocol::text;

use crate::redact::redact;

/// Its name in the archive.
pub(crate) const NAME: &str = "contents.txt";
/// The longest line of it, in characters.
const LONGEST: usize = 500;

/// What was taken, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    taken: Vec<Taken>,
    /// What it was, and why.
    left: Vec<(String, String)>,
}

/// Something that is in the archive.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its name there.
    pub(crate) name: String,
    /// How long it is, in bytes.
    pub(crate) bytes: usize,
    /// How many places were left out of it.
    pub(crate) redacted: usize,
    /// What of it there is, if that is not all.
    pub(crate) note: Option<String>,
}

impl Contents {
    pub(crate) fn take(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// A name that nothing in the archive has: this one, or the next like it.
    pub(crate) fn unused(&self, name: String) -> String {
        let is_used = |name: &str| self.taken.iter().any(|taken| taken.name == name);
        let others = (2..).map(|number| format!("{name}-{number}"));
        std::iter::once(name.clone()).chain(others).find(|name| !is_used(name)).unwrap_or(name)
    }

    pub(crate) fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left.push((what.into(), why.into()));
    }

    /// As it stands in the archive. Why something was not taken may have secrets in it, too.
    pub(crate) fn to_text(&self, title: &str) -> String {
        let (text, _) = redact(self.lines(title).as_bytes());
        String::from_utf8_lossy(&text).into_owned()
    }

    fn lines(&self, title: &str) -> String {
        let mut text = format!(
            "{title}\n\nSecrets that could be recognised were left out: passwords, tokens, keys. Each place says so.\n\n\
             {:>10}  {:>8}  file\n",
            "bytes", "left out"
        );
        for Taken { name, bytes, redacted, note } in &self.taken {
            let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            let file = text::printable(&format!("{name}{note}"), LONGEST);
            let _ = writeln!(text, "{bytes:>10}  {redacted:>8}  {file}");
        }
        if !self.left.is_empty() {
            text += "\nNot taken:\n";
        }
        for (what, why) in &self.left {
            let _ = writeln!(text, "  {}", text::printable(&format!("{what}: {why}"), LONGEST));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_is_there_and_what_is_not() {
        let mut contents = Contents::default();
        contents.take(Taken {
            name: "logs/x.log".into(),
            bytes: 12,
            redacted: 3,
            note: Some("the last 8 MiB".into()),
        });
        contents.take(Taken { name: "health.txt".into(), bytes: 1000, redacted: 0, note: None });
        contents.leave("/var/log/\u{1b}[31my.gz", "it is compressed");
        let text = contents.to_text("A device");
        assert!(text.contains("        12         3  logs/x.log (the last 8 MiB)\n"), "{text}");
        assert!(text.contains("      1000         0  health.txt\n") && !text.contains('\u{1b}'), "{text}");
        assert!(
            text.contains("Not taken:\n  /var/log/") && text.contains("y.gz: it is compressed\n"),
            "{text}"
        );
    }
}
