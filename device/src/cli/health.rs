//! `fieldlink health`: what the device knows of itself, warnings first.

use std::io::IsTerminal;
use std::time::Duration;

use fieldlink_daemon::takes_colours;
use fieldlink_health::{Words as HealthWords, to_json, to_text};

use super::show;
use crate::bus::ErrorCode;
use crate::client::Device;
use crate::failure::Failure;
use crate::words::Words;

/// How often it is looked at while it is watched.
const PAUSE: Duration = Duration::from_secs(5);
/// What has a terminal begin at its top.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Shows it, once or again and again.
pub(super) async fn run(words: &Words, device: &Device, watch: bool, json: bool) -> Result<u8, Failure> {
    let is_terminal = std::io::stdout().is_terminal();
    let is_coloured = is_terminal && takes_colours(|name| std::env::var_os(name));
    let words = HealthWords::new(words.language());
    let mut has_shown = false;
    loop {
        match device.health().await {
            Ok(health) if json => show::print(&to_json(&words, &health))?,
            Ok(health) => {
                let between = if watch && is_terminal { CLEAR } else { ["", "\n"][usize::from(has_shown)] };
                show::print(&format!("{between}{}", to_text(&words, &health, is_coloured)))?;
            }
            // Somebody else asks at this moment; what they get comes next.
            Err(failure) if watch && failure == ErrorCode::HealthRuns.into() => {}
            Err(failure) => return Err(failure),
        }
        if !watch {
            return Ok(0);
        }
        has_shown = true;
        tokio::time::sleep(PAUSE).await;
    }
}
