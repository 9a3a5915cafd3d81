//! The report as a page that stands by itself: nothing in it refers to anything outside, and no script runs but ours.

mod check;
mod course;
mod health;
mod opening;
mod parts;
mod terminals;

use fieldlink_words::Language;

use super::account::Account;
use super::facts::Facts;
use super::markup::{Asset, Html};
use super::tell::Teller;
use super::words::{Words, shown};
use crate::Files;

/// Most lines and rows that a part of the page shows.
const MOST: usize = 10_000;

const STYLE: Asset = Asset(include_str!("style.css"));
const SCRIPT: Asset = Asset(include_str!("page.js"));
const PLAYER_STYLE: Asset = Asset(include_str!("../../../player/asciinema-player.css"));
const PLAYER: Asset = Asset(include_str!("../../../player/asciinema-player.min.js"));

/// The report of `account`, whose terminals are in `files`.
pub fn html(account: &Account, files: &dyn Files, language: Language) -> Vec<u8> {
    let words = Words::new(language);
    let teller = Teller::new(account, &words);
    let terminals = terminals::read(account, files, &words);
    let plays = terminals.iter().any(|terminal| terminal.is_played());
    let page = Page { account, words: &words, teller };
    let mut html = Html::default();
    html.template("<!DOCTYPE html>\n");
    html.element("html", &[("lang", words.code())], |html| {
        html.element("head", &[], |html| page.head(html, plays));
        html.element("body", &[], |html| {
            page.top(html);
            html.element("main", &[], |html| page.parts(html, &terminals));
            page.licences(html, plays);
            page.scripts(html, &terminals, plays);
        });
    });
    html.template("\n");
    html.into_bytes()
}

struct Page<'a> {
    account: &'a Account,
    words: &'a Words,
    teller: Teller<'a>,
}

impl Page<'_> {
    fn head(&self, html: &mut Html, plays: bool) {
        html.template("<meta charset=\"utf-8\">");
        html.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &security_policy(plays))]);
        html.template("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.template("<meta name=\"referrer\" content=\"no-referrer\">");
        html.leaf("title", &[], &self.title());
        html.asset("style", STYLE);
        if plays {
            html.asset("style", PLAYER_STYLE);
        }
    }

    fn title(&self) -> String {
        let ticket = self.account.first().map_or("–", |first| &first.person.ticket);
        let arguments = [("device", (&self.account.device.name).into()), ("ticket", ticket.into())];
        self.words.say_with("page-title", &arguments)
    }

    fn parts(&self, html: &mut Html, terminals: &[terminals::Terminal]) {
        self.result(html);
        self.contents(html);
        self.people(html);
        self.facts(html);
        self.gaps(html);
        self.health(html);
        self.course(html);
        self.checklists(html);
        self.questions(html);
        self.commands(html);
        self.files(html);
        self.notes(html);
        self.terminals(html, terminals);
        self.check(html);
    }

    fn scripts(&self, html: &mut Html, terminals: &[terminals::Terminal], plays: bool) {
        for terminal in terminals {
            terminal.data(html);
        }
        if plays {
            html.asset("script", PLAYER);
        }
        html.asset("script", SCRIPT);
    }

    /// A part of the page, which the contents lead to.
    fn part(&self, html: &mut Html, id: &'static str, class: &str, inside: impl FnOnce(&mut Html)) {
        let of_heading = format!("{id}-heading");
        let attributes = [("id", id), ("class", class), ("aria-labelledby", of_heading.as_str())];
        html.element("section", &attributes, |html| {
            html.leaf("h2", &[("id", &of_heading)], &self.words.say(id));
            inside(html);
        });
        html.template("\n");
    }

    /// Says that there is more than the page shows, if there is.
    fn more(&self, html: &mut Html, all: usize, shown: usize) {
        if let Some(more) = self.words.more(all, shown) {
            html.leaf("p", &[("class", "note")], &more);
        }
    }

    fn say(&self, html: &mut Html, class: &str, id: &str) {
        html.leaf("p", &[("class", class)], &self.words.say(id));
    }
}

/// What the page may do: apply these style sheets and run these scripts. The player is WebAssembly, which it holds itself.
fn security_policy(plays: bool) -> String {
    let (style, script) = (STYLE.source(), SCRIPT.source());
    let common = "base-uri 'none'; form-action 'none'";
    if !plays {
        return format!("default-src 'none'; style-src {style}; script-src {script}; {common}");
    }
    let (player_style, player) = (PLAYER_STYLE.source(), PLAYER.source());
    format!(
        "default-src 'none'; style-src {style} {player_style}; \
         script-src {script} {player} 'wasm-unsafe-eval'; {common}"
    )
}

/// Names and values.
fn list(html: &mut Html, facts: &Facts) {
    html.element("dl", &[], |html| {
        for (label, value) in facts {
            html.leaf("dt", &[], label);
            html.leaf("dd", &[], value);
        }
    });
}

/// What stands in a table.
enum Cell {
    /// A text.
    Text(String),
    /// A text that stays on its line.
    Tight(String),
    /// A text with more of it below.
    Detailed(String, String),
    /// A command, path or hash.
    Code(String),
}

impl Page<'_> {
    /// A table whose columns are named by messages.
    fn table(&self, html: &mut Html, columns: &[&str], rows: impl Iterator<Item = Vec<Cell>>) {
        let columns: Vec<String> = columns.iter().map(|id| self.words.say(id)).collect();
        html.element("table", &[], |html| {
            html.element("thead", &[], |html| {
                html.element("tr", &[], |html| {
                    columns.iter().for_each(|column| html.leaf("th", &[("scope", "col")], column));
                });
            });
            html.element("tbody", &[], |html| {
                for row in rows {
                    html.element("tr", &[], |html| {
                        columns.iter().zip(&row).for_each(|(column, cell)| cell.write(html, column));
                    });
                    html.template("\n");
                }
            });
        });
    }
}

impl Cell {
    fn write(&self, html: &mut Html, column: &str) {
        let class = if matches!(self, Self::Tight(_)) { "tight" } else { "" };
        html.element("td", &[("data-label", column), ("class", class)], |html| match self {
            Self::Text(text) | Self::Tight(text) => html.text(text),
            Self::Code(text) => html.leaf("code", &[], text),
            Self::Detailed(text, detail) => {
                html.text(text);
                html.leaf("span", &[("class", "soft")], &shown(detail));
            }
        });
    }
}
