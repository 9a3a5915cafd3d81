//! `chat`: sends the client a line, or shows what was said.

use super::ask::unanswered;
use super::choosing::choose;
use crate::config::Directories;
use crate::dialogue;
use crate::exit::Failure;
use crate::local_socket::{Reply, Request, client};
use crate::printing::print_answer;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

pub(super) fn run(id: Option<String>, words: &[String], console: &Console) -> Result<u8, Failure> {
    let line = words.join(" ");
    if !words.is_empty() {
        dialogue::check_line(&line).map_err(Failure::usage)?;
    }
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id.as_slice())?;
    let socket = runtime.session(id).join("control.sock");
    if words.is_empty() {
        let lines = client::lines(&socket).map_err(|error| unanswered(Err(error)))?;
        lines.iter().for_each(|line| print_answer(&line.to_string()));
        return Ok(0);
    }
    match client::ask(&socket, Request::Chat { text: line }).map(|(_, reply)| reply) {
        Ok(Reply::Sent { trouble }) => {
            if let Some(trouble) = trouble {
                console.say(&say!("line-delayed", trouble = trouble.to_string()));
            }
            Ok(0)
        }
        other => Err(unanswered(other)),
    }
}
