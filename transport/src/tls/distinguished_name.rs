//! Reads what people go by out of an X.501 name. Pure: foreign bytes in, at most two short texts out.

use fieldlink_protocol::text;

/// Attributes of a name that are looked at.
const ATTRIBUTES: usize = 32;

/// The subject or the issuer of a certificate: cleaned and bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DistinguishedName {
    /// CN.
    pub(super) common_name: Option<String>,
    /// O.
    pub(super) organisation: Option<String>,
}

impl DistinguishedName {
    /// Reads the content of a DER-encoded `Name`, with or without its outer tag. What cannot be read is left out.
    pub(super) fn read(name: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = match element(name) {
            Some((0x30, content, [])) => content,
            _ => name,
        };
        for _ in 0..ATTRIBUTES {
            let Some((0x31, set, after)) = element(rest) else { break };
            rest = after;
            let Some((0x30, attribute, _)) = element(set) else { continue };
            let Some((0x06, kind, value)) = element(attribute) else { continue };
            let Some((tag, value, _)) = element(value) else { continue };
            match kind {
                [0x55, 4, 3] => found.common_name = string(tag, value),
                [0x55, 4, 10] => found.organisation = string(tag, value),
                _ => {}
            }
        }
        found
    }
}

impl std::fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.common_name, &self.organisation) {
            (Some(name), Some(organisation)) => write!(f, "“{name}” ({organisation})"),
            (Some(one), None) | (None, Some(one)) => write!(f, "“{one}”"),
            (None, None) => f.write_str("one without a name"),
        }
    }
}

/// The first DER element: its tag, its content, what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// A string of one of the kinds that certificates hold.
fn string(tag: u8, value: &[u8]) -> Option<String> {
    let decoded = match tag {
        // UTF-8, printable, teletex, IA5, visible.
        0x0c | 0x13 | 0x14 | 0x16 | 0x1a => String::from_utf8_lossy(value).into_owned(),
        // Two bytes a character.
        0x1e => char::decode_utf16(value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])))
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => return None,
    };
    Some(text::clean(&decoded, 64)).filter(|text| !text.trim().is_empty())
}

/// For the fuzzer: any bytes are survived, and nothing harmful comes out.
pub fn read_distinguished_name(name: &[u8]) -> String {
    DistinguishedName::read(name).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let wrap = |tag: u8, content: Vec<u8>| [vec![tag, content.len() as u8], content].concat();
        let attribute = |&(kind, tag, value): &(u8, u8, &[u8])| {
            let kind = wrap(0x06, vec![0x55, 4, kind]);
            wrap(0x31, wrap(0x30, [kind, wrap(tag, value.to_vec())].concat()))
        };
        wrap(0x30, attributes.iter().flat_map(attribute).collect())
    }

    #[test]
    fn reads_names_and_makes_them_harmless() {
        let name = encoded(&[(6, 0x13, b"DE"), (10, 0x0c, b"Scans Ltd"), (3, 0x13, b"Try CA")]);
        for bytes in [&name[..], &name[2..]] {
            assert_eq!(DistinguishedName::read(bytes).to_string(), "“Try CA” (Scans Ltd)");
        }
        let hostile = encoded(&[(3, 0x0c, b"\x1b[2J\xe2\x80\xaea")]);
        assert_eq!(DistinguishedName::read(&hostile).to_string(), "“\u{fffd}[2J\u{fffd}a”");
        let wide = encoded(&[(3, 0x1e, &[0, b'A', 0, b'B'])]);
        assert_eq!(DistinguishedName::read(&wide).to_string(), "“AB”");
        assert_eq!(DistinguishedName::read(&encoded(&[])).to_string(), "one without a name");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..40, with: u8) {
            let _ = DistinguishedName::read(&bytes);
            let mut damaged = encoded(&[(10, 0x0c, b"Scans Ltd"), (3, 0x13, b"Try CA")]);
            let at = at % damaged.len();
            damaged[at] = with;
            prop_assert!(DistinguishedName::read(&damaged).to_string().chars().count() < 200);
        }
    }
}
