//! `quiet`, `call` and `note`: tell the client something that needs no answer.

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::Answer;

use super::ask::unanswered;
use super::choosing::choose;
use crate::args::{NoteArguments, NoteSource, QuietArguments};
use crate::config::Directories;
use crate::dialogue;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::printing::print_answer;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

/// Announces a quiet period, or its end.
pub(super) fn quiet(arguments: QuietArguments) -> Result<u8, Failure> {
    let QuietArguments { id, over, minutes, words } = arguments;
    let Some(minutes) = minutes.filter(|_| !over) else {
        announce(id, Announcement::QuietOver {})?;
        print_answer(&say!("quiet-is-over"));
        return Ok(0);
    };
    announce(id, Announcement::Quiet { minutes, text: words.join(" ") })?;
    print_answer(&say!("quiet-announced", minutes = u64::from(minutes)));
    Ok(0)
}

/// Rings the scanner.
pub(super) fn call(id: Option<String>) -> Result<u8, Failure> {
    announce(id, Announcement::Call {})?;
    print_answer(&say!("client-called"));
    Ok(0)
}

/// Makes a note.
pub(super) fn note(arguments: NoteArguments) -> Result<u8, Failure> {
    let NoteArguments { id, by, words } = arguments;
    let by_client = by == NoteSource::Client;
    announce(id, Announcement::Note { text: words.join(" "), by_client })?;
    print_answer(&say!("noted"));
    Ok(0)
}

/// Tells the client of the session that is named, or of the only one.
pub(super) fn announce(id: Option<String>, announcement: Announcement) -> Result<(), Failure> {
    dialogue::check_announcement(&announcement).map_err(Failure::usage)?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id.as_slice())?;
    let socket = runtime.session(id).join("control.sock");
    match client::ask(&socket, Request::Announce { announcement }).map(|(_, reply)| reply) {
        Ok(Reply::Answered { answer: Answer::Taken {} }) => Ok(()),
        Ok(Reply::Answered { answer: Answer::Busy {} }) => {
            Err(Failure::new(Kind::Busy, say!("too-much-announced")))
        }
        Ok(Reply::Answered { .. }) => Err(Failure::new(Kind::Failed, say!("scanner-answered-else"))),
        other => Err(unanswered(other)),
    }
}
