//! Anything, anywhere: by somebody who has no key, and by root on the device.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::Index;

use super::judges::{by_crate, by_hand};
use super::record::{Case, honest};

/// Every so many cases, the script is asked as well.
const BY_HAND: usize = 6;
/// Cases in which both are asked. A thousand were tried when this was written.
const AGREEMENTS: u32 = 24;

#[derive(Debug, Clone)]
enum Tampering {
    Flip { file: Index, at: Index, bit: u8 },
    Truncate { file: Index, at: Index },
    Insert { file: Index, at: Index, byte: u8 },
    Delete { file: Index },
    Add { name: String, content: Vec<u8> },
    SwapFiles { one: Index, other: Index },
    SwapLines { file: Index, one: Index, other: Index },
    RepeatLine { file: Index, line: Index },
    DropLine { file: Index, line: Index },
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let index = any::<Index>;
    let content = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        6 => (index(), index(), 0..8u8).prop_map(|(file, at, bit)| Tampering::Flip { file, at, bit }),
        2 => (index(), index()).prop_map(|(file, at)| Tampering::Truncate { file, at }),
        2 => (index(), index(), any::<u8>()).prop_map(|(file, at, byte)| Tampering::Insert { file, at, byte }),
        1 => index().prop_map(|file| Tampering::Delete { file }),
        1 => ("[.a-zA-Z0-9 \n-]{1,12}", content).prop_map(|(name, content)| Tampering::Add { name, content }),
        1 => (index(), index()).prop_map(|(one, other)| Tampering::SwapFiles { one, other }),
        2 => (index(), index(), index()).prop_map(|(file, one, other)| Tampering::SwapLines { file, one, other }),
        1 => (index(), index()).prop_map(|(file, line)| Tampering::RepeatLine { file, line }),
        1 => (index(), index()).prop_map(|(file, line)| Tampering::DropLine { file, line }),
    ]
}

impl Tampering {
    fn apply(&self, case: &mut Case) {
        let names: Vec<String> = case.files.keys().cloned().collect();
        let name = |file: &Index| file.get(&names).clone();
        match self {
            Self::Flip { file, at, bit } => edit(case, &name(file), |bytes| {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }),
            Self::Truncate { file, at } => {
                edit(case, &name(file), |bytes| bytes.truncate(at.index(bytes.len())))
            }
            Self::Insert { file, at, byte } => {
                edit(case, &name(file), |bytes| bytes.insert(at.index(bytes.len() + 1), *byte));
            }
            Self::Delete { file } => drop(case.files.remove(&name(file))),
            Self::Add { name, content } if name.chars().all(|c| c == '.') => case.put("more", content),
            Self::Add { name, content } => case.put(name, content),
            Self::SwapFiles { one, other } => {
                let (one, other) = (name(one), name(other));
                let (first, second) = (case.files[&one].clone(), case.files[&other].clone());
                case.put(&one, second);
                case.put(&other, first);
            }
            Self::SwapLines { file, one, other } => edit_lines(case, &name(file), |lines| {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }),
            Self::RepeatLine { file, line } => edit_lines(case, &name(file), |lines| {
                let line = line.index(lines.len());
                lines.insert(line, lines[line].clone());
            }),
            Self::DropLine { file, line } => edit_lines(case, &name(file), |lines| {
                lines.remove(line.index(lines.len()));
            }),
        }
    }
}

fn edit(case: &mut Case, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    edit(case.files.get_mut(name).expect("it is there"));
}

fn edit_lines(case: &mut Case, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    edit(case, name, |bytes| {
        let mut lines: Vec<Vec<u8>> =
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        change(&mut lines);
        *bytes = lines.concat();
    });
}

/// Whether nothing was changed but which whole anchors lie in the record, and how often: nobody is promised those.
fn is_harmless(case: &Case) -> bool {
    let honest = honest();
    let known = honest.anchor_lines();
    let without_anchors = |case: &Case| {
        let mut files = case.files.clone();
        files.remove("anchors.jsonl");
        files
    };
    without_anchors(case) == without_anchors(&honest)
        && case.anchor_lines().keys().all(|line| known.contains_key(line))
}

/// What is put into a text that root writes, or in the place of a character of it.
const PIECES: &[&str] = &[
    "",
    "0",
    "1",
    "-",
    ".",
    "e",
    "\"",
    "\\",
    "/",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    " ",
    "\t",
    "\r",
    "\n",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{1f600}",
    "ä",
    "null",
    "true",
    "NaN",
    "\\u0041",
    "\\ud800",
    "=",
    "+",
    "A",
    "\"x\":1,",
    "99999999999999999999",
];

/// A change to a line of the account, or to a file that is text.
#[derive(Debug, Clone)]
struct Edit {
    line: Option<Index>,
    file: Index,
    at: Index,
    replaces: usize,
    piece: &'static str,
}

fn edits() -> impl Strategy<Value = Edit> {
    let (line, piece) = (prop::option::weighted(0.7, any::<Index>()), prop::sample::select(PIECES));
    (line, any::<Index>(), any::<Index>(), 0..3usize, piece)
        .prop_map(|(line, file, at, replaces, piece)| Edit { line, file, at, replaces, piece })
}

impl Edit {
    /// Changes the text, and writes and signs everything that depends on it anew.
    fn apply(&self, case: &mut Case) {
        case.files.remove("anchors.jsonl");
        let events = case.events();
        if let Some(line) = &self.line {
            let chosen = line.index(events.len() + 1);
            case.close(events, |seq, line| if seq == chosen { self.edit(&line) } else { line });
            return;
        }
        let texts: Vec<String> = case.files.keys().filter(|name| self.is_text(case, name)).cloned().collect();
        let name = self.file.get(&texts);
        let edited = self.edit(&case.text(name));
        case.put(name, &edited);
        match name.as_str() {
            "SHA256SUMS" => case.sign_manifest(edited),
            "SHA256SUMS.sig" | "events.jsonl" => {}
            _ => case.close(events, |_, line| line),
        }
    }

    fn is_text(&self, case: &Case, name: &str) -> bool {
        std::str::from_utf8(&case.files[name]).is_ok()
    }

    fn edit(&self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let at = self.at.index(characters.len());
        let behind = (at + self.replaces).min(characters.len());
        let part = |range: &[char]| range.iter().collect::<String>();
        part(&characters[..at]) + self.piece + &part(&characters[behind..])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(AGREEMENTS))]

    /// Whatever root writes and signs, both take it for a record or neither does.
    #[test]
    fn both_agree(edit in edits()) {
        let mut case = honest();
        edit.apply(&mut case);
        let (found, said) = (by_crate(&case), by_hand(&case));
        prop_assert_eq!(found.is_ok(), said.is_ok(), "{:?}, {:?}", found, said);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No byte is free, whatever it is in.
    #[test]
    fn whatever_is_changed_is_found(tampering in tampering()) {
        static TRIED: AtomicUsize = AtomicUsize::new(0);
        let mut case = honest();
        tampering.apply(&mut case);
        let is_harmless = is_harmless(&case);
        let found = by_crate(&case);
        prop_assert_eq!(found.is_ok(), is_harmless, "{:?}", found);
        if TRIED.fetch_add(1, Ordering::Relaxed).is_multiple_of(BY_HAND) {
            let said = by_hand(&case);
            prop_assert_eq!(said.is_ok(), is_harmless, "{:?}", said);
        }
    }
}
