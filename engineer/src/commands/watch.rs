//! `watch`: a session, with a link. No login, no credential, and nothing that could be done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldlink_protocol::link::ObserverLink;
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::observer::FromAgent;
use fieldlink_protocol::text;
use fieldlink_transport::RelayAddress;
use fieldlink_viewing::Shown;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use zeroize::Zeroizing;

use crate::anchors::AnchorBook;
use crate::args::WatchArguments;
use crate::config::Config;
use crate::context::ReportSettings;
use crate::directories::Directories;
use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::pin_entry::typed_line;
use crate::platform::Signals;
use crate::printing::{print, print_json};
use crate::viewing;
use crate::watching::{Memory, WatchEnd, Watched, Watcher};
use crate::words::say;

/// Messages that wait to be shown.
const QUEUE: usize = 16;

/// Watches until the session is over or whoever watches has seen enough.
pub(super) async fn run(arguments: WatchArguments) -> Result<u8, Failure> {
    let WatchArguments { link, ca_file, json } = arguments;
    let typed = match link {
        Some(link) => Zeroizing::new(link),
        None => ask().await?,
    };
    let link = ObserverLink::parse(&typed).map_err(|error| Failure::usage(error.to_string()))?;
    let directories = Directories::from_environment()?;
    let config = config(&link, ca_file, &directories)?;
    let memory = Memory::open(&directories.state, &link)?;
    let (sender, heard) = mpsc::channel(QUEUE);
    let watcher = Watcher {
        dialer: config.dialer()?,
        bounds: config.pipe_limits()?,
        key: link.key,
        memory,
        anchors: AnchorBook::new(&directories.state, config.trusted_anchor_keys()?),
        sender,
        reports: ReportSettings::of(&config, &directories),
        places: BTreeMap::new(),
        about: Default::default(),
    };
    let mut signals = Signals::new().with_context(|| say!("no-signals"))?;
    let mut watching = AbortOnDropHandle::new(tokio::spawn(watcher.run()));
    tokio::select! {
        biased;
        signal = signals.next() => return Ok(signal.exit_code()),
        shown = show(heard, json) => shown.map_err(anyhow::Error::from)?,
    }
    // Whoever has seen enough left; otherwise it says at once how it ended.
    match (&mut watching).await {
        Ok(WatchEnd::Left) | Err(_) => Ok(0),
        Ok(WatchEnd::Failed(failure)) => Err(failure),
        Ok(WatchEnd::Over(reason, report)) => {
            if let Some(path) = report {
                tell_report(&path, json);
            }
            Err(Failure::new(Kind::SessionOver, End::new(reason, Told::Scanner).sentence()))
        }
    }
}

/// The configuration of whoever has logged in to the same relay, or none.
fn config(
    link: &ObserverLink,
    ca_file: Option<PathBuf>,
    directories: &Directories,
) -> Result<Config, Failure> {
    let relay: RelayAddress =
        format!("wss://{}", link.relay).parse().map_err(|_| Failure::usage(say!("link-relay")))?;
    let known = Config::load(&directories.config).ok().filter(|config| config.relay == relay);
    let anchor_keys = known.as_ref().map(|config| config.anchor_keys.clone()).unwrap_or_default();
    // Whoever has settings of their own has them for the reports of any relay.
    let own = Config::load(&directories.config).ok();
    let fetch_reports = own.as_ref().is_none_or(|config| config.fetch_reports);
    let report_language = own.and_then(|config| config.report_language);
    let ca_file = ca_file.or_else(|| known.and_then(|config| config.ca_file));
    // Another relay's anchors are not signed with the keys of one's own.
    Ok(Config {
        anchor_keys,
        fetch_reports,
        report_language,
        ..Config::for_login(relay, ca_file, &directories.config)?
    })
}

async fn show(mut heard: mpsc::Receiver<Watched>, json: bool) -> std::io::Result<()> {
    if json {
        while let Some(heard) = heard.recv().await {
            match heard {
                Watched::Heard(message) => print_json(&encode(&message)),
                Watched::NotAnchored(why) => {
                    print_json(&json!({ "type": "not-anchored", "message": why }).to_string());
                }
                Watched::ReportSoFar(path) => {
                    print_json(&json!({ "type": "report-so-far", "path": path }).to_string());
                }
                Watched::ReportNotKept(why) => {
                    print_json(&json!({ "type": "report-not-kept", "message": why }).to_string());
                }
                Watched::Lost => {}
            }
        }
        return Ok(());
    }
    print(&say!("connecting-to-watch"));
    let (sender, arriving) = mpsc::channel(QUEUE);
    let passing_on = async move {
        while let Some(heard) = heard.recv().await {
            if let Some(shown) = shown(heard)
                && sender.send(shown).await.is_err()
            {
                return;
            }
        }
    };
    let (viewing, passing_on) = (viewing::show(arriving), passing_on);
    tokio::pin!(viewing);
    tokio::select! {
        biased;
        end = &mut viewing => return end.map(drop),
        () = passing_on => {}
    }
    viewing.await.map(drop)
}

fn shown(heard: Watched) -> Option<Shown> {
    match heard {
        Watched::Heard(FromAgent::Live { event, .. }) => Some(Shown::Live(event)),
        Watched::Heard(FromAgent::Seen { event }) => viewing::seen(&event).map(Shown::Note),
        Watched::Heard(FromAgent::Welcome { hostname, ticket, seconds }) => {
            let (hostname, ticket) = (text::name(&hostname), text::name(&ticket));
            let minutes = u64::from(seconds.div_ceil(60));
            Some(Shown::Note(say!("watching", hostname = hostname, ticket = ticket, minutes = minutes)))
        }
        Watched::Heard(FromAgent::Ticket { .. } | FromAgent::Report { .. } | FromAgent::End { .. }) => None,
        Watched::Heard(FromAgent::Closing { reason }) => {
            let end = End::new(reason, Told::Scanner).sentence();
            Some(Shown::Note(say!("over-and-fetching", end = end)))
        }
        Watched::ReportSoFar(path) => Some(Shown::Note(say!("report-so-far", path = path.display()))),
        Watched::ReportNotKept(why) => Some(Shown::Note(say!("report-not-kept", why = why))),
        Watched::NotAnchored(why) => Some(Shown::Note(say!("anchor-not-kept", why = why))),
        Watched::Lost => Some(Shown::Note(say!("watching-interrupted"))),
    }
}

fn tell_report(path: &Path, json: bool) {
    match json {
        true => print_json(&json!({ "type": "report", "path": path }).to_string()),
        false => print(&say!("report-kept", path = path.display())),
    }
}

async fn ask() -> Result<Zeroizing<String>, Failure> {
    let line = typed_line(&say!("ask-for-link"), false).await;
    let unreadable = |error: std::io::Error| {
        Failure::new(Kind::Failed, say!("link-unreadable", error = error.to_string()))
    };
    line.map_err(unreadable)?.ok_or_else(|| Failure::usage(say!("link-missing")))
}
