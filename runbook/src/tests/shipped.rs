//! The runbooks that are shipped with the engineer's program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use fieldlink_words::Language;

use crate::{Runbook, Step, Verb};

/// What every Ubuntu and Debian has, and any account may run there; those of the shell itself among them.
const STOCK: &[&str] = &[
    "awk",
    "date",
    "df",
    "do",
    "done",
    "dpkg",
    "echo",
    "exit",
    "for",
    "ip",
    "journalctl",
    "read",
    "systemctl",
    "test",
    "timedatectl",
    "uptime",
];

fn shipped() -> Vec<(String, Runbook)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/runbooks");
    let entries = fs::read_dir(directory).expect("there").map(|entry| entry.expect("readable").path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        let text = fs::read_to_string(&path).expect("text");
        let runbook = Runbook::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name, runbook)
    };
    entries.map(read).collect()
}

fn texts(step: &Step) -> Vec<&crate::Texts> {
    let own: Vec<_> = match &step.verb {
        Verb::Ask { question, choices } => choices.iter().chain([question]).collect(),
        Verb::Step { text } | Verb::Note(text) | Verb::Restart { reason: text, .. } => vec![text],
        Verb::Ready(_) | Verb::Run(_) | Verb::Operation { .. } | Verb::Health => Vec::new(),
    };
    own.into_iter().chain([&step.title]).collect()
}

#[test]
fn each_is_good_and_speaks_both_languages() {
    let shipped = shipped();
    let names: BTreeSet<_> = shipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["after-update", "first-look", "sounds-and-lights"]));
    for (name, runbook) in &shipped {
        assert_eq!(*name, runbook.name);
        let all = runbook.steps.iter().flat_map(texts).chain([&runbook.title]);
        all.for_each(|text| {
            Language::ALL.iter().for_each(|language| assert!(text.has(*language), "{name}: {text:?}"));
        });
    }
}

/// The words of a command that a shell looks up: the first ones of its parts.
fn programs(command: &str) -> Vec<String> {
    let mut plain = command.replace("$(", ";");
    // What stands in quotes is an argument.
    while let Some(begin) = plain.find('\'') {
        let end = plain[begin + 1..].find('\'').expect("it ends") + begin + 2;
        plain.replace_range(begin..end, "x");
    }
    let parts = plain.split([';', '|', '&']).map(str::trim).filter(|part| !part.is_empty());
    let first = |part: &str| {
        let mut words = part.split_whitespace().filter(|word| !word.ends_with('='));
        let word = words.next().unwrap_or_default();
        // What follows "do" is a command of its own.
        if word == "do" { words.next().unwrap_or_default().to_owned() } else { word.to_owned() }
    };
    parts.map(first).filter(|word| !word.is_empty()).collect()
}

#[test]
fn their_commands_are_those_that_every_scanner_has() {
    let mut seen = 0;
    for (name, runbook) in shipped() {
        for step in &runbook.steps {
            let Verb::Run(command) = &step.verb else { continue };
            let checked = Command::new("sh").args(["-n", "-c", command]).status().expect("a shell");
            assert!(checked.success(), "{name}: {command}");
            for program in programs(command) {
                let is_stock = STOCK.contains(&program.as_str());
                assert!(is_stock, "{name}, {}: {program} is not on every scanner", step.id);
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "they are read: {seen}");
}

/// The two whose exit codes lead on are tried: what they look at is there on every Linux.
#[test]
fn their_scripts_end_as_they_should() {
    let (_, first_look) =
        shipped().into_iter().find(|(name, _)| name == "first-look").expect("it is shipped");
    let run = |id: &str| {
        let step = &first_look.steps[first_look.position(id).expect("a step")];
        let Verb::Run(command) = &step.verb else { panic!("{id} is a command") };
        let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run("disk");
    assert!(matches!(code, Some(0 | 1)) && said.contains("% are used"), "{code:?} {said}");
    let (code, said) = run("battery");
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?} {said}");
}
