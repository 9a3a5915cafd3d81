//! The beginning of the page: what became of the case, who took part, when and why.

use super::{Cell, Html, MOST, Page, list};
use crate::report::facts;
use crate::report::words::shown;

/// The parts of the page, in order, by the messages that name them.
const PARTS: [&str; 12] = [
    "part-people",
    "part-facts",
    "part-gaps",
    "part-health",
    "part-course",
    "part-runbooks",
    "part-questions",
    "part-commands",
    "part-files",
    "part-notes",
    "part-terminals",
    "part-check",
];

impl Page<'_> {
    pub(super) fn top(&self, html: &mut Html) {
        html.element("header", &[("class", "top")], |html| {
            html.element("div", &[], |html| {
                html.leaf("h1", &[], &self.title());
                html.leaf("p", &[("class", "brief")], &facts::brief(self.account, self.words));
                self.say(html, "", "made-from");
            });
        });
    }

    pub(super) fn result(&self, html: &mut Html) {
        let (account, words) = (self.account, self.words);
        let outcome = account.outcome.as_ref();
        let class = format!("result keep {}", outcome.map_or("", |outcome| outcome.result.name()));
        self.part(html, "part-result", &class, |html| {
            html.leaf("p", &[("class", "big")], &facts::result(account, words));
            if let Some(outcome) = outcome {
                self.say(html, "soft", "result-by-engineer");
                self.said(html, "label-summary", &outcome.summary);
                self.said(html, "label-prepare", &outcome.prepare);
            }
            html.leaf("h3", &[], &words.say("label-verdict"));
            match &account.verdict {
                Some(said) => {
                    html.leaf("p", &[("class", "verdict")], &words.named("verdict", &said.verdict));
                    if !said.words.is_empty() {
                        let quoted = words.say_with("quoted", &[("text", (&said.words).into())]);
                        html.leaf("p", &[], &quoted);
                    }
                }
                None => self.say(html, "", "verdict-none"),
            }
        });
    }

    fn said(&self, html: &mut Html, label: &str, text: &str) {
        if !text.is_empty() {
            html.leaf("h3", &[], &self.words.say(label));
            html.leaf("p", &[], &shown(text));
        }
    }

    pub(super) fn contents(&self, html: &mut Html) {
        html.element("nav", &[("aria-labelledby", "contents")], |html| {
            html.leaf("h2", &[("id", "contents")], &self.words.say("contents"));
            html.element("ul", &[], |html| {
                for part in PARTS {
                    let place = format!("#{part}");
                    html.element("li", &[], |html| {
                        html.leaf("a", &[("href", &place)], &self.words.say(part));
                    });
                }
            });
        });
    }

    pub(super) fn people(&self, html: &mut Html) {
        let (account, words) = (self.account, self.words);
        self.part(html, "part-people", "", |html| {
            if account.people.is_empty() && account.watchers.is_empty() {
                return self.say(html, "", "no-people");
            }
            let engineers = account.people.iter().map(|attendee| {
                let (proof, detail) = facts::proof(attendee, words);
                let proof = detail.map_or(Cell::Text(proof.clone()), |detail| Cell::Detailed(proof, detail));
                let (from, to) = facts::presence(attendee, words);
                vec![
                    Cell::Text(shown(&attendee.person.name)),
                    Cell::Text(shown(&attendee.person.company)),
                    Cell::Text(facts::role(attendee, words)),
                    proof,
                    Cell::Tight(from),
                    Cell::Tight(to),
                ]
            });
            let watchers = account.watchers.iter().map(|watcher| {
                let (from, to) = facts::watched(watcher, words);
                let (role, proof) = (words.say("role-watcher"), words.say("proof-link"));
                let texts = [shown(&watcher.name), "–".to_owned(), role, proof, from, to];
                texts.map(Cell::Text).into()
            });
            let columns =
                ["column-name", "column-company", "column-role", "column-proof", "column-from", "column-to"];
            self.table(html, &columns, engineers.chain(watchers).take(MOST));
            self.more(html, account.people.len() + account.watchers.len(), MOST);
        });
    }

    pub(super) fn facts(&self, html: &mut Html) {
        self.part(html, "part-facts", "", |html| {
            list(html, &facts::facts(self.account, self.words));
            list(html, &facts::terms(self.account, self.words));
            self.say(html, "note", "times-in-utc");
        });
    }
}
