//! That every language has every message, and that the code uses all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fieldlink_protocol::messages::announcements::CaseResult;
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::Reason;
use fieldlink_words::{Language, Messages};

use super::super::account::Account;
use super::super::tell::Teller;
use super::super::words::{Words, messages_of};
use super::sample;

fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    fieldlink_words::arguments_by_message(messages_of(language)).expect("every line is a message")
}

fn code(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).expect("readable");
    let texts = entries.map(|entry| {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true if path.ends_with("tests") => String::new(),
            true => code(&path),
            false => std::fs::read_to_string(path).expect("text"),
        }
    });
    texts.collect()
}

#[test]
fn every_language_has_every_message_with_the_same_arguments() {
    let english = messages(Language::English);
    assert!(english.len() > 300);
    assert_eq!(messages(Language::German), english);
}

#[test]
fn every_message_is_used_and_every_name_has_words() {
    let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report"));
    let names = |family: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{family}-{name}")).collect()
    };
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).chain(["unknown"]).collect();
    let results = [CaseResult::Resolved, CaseResult::Workaround, CaseResult::SecondSession];
    let results: Vec<&str> = results.map(CaseResult::name).into_iter().chain(["none"]).collect();
    let choices: Vec<&str> = Ready::ALL.iter().flat_map(|ready| ready.choices()).copied().collect();
    let made: BTreeSet<String> = [
        names("reason", &reasons),
        names("result", &results),
        names("choice", &choices),
        names("ready", &Ready::ALL.map(Ready::name)),
        names("function", &Function::ALL.map(Function::name)),
        names("language", &Language::ALL.map(Language::code)),
        names("verdict", &["solved", "partly", "not"]),
    ]
    .concat()
    .into_iter()
    .collect();
    let english = messages(Language::English);
    for id in english.keys() {
        assert!(made.contains(id) || code.contains(&format!("\"{id}\"")), "nothing says {id}");
    }
    for id in &made {
        assert!(english.contains_key(id), "there are no words for {id}");
    }
}

/// A message that lacks an argument is shown by its name.
#[test]
fn every_event_has_a_line_in_every_language() {
    let account = Account::read(&sample::record()).expect("a record");
    for language in Language::ALL {
        let (words, messages) = (Words::new(language), Messages::new(language.code(), messages_of(language)));
        let teller = Teller::new(&account, &words);
        let is_name =
            |word: &str| word.contains('-') && messages.has(word.trim_matches(['.', ':', '“', '„', '”']));
        for entry in &account.entries {
            let line = teller.line(entry);
            let names_a_message = line.text.split_whitespace().any(is_name);
            assert!(!names_a_message && !line.text.is_empty(), "{language:?}: {line:?}");
        }
    }
}

/// The sample has every event: whoever adds one finds it missing here.
#[test]
fn the_sample_has_every_event() {
    let account = Account::read(&sample::record()).expect("a record");
    let kind = |entry| {
        let value = serde_json::to_value(entry).expect("JSON");
        value["type"].as_str().expect("a type").to_owned()
    };
    let seen: BTreeSet<String> = account.entries.iter().map(|entry| kind(&entry.event)).collect();
    let source = include_str!("../../event.rs");
    let body = source
        .split("pub enum Event {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next())
        .expect("the events");
    let is_variant =
        |line: &&str| line.starts_with("    ") && line.as_bytes().get(4).is_some_and(u8::is_ascii_uppercase);
    let missing: Vec<&str> = body
        .lines()
        .filter(is_variant)
        .map(|line| line.trim().split([' ', '(', ',', '{']).next().unwrap_or_default())
        .filter(|name| *name != "Unknown" && !seen.contains(&kebab(name)))
        .collect();
    assert!(missing.is_empty(), "the sample lacks {missing:?}");
}

/// Where another run of the agent goes on with a record, it counts channels anew: none of them may be forgotten.
#[test]
fn the_channel_of_every_event_can_be_numbered_on() {
    let account = Account::read(&sample::record()).expect("a record");
    for entry in &account.entries {
        let mut event = entry.event.clone();
        event.channel_mut().into_iter().for_each(|channel| *channel += 1_000);
        let value = serde_json::to_value(&event).expect("JSON");
        assert!(value["channel"].as_u64().is_none_or(|channel| channel >= 1_000), "{value}");
    }
}

fn kebab(name: &str) -> String {
    let parts = name.char_indices().map(|(place, c)| match c.is_ascii_uppercase() && place > 0 {
        true => format!("-{}", c.to_ascii_lowercase()),
        false => c.to_ascii_lowercase().to_string(),
    });
    parts.collect()
}
