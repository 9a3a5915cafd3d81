//! `anchor-key`, `anchors`: what signs the accounts of sessions, and what was signed.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use fieldlink_protocol::ids::SessionId;

use super::audit::plain_id;
use crate::anchors::AnchorKeys;
use crate::config::Config;

/// Prints the public halves of both keys, the one that signs first; before that the next one takes its place, if that
/// is asked for.
pub(super) fn keys(config: &Config, rotates: bool) -> anyhow::Result<()> {
    let keys = super::state::in_directory(config, |directory, shown| open(directory, shown, rotates))?;
    let lines = keys.public_lines(&config.node)?;
    if rotates {
        eprintln!(
            "anchors are signed with the first key from now on; give both to those who check anchors (anchor_keys in \
             agent.toml and connect.toml). Keep the key before: what it has signed is checked with it"
        );
    }
    super::print(&format!("{}\n", lines.join("\n")))
}

/// Prints what was signed of one session's account, one JSON object a line.
pub(super) fn list(config: &Config, session: &str) -> anyhow::Result<()> {
    let session: SessionId = plain_id(session)
        .parse()
        .map_err(|error| anyhow!("could not list anchors: {error} (see fieldlink-relay audit --long)"))?;
    let anchors = super::state::open_existing(config)?.anchors(session)?;
    if anchors.is_empty() {
        bail!(
            "could not list anchors of session {session}: there are none here, or they were kept long enough"
        );
    }
    let lines = anchors.iter().map(|kept| Ok(serde_json::to_string(kept)? + "\n"));
    super::print(&lines.collect::<anyhow::Result<String>>()?)
}

fn open(directory: &Path, shown: &Path, rotates: bool) -> anyhow::Result<AnchorKeys> {
    let keys = if rotates { AnchorKeys::rotate(directory) } else { AnchorKeys::open(directory) };
    keys.with_context(|| {
        format!("could not use the keys in {} (was the relay started once?)", shown.display())
    })
}
