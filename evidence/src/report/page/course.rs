//! What was done, in order, and what is missing.

use super::{Html, MOST, Page};
use crate::Stamp;
use crate::report::tell::{Line, Topic};
use crate::report::words::clock;

impl Page<'_> {
    pub(super) fn gaps(&self, html: &mut Html) {
        let gaps = &self.account.gaps;
        self.part(html, "part-gaps", if gaps.is_empty() { "" } else { "warn" }, |html| {
            if gaps.is_empty() {
                return self.say(html, "", "no-gaps");
            }
            html.element("ul", &[("class", "gaps")], |html| {
                for gap in gaps.iter().take(MOST) {
                    let (at, sentence) = self.teller.gap(gap);
                    let at = at.map(|at| format!("{}: ", self.words.date_time(at))).unwrap_or_default();
                    html.leaf("li", &[], &format!("{at}{sentence}"));
                }
            });
            self.more(html, gaps.len(), MOST);
        });
    }

    pub(super) fn course(&self, html: &mut Html) {
        let course = self.teller.course(self.account, MOST);
        self.part(html, "part-course", "", |html| {
            self.days(html, &course.lines);
            self.more(html, course.cut, 0);
            let count = course.own.len() as u64;
            html.element("details", &[("class", "screen-only")], |html| {
                html.leaf("summary", &[], &self.words.say_with("course-own", &[("count", count.into())]));
                self.days(html, &course.own);
            });
        });
    }

    fn days(&self, html: &mut Html, lines: &[(&Stamp, Line)]) {
        for day in lines.chunk_by(|(before, _), (after, _)| self.words.date(before) == self.words.date(after))
        {
            if let Some((at, _)) = day.first() {
                html.leaf("h3", &[], &self.words.date(at));
            }
            html.element("ol", &[("class", "course")], |html| {
                day.iter().for_each(|(at, line)| course_line(html, at, line));
            });
        }
    }
}

fn course_line(html: &mut Html, at: &Stamp, line: &Line) {
    let class = match line.topic {
        Topic::Session => "session",
        Topic::Question => "question",
        Topic::Talk => "talk",
        Topic::Work => "work",
        Topic::Trouble => "trouble",
        Topic::Record => "record",
    };
    html.element("li", &[("class", class)], |html| {
        html.leaf("time", &[("datetime", &at.time)], &clock(at));
        html.element("div", &[("class", "what")], |html| {
            html.text(&line.text);
            if let Some(literal) = &line.literal {
                html.template(" ");
                html.leaf("code", &[], literal);
            }
        });
    });
    html.template("\n");
}
