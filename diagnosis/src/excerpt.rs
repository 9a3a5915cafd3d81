//! A part of a diagnosis, as it was read.

/// Some text, and what is to be said about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) text: Vec<u8>,
    /// What of it there is, if that is not all.
    pub(crate) note: Option<String>,
}

impl Excerpt {
    /// All of something.
    pub(crate) fn whole(text: Vec<u8>) -> Self {
        Self { text, note: None }
    }

    /// What is left of a text that was cut at its beginning: from the next whole line on.
    pub(crate) fn tail(mut text: Vec<u8>, note: String) -> Self {
        let first = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| end + 1);
        text.drain(..first);
        Self { text, note: Some(note) }
    }
}
