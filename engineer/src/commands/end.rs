//! `end`: ends a session and waits until nothing of it is left.

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::engineer::FromEngineer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::announce::announce;
use super::choosing::choose;
use crate::args::EndArguments;
use crate::call::parse_id;
use crate::context::CallContext;
use crate::directories::Directories;
use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::printing::print_answer;
use crate::runtime_dir::{RuntimeDirectory, Sessions};
use crate::words::say;

pub(super) async fn run(arguments: &EndArguments) -> Result<u8, Failure> {
    let words = &arguments.id;
    let outcome = arguments.outcome();
    let directories = Directories::from_environment()?;
    let runtime = RuntimeDirectory::open(&directories.runtime)?;
    if let Some(id) = choose_broken_off(&runtime.look()?, words)? {
        return end_broken_off(&CallContext::load(&directories)?, id).await;
    }
    let id = choose(&runtime, words)?;
    if let Some(outcome) = outcome {
        // The client reads it before it is over; a scanner that does not know outcomes must not keep the session open.
        announce(Some(id.to_string()), Announcement::Outcome(outcome))?;
    }
    let socket = runtime.session(id).join("control.sock");
    match client::ask(&socket, Request::End) {
        Ok((_, Reply::Ended { message, .. })) => {
            print_answer(&format!("{}: {message}", id.grouped()));
            Ok(0)
        }
        // Its program died meanwhile; what it left is removed with the next look.
        _ if !runtime.sessions()?.contains(&id) => Ok(0),
        _ => Err(Failure::new(Kind::Failed, say!("session-cannot-be-ended", id = id.grouped()))),
    }
}

/// The session that is named, or the only one, if its program is gone.
fn choose_broken_off(sessions: &Sessions, words: &[String]) -> Result<Option<SupportId>, Failure> {
    if !words.is_empty() {
        let id = parse_id(words)?;
        return Ok(sessions.broken_off.contains(&id).then_some(id));
    }
    Ok(match (&sessions.living[..], &sessions.broken_off[..]) {
        ([], [only]) => Some(*only),
        _ => None,
    })
}

/// Ends a session that was left to be come back to: the relay is told, and tells the scanner.
async fn end_broken_off(context: &CallContext, id: SupportId) -> Result<u8, Failure> {
    if let Some(restart) = context.runtime.abandoned(id)? {
        let resumed = context.resumable().resume(restart.session, &restart.session_ticket).await?;
        if let Ok(mut connection) = resumed {
            let reason = Reason::EngineerEnded;
            connection.send(&FromEngineer::End { reason }).await.map_err(anyhow::Error::from)?;
            connection.close(reason.code()).await;
        }
    }
    context.runtime.claim(id)?.remove()?;
    let end = End::new(Reason::EngineerEnded, Told::Here);
    print_answer(&format!("{}: {}", id.grouped(), end.sentence()));
    Ok(0)
}
