//! `health`: what the scanner knows of itself, as `fieldlink health` shows it there.

use std::io::IsTerminal;

use anyhow::Context;
use fieldlink_health::{to_json, to_text};
use fieldlink_protocol::health::{Severity, concerns};
use fieldlink_protocol::messages::health::{Health, SUBSYSTEM};
use fieldlink_protocol::{limits, messages};

use super::subsystem::Subsystem;
use crate::args::HealthArguments;
use crate::exit::{Failure, Kind};
use crate::health::{warning, words};
use crate::platform::Signals;
use crate::printing::{begin_at_top, print_answer, print_json, print_text};
use crate::words::say;

/// The exit code where something is worth a warning, and where something is to be mended: none that also says that the
/// health could not be read.
const WARNING: u8 = 3;
/// See [`WARNING`].
const BAD: u8 = 4;

/// Shows it, once or again and again, of the session that is named, or the only one.
pub(super) async fn run(HealthArguments { id, watch, check, json }: HealthArguments) -> Result<u8, Failure> {
    if check {
        let (code, warnings) = look(id).await?;
        warnings.iter().for_each(|warning| print_answer(warning));
        return Ok(code);
    }
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let mut channel = Subsystem::open(SUBSYSTEM, id)?;
    if !watch {
        // It says so once and is done.
        channel.stdin = None;
    }
    tokio::select! {
        biased;
        outcome = show(&mut channel, watch, json) => outcome,
        signal = signals.next() => Ok(signal.exit_code()),
    }
}

/// What is worth a warning now, the worst first, and how bad that is, as an exit code.
pub(super) async fn look(id: Option<String>) -> Result<(u8, Vec<String>), Failure> {
    let mut channel = Subsystem::open(SUBSYSTEM, id)?;
    channel.stdin = None;
    let Some(health) = read(&mut channel).await? else { return Err(broken_off(&mut channel, false).await) };
    let concerns = concerns(&health);
    let code = match concerns.iter().map(|(severity, _)| severity).min() {
        None => 0,
        Some(Severity::Warning) => WARNING,
        Some(Severity::Bad) => BAD,
    };
    Ok((code, concerns.iter().map(|(_, concern)| warning(concern)).collect()))
}

/// The next one; none at the end. Whatever is at the other end: text, and nothing else.
async fn read(channel: &mut Subsystem) -> Result<Option<Health>, Failure> {
    // A line and its end; JSON escapes what JSON has to.
    let Some(line) = channel.line(limits::HEALTH as u64 + 1).await else { return Ok(None) };
    let not_understood = |_| Failure::new(Kind::Version, say!("scanner-answered-else"));
    messages::decode(&line).map(|health: Health| Some(health.fitted())).map_err(not_understood)
}

async fn show(channel: &mut Subsystem, watch: bool, json: bool) -> Result<u8, Failure> {
    let (words, is_terminal) = (words(), std::io::stdout().is_terminal());
    let mut has_shown = false;
    loop {
        let Some(health) = read(channel).await? else {
            return if has_shown && !watch { Ok(0) } else { Err(broken_off(channel, has_shown).await) };
        };
        if json {
            print_json(to_json(&words, &health).trim_end());
        } else {
            match (watch && is_terminal, has_shown) {
                (true, _) => begin_at_top(),
                (false, true) => print_text("\n"),
                (false, false) => {}
            }
            print_text(&to_text(&words, &health, false));
        }
        has_shown = true;
    }
}

async fn broken_off(channel: &mut Subsystem, has_shown: bool) -> Failure {
    let said = channel.complaint().await;
    let kind = if has_shown { Kind::SessionOver } else { Kind::Failed };
    Failure::new(kind, say!("health-not-told", said = said))
}
