//! That nothing from the scanner is ever more than text.

use fieldlink_protocol::text::is_harmless;
use fieldlink_words::Language;
use proptest::prelude::*;

use super::super::{Account, html, json, text};
use super::{Memory, sample};

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)>",
    "' onmouseover='x",
    "]]><!--",
    "--><b>",
    "&lt;b&gt;&#60;",
    "\u{202e}gpj.exe\u{2066}",
    "\0\u{1b}[2J\r\n\u{7f}",
    "https://example.com/ url(//x) javascript:x",
    "{ $person } { \"<i>\" }",
    "</title></style></pre><base href=//x>",
];

/// The tags of a page with the names of their attributes, and none of what scripts and style sheets hold.
fn skeleton(page: &str) -> Vec<String> {
    let (mut tags, mut rest) = (Vec::new(), page);
    while let Some((_, behind)) = rest.split_once('<') {
        let (tag, after) = behind.split_once('>').expect("a tag ends");
        let names = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"");
        tags.push(names);
        rest = after;
        if let Some(raw) = ["script", "style"].into_iter().find(|raw| tag.starts_with(raw)) {
            rest = &rest[rest.find(&format!("</{raw}>")).expect("it ends")..];
        }
    }
    tags
}

fn page(files: &Memory, language: Language) -> String {
    let account = Account::read(files).expect("a record");
    String::from_utf8(html(&account, files, language)).expect("UTF-8")
}

fn is_only_text(twist: &str) {
    let plain = sample::twisted(&|said| format!("{said}xx"));
    let twisted = sample::twisted(&|said| format!("{said}{twist}"));
    for language in Language::ALL {
        let (expected, found) = (page(&plain, language), page(&twisted, language));
        assert_eq!(skeleton(&found), skeleton(&expected), "{twist:?}");
        let own =
            found.split("<body>").nth(1).expect("a body").split("<script").next().expect("before scripts");
        assert!(own.chars().all(|c| matches!(c, '\n' | '\t') || is_harmless(c)), "{twist:?}");
        let account = Account::read(&twisted).expect("a record");
        let plain_text = text(&account, language);
        assert!(plain_text.chars().all(|c| c == '\n' || is_harmless(c)), "{twist:?}");
    }
}

#[test]
fn hostile_texts_are_texts() {
    HOSTILE.iter().for_each(|twist| is_only_text(twist));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_text_is_a_text(pieces in prop::collection::vec(prop::sample::select(&HOSTILE[..]), 1..4), other in ".{0,12}") {
        is_only_text(&format!("{}{other}", pieces.concat()));
    }

    /// Whatever is wrong with a record, there is a report of it or a reason why not.
    #[test]
    fn no_damage_upsets_a_report(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut files = sample::record();
        for bytes in files.0.values_mut() {
            let end = bytes.len();
            // The first line stays, so that there is something to tell.
            let first = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
            damage.iter().for_each(|(place, byte)| bytes[first + place.index(end - first)] = *byte);
        }
        let account = Account::read(&files).expect("the first line is whole");
        let page = String::from_utf8(html(&account, &files, Language::German)).expect("UTF-8");
        prop_assert!(!skeleton(&page).is_empty() && !text(&account, Language::English).is_empty());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json(&account)).is_ok());
    }
}
