//! That every message has its place in the code, with its arguments, and that no sentence stands anywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

/// A piece of code.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// What a string literal stands for.
    Text(String),
    /// A name, a keyword or a number.
    Word(String),
    /// Anything else, sign by sign.
    Sign(char),
}

/// A call of `say!`.
#[derive(Debug, PartialEq)]
struct Said {
    id: String,
    arguments: BTreeSet<String>,
}

/// Literals with two words in a row that are no sentences for the engineer, each with what it is for.
const NO_SENTENCES: [&str; 4] = [
    // Comments in files that this program writes.
    "# ",
    // For ssh: what it shows at the end of a rehearsal, what its shell shall run, what it complains with.
    "fieldlink rehearsal passed",
    "exec true",
    "Bad configuration option",
];

/// What stands before a literal that is none either: errors that never reach the engineer, what cannot happen, the name
/// of a text that the protocol's crate checks, what the compiler says.
const NO_SENTENCES_BEHIND: [[&str; 2]; 4] =
    [["error", "("], ["expect", "("], ["check", "("], ["must_use", "="]];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

/// The code of this crate, file by file, without its tests.
fn code() -> BTreeMap<String, Vec<(usize, Token)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let is_test =
        |path: &PathBuf| path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"));
    let tokens_of = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        let tests = ["#[cfg(test)]\nmod ", "#[cfg(all(test, unix))]\nmod "];
        let end = tests.iter().filter_map(|tests| text.find(tests)).min().unwrap_or(text.len());
        let name = path.strip_prefix(&root).expect("below it").display().to_string();
        (name, tokens(&text[..end]))
    };
    files.into_iter().filter(|path| !is_test(path)).map(tokens_of).collect()
}

/// The tokens of `text` with their lines, without comments and literals of single characters.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            '"' => plain_text(rest),
            'r' if rest.starts_with("r\"") || rest.starts_with("r#\"") => raw_text(rest),
            '\'' => (None, character(rest)),
            _ if first.is_alphanumeric() || first == '_' => word(rest),
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => (Some(Token::Sign(first)), first.len_utf8()),
        };
        tokens.extend(token.map(|token| (line, token)));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn word(text: &str) -> (Option<Token>, usize) {
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (Some(Token::Word(text[..length].to_owned())), length)
}

/// A literal between quotes. A backslash at the end of a line hides the blanks of the next one.
fn plain_text(text: &str) -> (Option<Token>, usize) {
    let (mut content, mut at) = (String::new(), 1);
    while !text[at..].starts_with('"') {
        let c = text[at..].chars().next().expect("the literal ends");
        at += c.len_utf8();
        if c != '\\' {
            content.push(c);
            continue;
        }
        let escaped = text[at..].chars().next().expect("the literal ends");
        at += escaped.len_utf8();
        match escaped {
            '\n' => at += text[at..].len() - text[at..].trim_start().len(),
            'n' | 'r' | 't' => content.push(' '),
            other => content.push(other),
        }
    }
    (Some(Token::Text(content)), at + 1)
}

fn raw_text(text: &str) -> (Option<Token>, usize) {
    let mark = if text.starts_with("r#") { "#" } else { "" };
    let (begin, end) = (2 + mark.len(), format!("\"{mark}"));
    let length = text[begin..].find(&end).expect("the literal ends");
    (Some(Token::Text(text[begin..begin + length].to_owned())), begin + length + end.len())
}

/// The length of a literal of one character, or of the mark of a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => text[3..].find('\'').expect("the literal ends") + 4,
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 1,
    }
}

/// The calls of `say!` in `tokens`, those inside of others as well.
fn said(tokens: &[(usize, Token)]) -> Vec<Said> {
    let tokens: Vec<_> = tokens.iter().map(|(_, token)| token.clone()).collect();
    let begin = [Token::Word("say".into()), Token::Sign('!'), Token::Sign('(')];
    let calls = (0..tokens.len()).filter(|&at| tokens[at..].starts_with(&begin));
    calls.map(|at| call(&tokens[at + begin.len()..])).collect()
}

