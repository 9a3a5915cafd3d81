//! Which files go through a channel of SFTP, and what it changes on the device, seen from beside it:
//! draft-ietf-secsh-filexfer-02, version 3. Pure.
//!
//! Nothing is held up or kept but the heads of packets. What is not understood ends the account of this channel's files
//! ([`Seen::Lost`]), and nothing else.

mod changes;
mod files;
mod packets;

pub use changes::{Attributes, Change, Changed};
pub use files::{Moved, Transfer};

use self::files::Files;
use self::packets::{Part, Stream};
use super::passage::Way;

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// The next bytes of a file, without a gap to those before.
    Data {
        /// Counts the files of the channel.
        file: u64,
        /// Whether they were written or read.
        way: Way,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A file was closed, or will not be any more.
    Over(Transfer),
    /// Something was to be changed on the device, beside the bytes of files.
    Changed(Changed),
    /// What follows on this channel is not understood: its files have no entries from here on.
    Lost,
}

/// Follows both directions of one channel.
#[derive(Debug, Default)]
pub struct Transfers {
    input: Stream,
    output: Stream,
    files: Files,
    is_lost: bool,
}

impl Transfers {
    /// Takes what came next from the engineer ([`Way::Input`]) or the server.
    pub fn push<'a>(&mut self, way: Way, mut bytes: &'a [u8], mut see: impl FnMut(Seen<'a>)) {
        while !bytes.is_empty() && !self.is_lost {
            let stream = match way {
                Way::Input => &mut self.input,
                Way::Output => &mut self.output,
            };
            let followed = match stream.next_part(way, &mut bytes) {
                Ok(Part::Nothing) => Ok(()),
                Ok(Part::Payload { file, bytes }) => {
                    see(Seen::Data { file, way, bytes });
                    Ok(())
                }
                Ok(Part::Head(head, behind)) => match self.files.follow(way, &head, behind) {
                    Ok(followed) => {
                        stream.set_payload(followed.payload);
                        followed.over.into_iter().for_each(|transfer| see(Seen::Over(transfer)));
                        followed.changed.into_iter().for_each(|changed| see(Seen::Changed(changed)));
                        Ok(())
                    }
                    Err(lost) => Err(lost),
                },
                Err(lost) => Err(lost),
            };
            if followed.is_err() {
                self.is_lost = true;
                self.end(&mut see);
                self.files = Files::default();
                see(Seen::Lost);
            }
        }
    }

    /// The channel is over: what is open will not be closed any more, and nothing is answered.
    pub fn end<'a>(&mut self, mut see: impl FnMut(Seen<'a>)) {
        self.files.take_unanswered().into_iter().for_each(|changed| see(Seen::Changed(changed)));
        self.files.take_open().into_iter().for_each(|transfer| see(Seen::Over(transfer)));
    }
}

#[cfg(test)]
mod tests;
