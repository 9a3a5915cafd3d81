//! The header of a proxy's answer. Pure: bytes in, status out.

use fieldlink_protocol::limits;

/// What a proxy answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyReply {
    /// The HTTP status.
    pub status: u16,
    /// Whether basic authentication is among what it asks for; `None` if it asks for nothing.
    pub takes_basic: Option<bool>,
    /// Whether more bytes came than the header has.
    pub has_more: bool,
}

/// Why there is no reply to be had from these bytes.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum ProxyReplyError {
    /// Not the beginning of an HTTP answer.
    #[error("its answer is not HTTP")]
    NotHttp,
    /// A header beyond [`limits::PROXY_REPLY`].
    #[error("the header of its answer is too long")]
    TooLong,
}

/// Collects a header, in whatever pieces it comes.
#[derive(Debug, Default)]
pub struct ProxyReplyReader {
    read: Vec<u8>,
}

impl ProxyReplyReader {
    /// Takes the next bytes; `None` as long as more are needed. Not to be called again after that.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<ProxyReply>, ProxyReplyError> {
        let searched = self.read.len().saturating_sub(2);
        self.read.extend_from_slice(&bytes[..bytes.len().min(limits::PROXY_REPLY + 1 - self.read.len())]);
        if !begins_like_http(&self.read) {
            return Err(ProxyReplyError::NotHttp);
        }
        let Some(end) = end_of_header(&self.read, searched) else {
            let is_full = self.read.len() > limits::PROXY_REPLY;
            return if is_full { Err(ProxyReplyError::TooLong) } else { Ok(None) };
        };
        let (header, more) = self.read.split_at(end);
        Ok(Some(ProxyReply {
            status: header[9..12].iter().fold(0, |status, digit| 10 * status + u16::from(digit - b'0')),
            takes_basic: takes_basic(header),
            has_more: !more.is_empty(),
        }))
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty()
    }
}

/// Whether `read`, as far as it goes, is `HTTP/1.x 123` and a space or the line's end.
fn begins_like_http(read: &[u8]) -> bool {
    read.iter().zip(b"HTTP/1.0 000 ").all(|(byte, pattern)| match pattern {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'\r' | b'\n'),
        other => byte == other,
    }) && !matches!(read.get(8), Some(b'\r' | b'\n'))
}

/// Where the header ends: after an empty line. Lines end with LF, a CR before it is optional.
fn end_of_header(read: &[u8], from: usize) -> Option<usize> {
    let rest = &read[from..];
    let at = |pattern: &[u8]| {
        rest.windows(pattern.len()).position(|window| window == pattern).map(|at| from + at + pattern.len())
    };
    [at(b"\n\r\n"), at(b"\n\n")].into_iter().flatten().min()
}

fn takes_basic(header: &[u8]) -> Option<bool> {
    let text = String::from_utf8_lossy(header).to_ascii_lowercase();
    let offers = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        matches!(name, "proxy-authenticate" | "www-authenticate").then(|| value.trim().to_owned())
    });
    // Several schemes may stand in one line, each with parameters; a parameter is no word of its own.
    let is_basic = |offer: &str| offer.split([',', ' ']).any(|word| word == "basic");
    offers.map(|offer| is_basic(&offer)).reduce(|one, other| one || other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<ProxyReply>, ProxyReplyError> {
        ProxyReplyReader::default().push(bytes)
    }

    fn status(bytes: &[u8]) -> Option<u16> {
        read(bytes).expect("it is HTTP").map(|reply| reply.status)
    }

    #[test]
    fn reads_the_status_once_the_header_is_complete() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nA: b\r\n\r\n<html>"), Some(407));
        assert_eq!(status(b"HTTP/1.1 503 \nA: b\n\n"), Some(503));
        for incomplete in ["", "H", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
            assert_eq!(status(incomplete.as_bytes()), None, "{incomplete:?}");
        }
        assert!(read(b"HTTP/1.1 200 OK\r\n\r\nx").expect("HTTP").expect("complete").has_more);
    }

    #[test]
    fn what_is_not_http_is_known_by_its_first_bytes() {
        for other in ["SSH-2.0-x\r\n", "<", "HTTP/2 200", "HTTP/1.1 2x", "HTTP/1.1 2000", "HTTP/1.1\r\n"] {
            assert_eq!(read(other.as_bytes()), Err(ProxyReplyError::NotHttp), "{other:?}");
        }
    }

    #[test]
    fn a_header_without_end_is_given_up() {
        let mut reader = ProxyReplyReader::default();
        assert_eq!(reader.push(b"HTTP/1.1 200 OK\r\n"), Ok(None));
        let line = [b"A: ".as_slice(), &[b'a'; 1000], b"\r\n"].concat();
        let outcome = (0..20).find_map(|_| reader.push(&line).err());
        assert_eq!(outcome, Some(ProxyReplyError::TooLong));
        assert!(reader.read.len() <= limits::PROXY_REPLY + 1);
    }

    #[test]
    fn knows_whether_a_password_would_help() {
        let offers = |lines: &str| {
            let header = format!("HTTP/1.1 407 No\r\n{lines}\r\n");
            read(header.as_bytes()).expect("HTTP").expect("complete").takes_basic
        };
        assert_eq!(offers(""), None);
        assert_eq!(offers("Proxy-Authenticate: Basic realm=\"x\"\r\n"), Some(true));
        assert_eq!(offers("proxy-authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"), Some(false));
        assert_eq!(offers("Proxy-Authenticate: Negotiate, basic realm=x\r\n"), Some(true));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            start in "(HTTP/1\\.[01] [0-9]{3}( [a-z]{0,9})?)?",
            lines in proptest::collection::vec("[ -~]{0,30}", 0..5),
            cuts in proptest::collection::vec(1usize..20, 1..20),
        ) {
            let bytes = format!("{start}\r\n{}\r\n\r\nbody", lines.join("\r\n")).into_bytes();
            let whole = read(&bytes).map(|reply| reply.map(|reply| (reply.status, reply.takes_basic)));
            let (mut reader, mut rest) = (ProxyReplyReader::default(), bytes.as_slice());
            let mut pieces = Ok(None);
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces = reader.push(piece).map(|reply| reply.map(|reply| (reply.status, reply.takes_basic)));
                rest = after;
                if !matches!(pieces, Ok(None)) || rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(pieces, whole);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes].concat());
        }
    }
}