/// The call whose inside begins with `tokens`.
fn call(tokens: &[Token]) -> Said {
    let Some(Token::Text(id)) = tokens.first() else { panic!("no message: {:?}", &tokens[..5]) };
    let (mut depth, mut arguments) = (1, BTreeSet::new());
    for (at, token) in tokens.iter().enumerate() {
        match (token, &tokens[at + 1..]) {
            (Token::Sign('(' | '[' | '{'), _) => depth += 1,
            (Token::Sign(')' | ']' | '}'), _) => depth -= 1,
            (Token::Sign(','), [Token::Word(name), Token::Sign('='), ..]) if depth == 1 => {
                assert!(arguments.insert(name.clone()), "{id}: {name} twice");
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Said { id: id.clone(), arguments }
}

/// Two words of lower case in a row. What stands for an argument, or is an option of a command, is no word.
fn is_sentence(text: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_matches(|c: char| !c.is_alphabetic());
        let is_plain = letters.chars().all(|c| c.is_lowercase() || c == '\'');
        letters.len() > 1 && is_plain && !word.contains('{') && !word.starts_with('-')
    };
    let words: Vec<_> = text.split(' ').map(is_word).collect();
    words.windows(2).any(|pair| pair == [true, true])
}

/// Whether the literal at `at` is not meant for the engineer.
fn is_for_programs(tokens: &[(usize, Token)], at: usize, text: &str) -> bool {
    let shown = |at: usize| match &tokens[at].1 {
        Token::Word(word) => word.clone(),
        Token::Sign(sign) => sign.to_string(),
        Token::Text(_) => String::new(),
    };
    let is_behind = |before: &[&str; 2]| at >= 2 && [shown(at - 2), shown(at - 1)] == *before;
    NO_SENTENCES.iter().any(|start| text.starts_with(start)) || NO_SENTENCES_BEHIND.iter().any(is_behind)
}

fn messages() -> BTreeMap<String, BTreeSet<String>> {
    fieldlink_words::arguments_by_message(ENGLISH).expect("every line is a message")
}

#[test]
fn code_is_read_as_the_compiler_reads_it() {
    let code = r##"// say!("comment")
        let a = ('"', '\'', '\\', b'x'); fn f<'a>(x: &'a str) { "a \"quoted\" \
            word\n" } say!("outer", first = f(x == 1, y = 2), second = say!("inner", third = r#"a " b"#))"##;
    let tokens = tokens(code);
    let texts = tokens.iter().filter_map(|(line, token)| match token {
        Token::Text(text) => Some((*line, text.as_str())),
        _ => None,
    });
    let expected = [(2, "a \"quoted\" word "), (3, "outer"), (3, "inner"), (3, "a \" b")];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
    let arguments = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let outer = Said { id: "outer".into(), arguments: arguments(&["first", "second"]) };
    let inner = Said { id: "inner".into(), arguments: arguments(&["third"]) };
    assert_eq!(said(&tokens), [outer, inner]);
}

#[test]
fn every_message_is_used() {
    let code = code();
    let tokens = code.values().flatten().map(|(_, token)| token);
    let texts = tokens.filter_map(|token| match token {
        Token::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let texts: BTreeSet<_> = texts.collect();
    let is_unused = |id: &String| !id.starts_with("reason-") && !texts.contains(id.as_str());
    let unused: Vec<_> = messages().into_keys().filter(is_unused).collect();
    assert!(unused.is_empty(), "the code says none of {unused:?}");
}

#[test]
fn whatever_is_said_is_a_message_with_these_arguments() {
    let messages = messages();
    let mut count = 0;
    for (name, tokens) in code() {
        for Said { id, arguments } in said(&tokens) {
            count += 1;
            let wanted = messages.get(&id).unwrap_or_else(|| panic!("{name}: there is no message {id}"));
            assert_eq!(*wanted, arguments, "{name}: {id}");
        }
    }
    assert!(count > 200, "the code is read: {count}");
}

#[test]
fn every_message_can_be_said() {
    for (id, names) in messages() {
        for number in [0, 1, 2] {
            let arguments: Vec<_> = names.iter().map(|name| (name.as_str(), number.into())).collect();
            let said = MESSAGES.try_say(&id, &arguments);
            assert!(
                said.as_ref().is_ok_and(|said| !said.is_empty() && !said.contains(['{', '}'])),
                "{said:?}"
            );
        }
    }
}

#[test]
fn every_reason_has_words() {
    for &cause in Reason::ALL.iter().chain([&Reason::Unknown]) {
        let words = reason(cause);
        assert!(is_sentence(&words), "{cause:?}: {words}");
    }
    let reasons = messages().into_keys().filter(|id| id.starts_with("reason-")).count();
    assert_eq!(reasons, Reason::ALL.len() + 1, "no message is of a reason that is none");
}

#[test]
fn no_sentence_stands_outside() {
    let mut outside = Vec::new();
    for (name, tokens) in code() {
        // What clap prints.
        if name == "args.rs" || name.starts_with("args/") {
            continue;
        }
        let help = if name == "exit.rs" { crate::exit::table() } else { String::new() };
        let is_help =
            |text: &str| help.contains(text) || (!help.is_empty() && text.starts_with("Exit codes:"));
        for (at, (line, token)) in tokens.iter().enumerate() {
            let Token::Text(text) = token else { continue };
            if is_sentence(text) && !is_help(text) && !is_for_programs(&tokens, at, text) {
                outside.push(format!("{name}:{line}: {text}"));
            }
        }
    }
    assert!(outside.is_empty(), "put these into engineer/locales:\n{}", outside.join("\n"));
}
