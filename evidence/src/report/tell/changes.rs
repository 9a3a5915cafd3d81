//! What file transfers change beside the bytes of files.

use super::super::words::literal;
use super::{Line, Teller, Topic};
use crate::{Change, ChangeResult, FileChange};

impl Teller<'_> {
    pub(super) fn changed(&self, FileChange { change, result, .. }: &FileChange) -> Line {
        let (topic, id) = match result {
            ChangeResult::Done {} => (Topic::Work, "line-change-done"),
            ChangeResult::Refused { .. } => (Topic::Trouble, "line-change-refused"),
            ChangeResult::Unanswered {} => (Topic::Trouble, "line-change-unanswered"),
        };
        let arguments = [("change", self.change(change).into()), ("why", self.change_result(*result).into())];
        Line { literal: Some(self.changed_paths(change)), ..self.with(topic, id, &arguments) }
    }

    /// What was to be changed, without where.
    pub(in super::super) fn change(&self, change: &Change) -> String {
        self.words.say(match change {
            Change::Rename { .. } => "change-rename",
            Change::Remove { .. } => "change-remove",
            Change::MakeDirectory { .. } => "change-make-directory",
            Change::RemoveDirectory { .. } => "change-remove-directory",
            Change::SymbolicLink { .. } => "change-symbolic-link",
            Change::HardLink { .. } => "change-hard-link",
            Change::Copy { .. } => "change-copy",
            Change::Attributes { .. } => return self.attributes(change),
        })
    }

    fn attributes(&self, change: &Change) -> String {
        let Change::Attributes { permissions, user, group, size, .. } = change else { return String::new() };
        let of = |id, value: String| self.words.say_with(id, &[("value", value.into())]);
        let attributes = [
            permissions.map(|permissions| of("attribute-permissions", format!("{permissions:04o}"))),
            user.map(|user| of("attribute-user", user.to_string())),
            group.map(|group| of("attribute-group", group.to_string())),
            size.map(|size| of("attribute-size", self.words.size(size))),
        ];
        attributes.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Where.
    pub(in super::super) fn changed_paths(&self, change: &Change) -> String {
        let both = |one: &str, other: &str| format!("{} → {}", literal(one), literal(other));
        match change {
            Change::Rename { from: one, to: other }
            | Change::Copy { from: one, to: other }
            // As a list of files shows it.
            | Change::SymbolicLink { path: one, target: other }
            | Change::HardLink { target: one, path: other } => both(one, other),
            Change::Remove { path }
            | Change::MakeDirectory { path }
            | Change::RemoveDirectory { path }
            | Change::Attributes { path, .. } => literal(path),
        }
    }

    /// What came of it.
    pub(in super::super) fn change_result(&self, result: ChangeResult) -> String {
        self.words.say(match result {
            ChangeResult::Done {} => "change-done",
            ChangeResult::Unanswered {} => "change-unanswered",
            ChangeResult::Refused { status: 2 } => "change-no-such-file",
            ChangeResult::Refused { status: 3 } => "change-not-permitted",
            ChangeResult::Refused { status: 4 } => "change-failed",
            ChangeResult::Refused { status: 8 } => "change-not-supported",
            ChangeResult::Refused { status } => {
                return self.words.say_with("change-refused", &[("code", u64::from(status).into())]);
            }
        })
    }
}
