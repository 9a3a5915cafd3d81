//! Where in a running computer a short secret is to be read: in files, in the journal, in what processes
//! were started with.
//!
//! Four digits stand somewhere by chance, in a computer that counts. So a place has a name that stays the
//! same from one call to the next, and only those count that hold the secret of every call.

use std::collections::BTreeSet;

use super::Container;

/// Names of places.
pub type Places = BTreeSet<String>;

/// Prints the names of files that were written after the file $1 and hold $2 between characters that are
/// no digits. The journal's own files are left out: its fields are looked at one by one.
const FILES: &str = r#"
findmnt --noheadings --raw --output TARGET --types overlay,tmpfs,ramfs,ext4 | while read -r mount; do
  find "$mount" -xdev -path '*/log/journal/*' -prune -o -type f -newer "$1" -print0
done | sort -zu | LC_ALL=C xargs -0 -r grep -alE "(^|[^0-9])$2([^0-9]|\$)" -- || true"#;

/// Prints, of every process, its name and then every argument and variable, each on a line.
const PROCESSES: &str = r#"
for process in /proc/[0-9]*; do
  name=$(cat "$process/comm" 2>/dev/null) || continue
  tr '\n\0' ' \n' <"$process/cmdline" 2>/dev/null | sed "s|^|$name cmdline=|"
  tr '\n\0' ' \n' <"$process/environ" 2>/dev/null | sed "s|^|$name environ |"
done; true"#;

impl Container {
    /// Begins to count: files that are written from now on.
    pub fn mark_time(&self) -> String {
        let cursor = self.cursor();
        self.shell("touch /run/fieldlink-test-mark");
        // Files have the time of the last tick, so one that is written within the same would not be newer.
        self.shell("until touch /run/fieldlink-test-tick; [ /run/fieldlink-test-tick -nt /run/fieldlink-test-mark ]; do :; done");
        cursor
    }

    /// Files that were written since the mark and hold `secret`.
    pub fn files_with(&self, secret: &str) -> Places {
        let found = self.run(&["bash", "-c", FILES, "files", "/run/fieldlink-test-mark", secret]);
        found.lines().map(|path| format!("file {}", without_numbers(path))).collect()
    }

    /// Fields of the journal since `cursor` that hold `secret`.
    pub fn journal_fields_with(&self, cursor: &str, secret: &str) -> Places {
        let entries = self.entries(Some(cursor));
        let fields =
            entries.iter().flat_map(|entry| entry.0.iter().map(move |(name, text)| (entry, name, text)));
        let found = fields.filter(|(_, _, text)| holds(text, secret));
        found.map(|(entry, name, _)| format!("journal {} {name}", without_numbers(entry.source()))).collect()
    }

    /// Arguments and variables of the processes that run now and hold `secret`.
    pub fn processes_with(&self, secret: &str) -> Places {
        let all = self.shell(PROCESSES);
        let found = all.lines().filter_map(|line| line.split_once('='));
        found
            .filter(|(_, text)| holds(text, secret))
            .map(|(place, _)| format!("process {}", without_numbers(place)))
            .collect()
    }
}

/// Whether `secret` stands in `text` by itself, not as a part of a longer number.
fn holds(text: &str, secret: &str) -> bool {
    text.match_indices(secret).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + secret.len()..]);
        !before.ends_with(|c: char| c.is_ascii_digit()) && !after.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// A name in which whatever counts or is drawn by chance (process IDs, session IDs) is left open.
fn without_numbers(name: &str) -> String {
    let is_drawn = |word: &str| word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = String::new();
    for word in name.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match is_drawn(bare) {
            true => words.push_str(&word.replacen(bare, "#", 1)),
            false => words.push_str(&word.replace(|c: char| c.is_ascii_digit(), "#")),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_longer_number_is_none() {
        assert!(holds("pin=0471", "0471") && holds("0471", "0471") && holds("10471 0471,", "0471"));
        assert!(!holds("10471 04710", "0471") && !holds("047", "0471"));
    }

    #[test]
    fn names_of_places_do_not_depend_on_chance() {
        assert_eq!(without_numbers("/run/user/1000/0f8e0cc1aa/log-2.txt"), "/run/user/####/#/log-#.txt");
        assert_eq!(without_numbers("fieldlink-session@3-11-0.service"), "fieldlink-session@#-##-#.service");
    }
}
