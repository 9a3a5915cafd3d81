//! The report as a text for the support case.

use fieldlink_protocol::text;
use fieldlink_words::Language;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::account::Account;
use super::checklists::{Checklist, Progress};
use super::facts;
use super::health::HealthTold;
use super::tell::Teller;
use super::words::{Words, clock, literal, shown};
use crate::{Direction, FileChange, Receipt};

/// Widest line, in columns.
const COLUMNS: usize = 100;
/// Most lines of the course, and most entries of each other part.
const MOST_LINES: usize = 2_000;

/// The report of `account` as plain text: at most 100 columns, no control characters.
pub fn text(account: &Account, language: Language) -> String {
    let words = Words::new(language);
    let teller = Teller::new(account, &words);
    let mut plain = Plain { account, words: &words, teller, text: String::new() };
    plain.opening();
    plain.people();
    plain.facts();
    plain.gaps();
    plain.health();
    plain.course();
    plain.checklists();
    plain.questions();
    plain.files();
    plain.check();
    plain.text
}

struct Plain<'a> {
    account: &'a Account,
    words: &'a Words,
    teller: Teller<'a>,
    text: String,
}

impl Plain<'_> {
    fn opening(&mut self) {
        self.heading("title", '=');
        self.line(0, &facts::brief(self.account, self.words));
        self.line(0, &facts::result(self.account, self.words));
        if let Some(outcome) = &self.account.outcome {
            self.said("label-summary", &outcome.summary);
            self.said("label-prepare", &outcome.prepare);
        }
        let verdict = self.account.verdict.as_ref();
        let verdict = verdict.map(|said| self.teller.verdict(&said.verdict, &said.words));
        let verdict = verdict.unwrap_or_else(|| self.words.say("verdict-none"));
        self.fact(&self.words.say("label-verdict"), &verdict);
    }

    fn said(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.fact(&self.words.say(label), &shown(text));
        }
    }

    fn people(&mut self) {
        self.heading("part-people", '-');
        for attendee in self.account.people.iter().take(MOST_LINES) {
            let (role, (proof, _)) = (facts::role(attendee, self.words), facts::proof(attendee, self.words));
            let (from, to) = facts::presence(attendee, self.words);
            let (name, company) = (shown(&attendee.person.name), shown(&attendee.person.company));
            self.line(0, &format!("{name} ({company}): {role}"));
            self.line(2, &proof);
            self.line(2, &format!("{from} – {to}"));
        }
        for watcher in self.account.watchers.iter().take(MOST_LINES) {
            let (from, to) = facts::watched(watcher, self.words);
            self.line(0, &format!("{}: {}", shown(&watcher.name), self.words.say("role-watcher")));
            self.line(2, &format!("{from} – {to}"));
        }
    }

    fn facts(&mut self) {
        self.heading("part-facts", '-');
        for (label, value) in facts::facts(self.account, self.words) {
            self.fact(&label, &value);
        }
        for (label, value) in facts::terms(self.account, self.words) {
            self.fact(&label, &value);
        }
    }

    fn gaps(&mut self) {
        self.heading("part-gaps", '-');
        if self.account.gaps.is_empty() {
            self.line(0, &self.words.say("no-gaps"));
        }
        for gap in self.account.gaps.iter().take(MOST_LINES) {
            let (at, sentence) = self.teller.gap(gap);
            let at = at.map(|at| format!("{}: ", self.words.date_time(at))).unwrap_or_default();
            self.line(0, &format!("{at}{sentence}"));
        }
        self.more(self.account.gaps.len(), MOST_LINES);
    }

    fn health(&mut self) {
        self.heading("part-health", '-');
        let told = HealthTold::new(&self.account.health, self.words);
        for (label, warnings) in told.ends() {
            let said = match warnings.as_deref() {
                None => self.words.say("health-not-read"),
                Some([]) => self.words.say("health-no-warnings"),
                Some(warnings) => warnings.join(" "),
            };
            self.fact(&self.words.say(label), &said);
        }
        if told.changes.is_empty() {
            let id = if told.is_compared() { "health-same" } else { "health-not-compared" };
            return self.line(0, &self.words.say(id));
        }
        for [subject, before, after] in &told.changes {
            self.line(0, &format!("{subject}: {before} → {after}"));
        }
        self.line(0, &self.words.say("health-note"));
    }

    fn course(&mut self) {
        self.heading("part-course", '-');
        self.line(0, &self.words.say("times-in-utc"));
        let course = self.teller.course(self.account, MOST_LINES);
        let mut day = String::new();
        for (at, line) in &course.lines {
            let date = self.words.date(at);
            if date != day {
                self.line(0, &date);
                day = date;
            }
            self.hanging(&format!("{}  ", clock(at)), &line.text);
            if let Some(literal) = &line.literal {
                self.hanging("            ", literal);
            }
        }
        self.more(course.cut, 0);
    }

    fn checklists(&mut self) {
        if self.account.checklists.is_empty() {
            return;
        }
        self.heading("part-runbooks", '-');
        for list in self.account.checklists.iter().take(MOST_LINES) {
            self.line(
                0,
                &format!("{} ({})", self.words.title(&list.title, &list.name), origin(list, self.words)),
            );
            self.line(2, &progress(list, self.words));
            for seen in &list.seen {
                let step = self.words.title(&seen.title, &seen.step);
                let settled =
                    seen.settled.as_ref().map(|settled| format!(": {}", self.words.settled(settled)));
                let text = format!("{step}{}", settled.unwrap_or_default());
                self.hanging(&format!("  {:>2}. ", seen.number), &text);
            }
        }
    }

    fn questions(&mut self) {
        self.heading("part-questions", '-');
        if self.account.exchanges.is_empty() {
            self.line(0, &self.words.say("no-questions"));
        }
        for exchange in self.account.exchanges.iter().take(MOST_LINES) {
            self.line(0, &self.teller.matter(&exchange.matter));
            self.hanging("  → ", &self.teller.reply(exchange));
        }
        self.more(self.account.exchanges.len(), MOST_LINES);
    }

    fn files(&mut self) {
        self.heading("part-files", '-');
        if self.account.transfers.is_empty() {
            self.line(0, &self.words.say("no-files"));
        }
        for transfer in self.account.transfers.iter().take(MOST_LINES) {
            let direction = match transfer.file.direction {
                Direction::Upload => "direction-upload",
                Direction::Download => "direction-download",
            };
            self.line(0, &literal(&transfer.file.path));
            let (direction, size) = (self.words.say(direction), self.words.size(transfer.file.size));
            self.line(2, &format!("{direction}, {size}"));
            let hash = match &transfer.file.sha256 {
                Some(digest) => self.words.say_with("hash-sha256", &[("digest", digest.to_string().into())]),
                None => self.words.say("hash-none"),
            };
            self.line(2, &hash);
        }
        self.more(self.account.transfers.len(), MOST_LINES);
        self.changes();
        self.line(0, &self.words.say("commands-note"));
    }

    fn changes(&mut self) {
        for (_, FileChange { change, result, .. }) in self.account.changes.iter().take(MOST_LINES) {
            self.line(0, &self.teller.changed_paths(change));
            let result = self.teller.change_result(*result);
            self.line(2, &format!("{}: {result}", self.teller.change(change)));
        }
        self.more(self.account.changes.len(), MOST_LINES);
    }

    fn check(&mut self) {
        self.heading("part-check", '-');
        for (label, value) in facts::proofs(self.account, self.words) {
            self.fact(&label, &value);
        }
        let head = self.account.head;
        self.fact(&self.words.say("label-receipt"), &Receipt::of(&head.digest).to_string());
        if !self.account.earlier.is_empty() {
            self.line(0, &self.words.say("earlier-receipts"));
        }
        for earlier in self.account.earlier.iter().take(MOST_LINES) {
            self.line(2, &Receipt::of(&earlier.digest).to_string());
        }
    }

    /// Says that there is more than the text shows, if there is.
    fn more(&mut self, all: usize, shown: usize) {
        if let Some(more) = self.words.more(all, shown) {
            self.line(0, &more);
        }
    }

    fn heading(&mut self, id: &str, under: char) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.words.say(id);
        self.line(0, &heading);
        self.line(0, &under.to_string().repeat(heading.width().min(COLUMNS)));
    }

    fn fact(&mut self, label: &str, value: &str) {
        self.hanging(&format!("{label}: "), value);
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.hanging(&" ".repeat(indent), text);
    }

    /// A text behind `first`, whose further lines are indented as far, or by two where that is too much.
    fn hanging(&mut self, first: &str, said: &str) {
        let indent = if first.width() > COLUMNS / 4 { 2 } else { first.width() };
        let lines = wrap(&format!("{first}{said}"), indent);
        for line in lines {
            self.text.push_str(&text::printable(&line, usize::MAX - 1));
            self.text.push('\n');
        }
    }
}

/// Whose checklist it is.
pub(super) fn origin(list: &Checklist, words: &Words) -> String {
    match &list.maker {
        Some(maker) => words.say_with("runbook-of-maker", &[("maker", maker.into())]),
        None => words.say("runbook-own"),
    }
}

/// How far a checklist came.
pub(super) fn progress(list: &Checklist, words: &Words) -> String {
    let number = list.seen.last().map_or(0, |seen| seen.number);
    let arguments = [("number", number.into()), ("count", list.steps.into())];
    match list.progress {
        Progress::Finished => words.say("runbook-finished"),
        Progress::Stopped => words.say_with("runbook-stopped", &arguments),
        Progress::Open => words.say_with("runbook-open", &arguments),
    }
}

/// The lines of a text, cut between words, and within those that are longer than a line. All but the first are indented.
fn wrap(text: &str, indent: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut width = 0;
    for word in text.split_inclusive(' ') {
        if width > indent && width + word.trim_end().width() > COLUMNS {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            width = indent;
        }
        for character in word.chars() {
            let wide = character.width().unwrap_or(0);
            if width + wide > COLUMNS && character != ' ' {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                width = indent;
            }
            line.push(character);
            width += wide;
        }
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}
