//! What the renderings look like.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldlink_words::Language;
use sha2::{Digest as _, Sha256};
use unicode_width::UnicodeWidthStr;

use super::super::tell::Teller;
use super::super::words::Words;
use super::super::{Account, Gap, ReportError, html, json, text};
use super::{Memory, sample};
use crate::EVENTS;

fn account(files: &Memory) -> Account {
    Account::read(files).expect("a record")
}

fn page(language: Language) -> String {
    let files = sample::record();
    String::from_utf8(html(&account(&files), &files, language)).expect("UTF-8")
}

/// Writes what a developer looks at, if told where.
#[test]
fn for_the_eye() {
    let Ok(directory) = std::env::var("REPORT_DIRECTORY") else { return };
    let files = sample::record();
    let account = account(&files);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(std::path::Path::new(&directory).join(name), bytes).expect("written");
    };
    for language in Language::ALL {
        let code = language.code();
        let began = std::time::Instant::now();
        let page = html(&account, &files, language);
        println!("{code}: {} bytes in {:?}", page.len(), began.elapsed());
        write(&format!("report-{code}.html"), &page);
        write(&format!("report-{code}.txt"), text(&account, language).as_bytes());
    }
    write("report.json", json(&account).as_bytes());
}

#[test]
fn the_page_stands_by_itself() {
    for language in Language::ALL {
        let page = page(language);
        for outside in ["src=", "srcset=", "@import", "<link", "<img", "<iframe", "<object", "<base", "url("]
        {
            let own = page.replace(include_str!("../../../player/asciinema-player.min.js"), "");
            assert!(!own.contains(outside), "{outside}");
        }
        let links = page.split("href=\"").skip(1).filter(|link| !link.starts_with('#'));
        let links: Vec<&str> = links.map(|link| link.split('"').next().unwrap_or_default()).collect();
        assert!(links.iter().all(|link| !page.contains(&format!("<a href=\"{link}\""))), "{links:?}");
        assert!(page.contains(&format!("<html lang=\"{}\">", language.code())));
    }
}

/// The browser runs and applies what the policy names by its hash, and nothing else.
#[test]
fn the_policy_names_every_script_and_style_sheet() {
    let page = page(Language::English);
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).expect("a policy");
    let policy = policy.split('"').next().expect("its end").replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    let inside = |tag: &str| -> Vec<String> {
        let open = format!("<{tag}>");
        let parts = page.split(&open).skip(1);
        parts.map(|part| part.split(&format!("</{tag}>")).next().unwrap_or_default().to_owned()).collect()
    };
    let assets = [inside("style"), inside("script")].concat();
    assert_eq!(assets.len(), 4);
    for asset in assets {
        let source = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(asset.as_bytes())));
        assert!(policy.contains(&source) && !asset.contains('\r'));
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let (once, again) = (sample::record(), sample::record());
    for language in Language::ALL {
        assert_eq!(html(&account(&once), &once, language), html(&account(&again), &again, language));
        assert_eq!(text(&account(&once), language), text(&account(&again), language));
    }
    assert_eq!(json(&account(&once)), json(&account(&again)));
}

#[test]
fn the_text_is_narrow_and_stays_as_it_is() {
    let account = account(&sample::record());
    for (language, expected) in [
        (Language::English, include_str!("report-en.txt")),
        (Language::German, include_str!("report-de.txt")),
    ] {
        let text = text(&account, language);
        for line in text.lines() {
            assert!(line.width() <= 100 && line == line.trim_end(), "{line:?}");
        }
        assert_eq!(text, expected, "see `for_the_eye`");
    }
}

#[test]
fn the_object_names_what_programs_look_for() {
    let report: serde_json::Value = serde_json::from_str(&json(&account(&sample::record()))).expect("JSON");
    assert_eq!(report["ticket"], "T-2041");
    assert_eq!(report["ended"]["party"], "engineer");
    assert_eq!(report["outcome"]["result"], "workaround");
    assert_eq!(report["verdict"]["verdict"], "partly");
    assert_eq!(report["people"][0]["certificate"]["authority"], "Scans AG support");
    assert_eq!(report["people"][0]["role"], "owner");
    assert_eq!(report["questions"][1]["answer"]["text"], "yes");
    assert_eq!(report["files"][1]["sha256"], serde_json::Value::Null);
    assert_eq!(report["changes"][0]["change"]["kind"], "rename");
    assert_eq!(report["changes"][1]["result"]["status"], 2);
    assert_eq!(report["receipt"].as_str().expect("words").split(' ').count(), 12);
}

/// Every event that says so is among the gaps of each rendering.
#[test]
fn what_is_missing_is_in_every_rendering() {
    let files = sample::record();
    let account = account(&files);
    let report: serde_json::Value = serde_json::from_str(&json(&account)).expect("JSON");
    let kinds: Vec<_> = report["gaps"].as_array().expect("a list").iter().map(|gap| &gap["kind"]).collect();
    let (lost, stopped) = (["transfers-lost", "channels-unrecorded", "events-lost"], ["recording-stopped"]);
    assert_eq!(kinds, [&lost[..], &["restarted", "died"], &stopped].concat());
    for language in Language::ALL {
        let words = Words::new(language);
        let (page, text) = (page(language), text(&account, language).replace('\n', " "));
        let part = |rendering: &str, from: &str| {
            let rest = rendering.split(from).last().expect("a part").to_owned();
            rest.split("</section>").next().unwrap_or_default().to_owned()
        };
        let gaps = account.gaps.iter().map(|gap| Teller::new(&account, &words).gap(gap).1);
        for gap in gaps {
            assert!(part(&page, "id=\"part-gaps\"").contains(&gap), "{language:?}: {gap}");
            assert!(text.contains(&gap), "{language:?}: {gap}");
        }
    }
}

#[test]
fn damage_is_told_and_other_files_are_no_records() {
    let mut files = sample::record();
    let events = files.0.get_mut(EVENTS).expect("the account");
    let place = events.windows(9).position(|bytes| bytes == b"Ada Byron").expect("her name");
    events[place] = b'I';
    let gaps = account(&files).gaps;
    assert!(gaps.contains(&Gap::Broken { line: 2 }), "{gaps:?}");
    assert!(matches!(Account::read(&Memory::default()), Err(ReportError::Read(_))));
    let other = Memory([(EVENTS.to_owned(), b"{}\n".to_vec())].into());
    assert!(matches!(Account::read(&other), Err(ReportError::NoRecord)));
}

#[test]
fn a_recording_that_is_missing_or_too_large_is_named() {
    let mut files = sample::record();
    files.0.remove("terminal-1.cast");
    let long = "[0.1, \"o\", \"0123456789\\r\\n\"]\n".repeat(100_000);
    files.0.get_mut("terminal-2.cast").expect("a recording").extend(long.bytes());
    let page = String::from_utf8(html(&account(&files), &files, Language::English)).expect("UTF-8");
    assert!(page.contains("The recording terminal-1.cast is not with the record."));
    assert!(page.contains("it is in the record only, as terminal-2.cast"));
    assert!(page.contains("The transcript is cut here. Further lines that are in the record only: 98061."));
    assert!(!page.contains("wasm-unsafe-eval"), "nothing is played");
}
