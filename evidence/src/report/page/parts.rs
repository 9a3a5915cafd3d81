//! What the record holds of each kind: checklists, questions, commands, files and notes.

use super::{Cell, Html, MOST, Page};
use crate::report::account::Transfer;
use crate::report::channels::Channel;
use crate::report::checklists::Checklist;
use crate::report::plain::{origin, progress};
use crate::report::words::{clock, literal, shown};
use crate::{Direction, Event, FileChange, Program};

impl Page<'_> {
    pub(super) fn checklists(&self, html: &mut Html) {
        self.part(html, "part-runbooks", "", |html| {
            if self.account.checklists.is_empty() {
                self.say(html, "", "no-runbooks");
            }
            self.account.checklists.iter().take(MOST).for_each(|list| self.checklist(html, list));
            self.more(html, self.account.checklists.len(), MOST);
        });
    }

    fn checklist(&self, html: &mut Html, list: &Checklist) {
        let words = self.words;
        html.element("article", &[], |html| {
            html.leaf("h3", &[], &words.title(&list.title, &list.name));
            html.leaf(
                "p",
                &[("class", "soft")],
                &format!("{}; {}", origin(list, words), progress(list, words)),
            );
            html.element("ol", &[("class", "steps")], |html| {
                for seen in &list.seen {
                    let number = seen.number.to_string();
                    html.element("li", &[("value", &number)], |html| {
                        html.text(&words.title(&seen.title, &seen.step));
                        html.template(" ");
                        html.leaf("span", &[("class", "soft")], &clock(&seen.at));
                        if let Some(settled) = &seen.settled {
                            html.template(": ");
                            html.text(&words.settled(settled));
                        }
                    });
                }
            });
        });
    }

    pub(super) fn questions(&self, html: &mut Html) {
        self.part(html, "part-questions", "", |html| {
            if self.account.exchanges.is_empty() {
                return self.say(html, "", "no-questions");
            }
            let rows = self.account.exchanges.iter().take(MOST).map(|exchange| {
                vec![
                    Cell::Tight(clock(&exchange.at)),
                    Cell::Text(self.teller.asker(&exchange.matter)),
                    Cell::Text(self.teller.matter(&exchange.matter)),
                    Cell::Text(self.teller.reply(exchange)),
                ]
            });
            self.table(html, &["column-when", "column-who", "column-question", "column-answer"], rows);
            self.more(html, self.account.exchanges.len(), MOST);
        });
    }

    pub(super) fn commands(&self, html: &mut Html) {
        self.part(html, "part-commands", "", |html| {
            if self.account.channels.is_empty() {
                return self.say(html, "", "no-commands");
            }
            let columns = [
                "column-when",
                "column-who",
                "column-kind",
                "column-what",
                "column-end",
                "column-in",
                "column-out",
            ];
            let rows = self.account.channels.iter().take(MOST).map(|channel| self.channel(channel));
            self.table(html, &columns, rows);
            self.more(html, self.account.channels.len(), MOST);
            self.say(html, "note", "commands-note");
            self.say(html, "note", "forwards-note");
        });
    }

    fn channel(&self, channel: &Channel) -> Vec<Cell> {
        let words = self.words;
        let kind = words.say(match channel.program {
            Program::Shell {} => "kind-shell",
            Program::Exec { .. } => "kind-exec",
            Program::Sftp {} => "kind-sftp",
            Program::Operation {} => "kind-operations",
            Program::Health {} => "kind-health",
            Program::Diagnosis {} => "kind-diagnosis",
            Program::Forward { .. } => "kind-forward",
        });
        let end = match (&channel.refused, &channel.over) {
            (Some(why), _) => words.say_with("kind-refused", &[("why", why.into())]),
            (None, Some(over)) => self.teller.channel_outcome(&over.outcome),
            (None, None) => words.say("not-ended"),
        };
        let bytes = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| words.size(count));
        let over = channel.over.as_ref();
        vec![
            Cell::Tight(clock(&channel.at)),
            Cell::Text(self.teller.person(channel.seat)),
            Cell::Tight(kind),
            self.teller.target(&channel.program).map_or(Cell::Text("–".to_owned()), Cell::Code),
            Cell::Text(end),
            Cell::Tight(bytes(over.map(|over| over.input))),
            Cell::Tight(bytes(over.map(|over| over.output))),
        ]
    }

    pub(super) fn files(&self, html: &mut Html) {
        self.part(html, "part-files", "", |html| {
            if self.account.transfers.is_empty() {
                self.say(html, "", "no-files");
            } else {
                let columns = [
                    "column-when",
                    "column-direction",
                    "column-path",
                    "column-size",
                    "column-hash",
                    "column-complete",
                ];
                let rows = self.account.transfers.iter().take(MOST).map(|transfer| self.transfer(transfer));
                self.table(html, &columns, rows);
                self.more(html, self.account.transfers.len(), MOST);
            }
            self.changes(html);
            self.say(html, "note", "commands-note");
        });
    }

    fn changes(&self, html: &mut Html) {
        if self.account.changes.is_empty() {
            return;
        }
        let rows = self.account.changes.iter().take(MOST).map(|(at, FileChange { change, result, .. })| {
            vec![
                Cell::Tight(clock(at)),
                Cell::Text(self.teller.change(change)),
                Cell::Code(self.teller.changed_paths(change)),
                Cell::Text(self.teller.change_result(*result)),
            ]
        });
        self.table(html, &["column-when", "column-change", "column-path", "column-result"], rows);
        self.more(html, self.account.changes.len(), MOST);
    }

    fn transfer(&self, Transfer { at, file }: &Transfer) -> Vec<Cell> {
        let words = self.words;
        let direction = match file.direction {
            Direction::Upload => "direction-upload",
            Direction::Download => "direction-download",
        };
        let hash = match &file.sha256 {
            Some(digest) => Cell::Code(digest.to_string()),
            None => Cell::Text(words.say("hash-none")),
        };
        vec![
            Cell::Tight(clock(at)),
            Cell::Tight(words.say(direction)),
            Cell::Code(literal(&file.path)),
            Cell::Tight(words.size(file.size)),
            hash,
            Cell::Text(words.say(if file.complete { "yes" } else { "no" })),
        ]
    }

    pub(super) fn notes(&self, html: &mut Html) {
        let said = self.account.entries.iter().filter_map(|entry| match &entry.event {
            Event::Noted { .. } => Some((&entry.at, self.teller.line(entry).text)),
            Event::Chat { from, text } => {
                Some((&entry.at, format!("{}: {}", self.teller.speaker(*from), shown(text))))
            }
            _ => None,
        });
        let said: Vec<_> = said.collect();
        self.part(html, "part-notes", "", |html| {
            if said.is_empty() {
                return self.say(html, "", "no-notes");
            }
            html.element("ol", &[("class", "course")], |html| {
                for (at, text) in said.iter().take(MOST) {
                    html.element("li", &[("class", "talk")], |html| {
                        html.leaf("time", &[("datetime", &at.time)], &clock(at));
                        html.leaf("div", &[("class", "what")], text);
                    });
                }
            });
            self.more(html, said.len(), MOST);
        });
    }
}
