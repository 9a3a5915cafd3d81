//! HTML that nobody can put a tag into.
//!
//! Names of tags and attributes, and whatever else is markup, are `&'static str`: they stand in this program, and nothing
//! that was read can take their place. Every other text goes through [`escape`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldlink_protocol::text::is_harmless;
use sha2::{Digest, Sha256};

/// Attributes of a tag: names of ours, and values that are escaped.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A page as it grows.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// A tag with what is inside.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// A tag that has no inside.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes.iter().filter(|attribute| **attribute != ("class", "")) {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(&mut self.0, value, false);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// A tag with a text inside.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, |html| html.text(text));
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, text, false);
    }

    /// A text with lines and tabs.
    pub(super) fn lines(&mut self, text: &str) {
        escape(&mut self.0, text, true);
    }

    /// Markup of ours.
    pub(super) fn template(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// A style sheet or script of ours.
    pub(super) fn asset(&mut self, tag: &'static str, asset: Asset) {
        self.element(tag, &[], |html| html.0.push_str(asset.0));
        self.template("\n");
    }

    /// Bytes for a script of ours, in Base64, whose letters end no tag. Nothing runs them.
    pub(super) fn data(&mut self, id: &str, bytes: &[u8]) {
        self.element("script", &[("type", "application/octet-stream"), ("id", id)], |html| {
            STANDARD.encode_string(bytes, &mut html.0);
        });
    }

    /// The page.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A style sheet or script that stands in this program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset(pub(super) &'static str);

impl Asset {
    /// The source that a Content-Security-Policy names it by.
    pub(super) fn source(self) -> String {
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(self.0)))
    }
}

/// The one way of a text into the page: what HTML reads is written as references, and what no reader sees, or what moves
/// others, as U+FFFD.
fn escape(page: &mut String, text: &str, has_lines: bool) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\n' | '\t' if has_lines => page.push(character),
            character if is_harmless(character) => page.push(character),
            _ => page.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a text holds, the page has the tags of the template and no others.
        #[test]
        fn a_text_is_no_markup(text in "(<|>|/|script|\"|'|&|]]>|\u{202e}|\0|\n|\t|=|[a-z ]){0,20}|.*", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut html = Html::default();
            html.element("p", &[("title", &text)], |html| {
                html.text(&text);
                html.lines(&text);
            });
            html.data(&text, &bytes);
            let page = String::from_utf8(html.into_bytes()).expect("UTF-8");
            prop_assert_eq!(page.matches('<').count(), 4);
            prop_assert_eq!(page.matches('>').count(), 4);
            prop_assert_eq!(page.matches('"').count(), 6);
            prop_assert!(page.chars().all(|c| matches!(c, '\n' | '\t') || is_harmless(c)));
        }
    }
}
