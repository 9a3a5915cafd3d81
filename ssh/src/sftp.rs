//! As much of SFTP, version 3, as it takes to see which requests read files and which change them:
//! draft-ietf-secsh-filexfer-02, and the extensions of OpenSSH's PROTOCOL, section 4. Pure.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use fieldlink_protocol::policy::Function;

/// The longest packet, behind its length: OpenSSH's `SFTP_MAX_MSG_LENGTH`.
const MOST: usize = 256 * 1024;
/// Length, type and ID (section 3): every packet but the first of each side has them.
const HEADER: usize = 9;
/// `SSH_FXP_STATUS` (section 7), and the code for what is not permitted.
const STATUS: u8 = 101;
const PERMISSION_DENIED: u32 = 3;
/// Flags of `SSH_FXP_OPEN` (section 6.3).
const OPEN_READ: u32 = 1;
const OPEN_WRITE: u32 = 2;
/// Append, create, truncate, and only if new.
const OPEN_CHANGES: u32 = OPEN_WRITE | 4 | 8 | 16 | 32;

const NOTHING: &[Function] = &[];
const UPLOAD: &[Function] = &[Function::Upload];
const DOWNLOAD: &[Function] = &[Function::Download];
const BOTH: &[Function] = &[Function::Download, Function::Upload];

/// Cuts a stream into packets.
#[derive(Debug, Default)]
pub struct Packets {
    buffer: BytesMut,
}

/// A packet that is longer than one may be: what follows cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an sftp packet of {0} bytes is too long")]
pub struct TooLong(usize);

impl Packets {
    /// Takes what came next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, its length in front.
    pub fn next_packet(&mut self) -> Result<Option<Bytes>, TooLong> {
        let Some(mut length) = self.buffer.get(..4) else { return Ok(None) };
        let length = length.get_u32() as usize;
        if length > MOST {
            return Err(TooLong(length));
        }
        let is_whole = self.buffer.len() >= 4 + length;
        Ok(is_whole.then(|| self.buffer.split_to(4 + length).freeze()))
    }

    /// Whether the next packet is there, or cannot be understood.
    pub fn has_whole(&self) -> bool {
        let length = self.buffer.get(..4).map(|mut length| length.get_u32() as usize);
        length.is_some_and(|length| length > MOST || self.buffer.len() >= 4 + length)
    }

    /// Whether nothing waits, not even a part of a packet.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }
}

/// What a request of the client's takes leave for. Names and sizes of files may always be seen; what is not known here
/// takes leave for everything.
pub fn functions_of(packet: &[u8]) -> &'static [Function] {
    match packet.get(4) {
        // init, close, read, write: the file was opened before, for one or the other.
        Some(1 | 4 | 5 | 6) => NOTHING,
        Some(3) => opens(packet).unwrap_or(BOTH),
        // lstat, fstat, opendir, readdir, realpath, stat, readlink.
        Some(7 | 8 | 11 | 12 | 16 | 17 | 19) => NOTHING,
        // setstat, fsetstat, remove, mkdir, rmdir, rename, symlink.
        Some(9 | 10 | 13 | 14 | 15 | 18 | 20) => UPLOAD,
        Some(200) => extended(packet).unwrap_or(BOTH),
        _ => BOTH,
    }
}

/// `SSH_FXP_OPEN`: a name, flags, attributes.
fn opens(packet: &[u8]) -> Option<&'static [Function]> {
    let (_, rest) = string(packet.get(HEADER..)?)?;
    let flags = rest.get(..4)?.get_u32();
    let reads = flags & OPEN_READ != 0 || flags & OPEN_WRITE == 0;
    Some(match (reads, flags & OPEN_CHANGES != 0) {
        (true, true) => BOTH,
        (true, false) => DOWNLOAD,
        (false, _) => UPLOAD,
    })
}

/// `SSH_FXP_EXTENDED`: what it is, and its arguments.
fn extended(packet: &[u8]) -> Option<&'static [Function]> {
    let (name, _) = string(packet.get(HEADER..)?)?;
    Some(functions_of_extension(name))
}

/// What the extension of this name takes leave for.
pub(super) fn functions_of_extension(name: &[u8]) -> &'static [Function] {
    match name {
        b"statvfs@openssh.com"
        | b"fstatvfs@openssh.com"
        | b"limits@openssh.com"
        | b"expand-path@openssh.com"
        | b"users-groups-by-id@openssh.com"
        | b"home-directory" => NOTHING,
        b"posix-rename@openssh.com"
        | b"hardlink@openssh.com"
        | b"fsync@openssh.com"
        | b"lsetstat@openssh.com" => UPLOAD,
        _ => BOTH,
    }
}

