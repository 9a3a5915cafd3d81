//! `share`, `remove` and `hand-over`: who takes part in the session.

use fieldlink_protocol::join_code::JoinCode;
use fieldlink_protocol::link::ObserverLink;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::text;
use fieldlink_transport::RelayAddress;

use super::ask::{not_granted, put, put_to_client};
use super::choosing::choose;
use crate::args::{PersonArguments, ShareArguments};
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::printing::print_answer;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

/// Prints a link or a join code.
pub(super) fn share(arguments: ShareArguments, console: &Console) -> Result<u8, Failure> {
    let ShareArguments { id, observer, report, .. } = arguments;
    match observer {
        Some(name) => share_link(id, (text::normalise(&name), report), console),
        None => share_code(id, console),
    }
}

fn share_link(id: Option<String>, (name, report): (String, bool), console: &Console) -> Result<u8, Failure> {
    let relay = relay(id.clone())?;
    match put_to_client(id, Question::Observer { name, report }, console)? {
        Answer::Link { key, observer_ticket } => {
            let link = ObserverLink { relay: relay.authority(), ticket: observer_ticket, key };
            print_answer(&link.encode());
            console.say(&say!("pass-the-link-on"));
            Ok(0)
        }
        answer => Err(not_shared(&answer)),
    }
}

fn share_code(id: Option<String>, console: &Console) -> Result<u8, Failure> {
    match put(id, Question::JoinCode {})? {
        Answer::JoinCode { address, digits, seconds } => {
            print_answer(&JoinCode { address, digits }.grouped());
            console.say(&say!("pass-the-code-on", minutes = u64::from(seconds.div_ceil(60))));
            Ok(0)
        }
        answer => Err(not_shared(&answer)),
    }
}

/// Why nobody more may take part.
fn not_shared(answer: &Answer) -> Failure {
    match answer {
        Answer::NotNow { why: NotNow::Never } => Failure::new(Kind::Failed, say!("share-never")),
        Answer::NotNow { why: NotNow::RelayTooOld } => {
            Failure::new(Kind::Version, say!("share-relay-too-old"))
        }
        Answer::NotNow { why: NotNow::Unable | NotNow::Interrupted } => {
            Failure::new(Kind::Failed, say!("share-not-now"))
        }
        answer => not_granted(answer),
    }
}

/// Has somebody leave.
pub(super) fn remove(arguments: PersonArguments) -> Result<u8, Failure> {
    let PersonArguments { id, name } = arguments;
    match put(id, Question::Remove { name: name.join(" ") })? {
        Answer::Done {} | Answer::Taken {} => print_answer(&say!("person-removed")),
        answer => return Err(not_granted(&answer)),
    }
    Ok(0)
}

/// Gives the session away.
pub(super) fn hand_over(arguments: PersonArguments) -> Result<u8, Failure> {
    let PersonArguments { id, name } = arguments;
    match put(id, Question::HandOver { name: name.join(" ") })? {
        Answer::Done {} | Answer::Taken {} => print_answer(&say!("session-handed-over")),
        answer => return Err(not_granted(&answer)),
    }
    Ok(0)
}

/// The relay of the session that is meant.
fn relay(id: Option<String>) -> Result<RelayAddress, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id.as_slice())?;
    let status = client::ask(&runtime.session(id).join("control.sock"), Request::Status);
    let relay = match status.map(|(_, reply)| reply) {
        Ok(Reply::Status(status)) => status.relay.parse().ok(),
        _ => None,
    };
    relay.ok_or_else(|| Failure::new(Kind::Failed, say!("session-answered-else")))
}
