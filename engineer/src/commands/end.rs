//! `end`: ends a session and waits until nothing of it is left.

use fieldlink_protocol::support_id::SupportId;

use crate::call::parse_id;
use crate::config::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::runtime_dir::RuntimeDirectory;

pub(super) fn run(words: &[String]) -> Result<u8, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, words)?;
    let socket = runtime.session(id).join("control.sock");
    match client::ask(&socket, Request::End) {
        Ok((_, Reply::Ended { message, .. })) => {
            println!("{}: {message}", id.grouped());
            Ok(0)
        }
        // Its program died meanwhile; what it left is removed with the next look.
        _ if !runtime.sessions()?.contains(&id) => Ok(0),
        _ => Err(Failure::new(
            Kind::Failed,
            format!("could not end the session to {}: its program does not answer; stop that", id.grouped()),
        )),
    }
}

/// The session that is named, or the only one.
pub(super) fn choose(runtime: &RuntimeDirectory, words: &[String]) -> Result<SupportId, Failure> {
    let living = runtime.sessions()?;
    if !words.is_empty() {
        let id = parse_id(words)?;
        return if living.contains(&id) { Ok(id) } else { Err(no_session()) };
    }
    match living[..] {
        [] => Err(no_session()),
        [only] => Ok(only),
        _ => {
            let ids: Vec<_> = living.iter().map(SupportId::grouped).collect();
            Err(Failure::usage(format!("several sessions are open, name one: {}", ids.join(", "))))
        }
    }
}

pub(super) fn no_session() -> Failure {
    Failure::new(Kind::SessionOver, "no session: run fieldlink-connect ID first")
}
