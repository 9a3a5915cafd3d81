//! What file transfers change beside the bytes of files, as events of the record.

use fieldlink_evidence::{Change, ChangeResult, Event, FileChange};
use fieldlink_protocol::{limits, text};
use fieldlink_ssh::transfer::{self, Attributes, Changed};

/// Longest path that is told, in characters.
const PATH: usize = 4 * limits::QUESTION;
/// What of `st_mode` can be set.
const PERMISSIONS: u32 = 0o7777;

/// A path, as the engineer's program told it.
pub(super) fn path_of(bytes: &[u8]) -> String {
    text::printable(&String::from_utf8_lossy(bytes), PATH)
}

/// What the account says of a change.
pub(super) fn told(channel: u64, changed: &Changed) -> Event {
    let result = match changed.status {
        Some(_) if changed.is_done() => ChangeResult::Done {},
        Some(status) => ChangeResult::Refused { status },
        None => ChangeResult::Unanswered {},
    };
    Event::FileChanged(FileChange { channel, change: change(&changed.change), result })
}

fn change(change: &transfer::Change) -> Change {
    use transfer::Change as Seen;
    match change {
        Seen::Rename { from, to } => Change::Rename { from: path_of(from), to: path_of(to) },
        Seen::Remove { path } => Change::Remove { path: path_of(path) },
        Seen::MakeDirectory { path } => Change::MakeDirectory { path: path_of(path) },
        Seen::RemoveDirectory { path } => Change::RemoveDirectory { path: path_of(path) },
        Seen::SymbolicLink { target, path } => {
            Change::SymbolicLink { path: path_of(path), target: path_of(target) }
        }
        Seen::HardLink { target, path } => Change::HardLink { path: path_of(path), target: path_of(target) },
        Seen::Attributes { path, attributes: Attributes { size, owner, permissions } } => {
            Change::Attributes {
                path: path_of(path),
                permissions: permissions.map(|mode| mode & PERMISSIONS),
                user: owner.map(|(user, _)| user),
                group: owner.map(|(_, group)| group),
                size: *size,
            }
        }
        Seen::Copy { from, to } => Change::Copy { from: path_of(from), to: path_of(to) },
    }
}
