//! What the terminals showed: to read, and to play.

use super::{Html, Page};
use crate::Files;
use crate::report::account::Account;
use crate::report::cast::{self, Cast};
use crate::report::channels::Channel;
use crate::report::words::{Words, shown};

/// Most bytes of recordings that a page holds.
const MOST_PLAYED: usize = 8 << 20;
/// Most terminals that a page shows.
const MOST_TERMINALS: usize = 100;

/// A terminal of the session.
pub(super) struct Terminal<'a> {
    number: usize,
    channel: &'a Channel,
    file: &'a str,
    cast: Option<Cast>,
}

/// The terminals of an account.
pub(super) fn read<'a>(account: &'a Account, files: &dyn Files, words: &Words) -> Vec<Terminal<'a>> {
    let full_screen = words.say("transcript-full-screen");
    let recorded =
        account.channels.iter().filter_map(|channel| Some((channel, channel.recording.as_deref()?)));
    let mut left = MOST_PLAYED;
    let terminals = (1..).zip(recorded).take(MOST_TERMINALS).map(|(number, (channel, file))| {
        let mut cast = cast::read(files, file, &full_screen);
        if let Some(cast) = &mut cast {
            cast.played = cast.played.take().filter(|played| played.len() <= left);
            left -= cast.played.as_ref().map_or(0, Vec::len);
        }
        Terminal { number, channel, file, cast }
    });
    terminals.collect()
}

impl Terminal<'_> {
    fn played(&self) -> Option<&[u8]> {
        self.cast.as_ref()?.played.as_deref()
    }

    /// Whether the page holds its recording.
    pub(super) fn is_played(&self) -> bool {
        self.played().is_some()
    }

    /// The recording, for the player.
    pub(super) fn data(&self, html: &mut Html) {
        if let Some(played) = self.played() {
            html.data(&format!("cast-{}", self.number), played);
            html.template("\n");
        }
    }
}

impl Page<'_> {
    pub(super) fn terminals(&self, html: &mut Html, terminals: &[Terminal<'_>]) {
        self.part(html, "part-terminals", "", |html| {
            if terminals.is_empty() {
                self.say(html, "", "no-terminals");
            }
            if terminals.iter().any(Terminal::is_played) {
                self.say(html, "note without-script screen-only", "player-note");
            }
            for terminal in terminals {
                html.element("article", &[], |html| self.terminal(html, terminal));
            }
            let recorded = self.account.channels.iter().filter(|channel| channel.recording.is_some());
            self.more(html, recorded.count(), MOST_TERMINALS);
        });
    }

    fn terminal(&self, html: &mut Html, terminal: &Terminal<'_>) {
        let (words, number) = (self.words, terminal.number.to_string());
        let title = [
            ("number", number.as_str().into()),
            ("person", self.teller.person(terminal.channel.seat).into()),
            ("time", words.date_time(&terminal.channel.at).into()),
        ];
        html.leaf("h3", &[("id", &format!("terminal-{number}"))], &words.say_with("terminal-title", &title));
        if let Some(target) = self.teller.target(&terminal.channel.program) {
            html.element("p", &[], |html| html.leaf("code", &[], &target));
        }
        let Some(cast) = &terminal.cast else {
            return self.of_file(html, "terminal-missing", terminal.file);
        };
        if cast.is_damaged {
            self.of_file(html, "terminal-damaged", terminal.file);
        }
        if cast.played.is_some() {
            self.player(html, &number);
        } else {
            self.of_file(html, "player-none", terminal.file);
        }
        self.transcript(html, cast, &number);
    }

    fn player(&self, html: &mut Html, number: &str) {
        let (place, cast, title) =
            (format!("player-{number}"), format!("cast-{number}"), format!("terminal-{number}"));
        let button = [
            ("type", "button"),
            ("data-cast", cast.as_str()),
            ("data-place", &place),
            ("aria-describedby", &title),
            ("hidden", ""),
        ];
        html.leaf("button", &button, &self.words.say("player-play"));
        html.element("div", &[("class", "player"), ("id", &place)], |_| {});
    }

    fn transcript(&self, html: &mut Html, Cast { transcript, .. }: &Cast, number: &str) {
        if transcript.lines.is_empty() {
            return self.say(html, "soft", "transcript-empty");
        }
        let title = format!("terminal-{number}");
        html.element("details", &[], |html| {
            html.leaf("summary", &[], &self.words.say("transcript"));
            self.say(html, "note", "transcript-note");
            let attributes = [("tabindex", "0"), ("role", "region"), ("aria-labelledby", title.as_str())];
            html.element("pre", &attributes, |html| html.lines(&transcript.lines.join("\n")));
            if transcript.cut > 0 {
                let cut = self.words.say_with("transcript-cut", &[("count", transcript.cut.into())]);
                html.leaf("p", &[("class", "note")], &cut);
            }
        });
    }

    fn of_file(&self, html: &mut Html, id: &str, file: &str) {
        html.leaf("p", &[("class", "soft")], &self.words.say_with(id, &[("file", shown(file).into())]));
    }
}