/// A string and what follows it (RFC 4251 section 5).
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(..4)?.get_u32() as usize;
    bytes[4..].split_at_checked(length)
}

/// The answer to a request that is not permitted. None if the request has no ID to answer to.
pub fn denial_of(packet: &[u8], why: &str) -> Option<Bytes> {
    let id = packet.get(5..HEADER)?.get_u32();
    let length = 1 + 4 + 4 + 4 + why.len() + 4;
    let mut reply = BytesMut::with_capacity(4 + length);
    reply.put_u32(length as u32);
    reply.put_u8(STATUS);
    reply.put_u32(id);
    reply.put_u32(PERMISSION_DENIED);
    reply.put_u32(why.len() as u32);
    reply.put_slice(why.as_bytes());
    // The language.
    reply.put_u32(0);
    Some(reply.freeze())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = (rest.len() as u32 + 5).to_be_bytes().to_vec();
        packet.push(kind);
        packet.extend(7u32.to_be_bytes());
        packet.extend(rest);
        packet
    }

    fn named(name: &[u8], rest: &[u8]) -> Vec<u8> {
        [&(name.len() as u32).to_be_bytes()[..], name, rest].concat()
    }

    fn open(flags: u32) -> &'static [Function] {
        let arguments = [&flags.to_be_bytes()[..], &[0; 4]].concat();
        functions_of(&packet(3, &named(b"/etc/passwd", &arguments)))
    }

    #[test]
    fn what_is_opened_says_in_which_direction() {
        assert_eq!(open(1), DOWNLOAD);
        assert_eq!(open(0), DOWNLOAD, "the server opens it for reading");
        assert_eq!(open(2 | 8 | 16), UPLOAD);
        assert_eq!(open(1 | 2), BOTH);
        assert_eq!(open(1 | 8), BOTH, "it would be created");
        assert_eq!(open(16), BOTH, "it would be emptied");
        for cut in 0..19 {
            assert_eq!(functions_of(&packet(3, &named(b"/etc/passwd", &[0, 0, 0, 1]))[..9 + cut]), BOTH);
        }
    }

    #[test]
    fn what_changes_files_is_an_upload_and_what_is_unknown_is_both() {
        for changes in [9, 10, 13, 14, 15, 18, 20] {
            assert_eq!(functions_of(&packet(changes, b"")), UPLOAD, "{changes}");
        }
        for looks in [4, 5, 6, 7, 8, 11, 12, 16, 17, 19] {
            assert_eq!(functions_of(&packet(looks, b"")), NOTHING, "{looks}");
        }
        let extension = |name: &[u8]| functions_of(&packet(200, &named(name, b"")));
        assert_eq!(extension(b"posix-rename@openssh.com"), UPLOAD);
        assert_eq!(extension(b"statvfs@openssh.com"), NOTHING);
        assert_eq!(extension(b"copy-data"), BOTH);
        assert_eq!(extension(b"something-new"), BOTH);
        for unknown in [0, 2, 21, 99, 101, 199, 201, 255] {
            assert_eq!(functions_of(&packet(unknown, b"")), BOTH, "{unknown}");
        }
        assert_eq!(functions_of(b""), BOTH);
    }

    #[test]
    fn a_denial_answers_the_request() {
        let reply = denial_of(&packet(13, b""), "no").expect("it has an ID");
        assert_eq!(reply[..], [0, 0, 0, 19, 101, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 2, b'n', b'o', 0, 0, 0, 0]);
        assert_eq!(denial_of(&[0, 0, 0, 1, 13], "no"), None);
    }

    #[test]
    fn what_is_too_long_is_not_waited_for() {
        let mut packets = Packets::default();
        packets.push(&(MOST as u32 + 1).to_be_bytes());
        assert_eq!(packets.next_packet(), Err(TooLong(MOST + 1)));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            sent in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..50)), 0..20),
            size in 1usize..60,
        ) {
            let sent: Vec<Vec<u8>> = sent.iter().map(|(kind, rest)| packet(*kind, rest)).collect();
            let mut packets = Packets::default();
            let mut received = Vec::new();
            for piece in sent.concat().chunks(size) {
                packets.push(piece);
                while let Some(packet) = packets.next_packet().expect("short") {
                    received.push(packet.to_vec());
                }
            }
            prop_assert_eq!(received, sent);
            prop_assert!(packets.is_empty());
        }
    }
}
