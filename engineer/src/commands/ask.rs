//! `ask` and `extend`: put something to the client, and wait for the answer.

use std::io::{self, ErrorKind};

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;

use super::choosing::{choose, no_session};
use crate::args::{AskArguments, RestartArguments, StepArguments};
use crate::config::Directories;
use crate::dialogue;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, client};
use crate::printing::print_answer;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

/// Asks a question and prints the answer, and nothing else, on standard output.
pub(super) fn ask(arguments: AskArguments, console: &Console) -> Result<u8, Failure> {
    let AskArguments { id, list, ready, words, choices } = arguments;
    if list {
        Ready::ALL.iter().for_each(|ready| print_answer(&listed(*ready)));
        return Ok(0);
    }
    let question = match ready {
        Some(ready) => Question::Ready { ready },
        None => Question::Text { text: words.join(" "), choices },
    };
    print(put_to_client(id, question, console)?)
}

/// Has the client do something, and prints that it is done.
pub(super) fn step(arguments: StepArguments, console: &Console) -> Result<u8, Failure> {
    let StepArguments { id, ready, words } = arguments;
    let question = match ready {
        Some(ready) => Question::Ready { ready },
        None => Question::Step { text: words.join(" ") },
    };
    print(put_to_client(id, question, console)?)
}

fn print(answer: Answer) -> Result<u8, Failure> {
    match answer {
        Answer::Text { text, .. } => print_answer(&text),
        Answer::Choice { choice, .. } => print_answer(&choice),
        Answer::Done {} => print_answer(&say!("answer-done")),
        answer => return Err(not_granted(&answer)),
    }
    Ok(0)
}

/// A ready question or step: its name, what the client reads, and the names of the answers.
fn listed(ready: Ready) -> String {
    let (name, text, choices) = (ready.name(), dialogue::ready_text(ready), ready.choices().join(", "));
    match ready.is_step() {
        true => say!("listed-step", name = name, text = text),
        false => say!("listed-question", name = name, text = text, choices = choices),
    }
}

/// Asks for more time.
pub(super) fn extend(
    id: Option<String>,
    minutes: u32,
    reason: &[String],
    console: &Console,
) -> Result<u8, Failure> {
    match put_to_client(id, Question::Extension { minutes, reason: reason.join(" ") }, console)? {
        Answer::Granted { seconds } => {
            print_answer(&say!("time-granted", minutes = u64::from(seconds.div_ceil(60))));
        }
        answer => return Err(not_granted(&answer)),
    }
    Ok(0)
}

/// Has the scanner restart, or its power cut by hand; the session goes on afterwards.
pub(super) fn restart(arguments: RestartArguments, console: &Console) -> Result<u8, Failure> {
    let RestartArguments { id, power, reason } = arguments;
    match put_to_client(id, Question::Restart { reason: reason.unwrap_or_default(), power }, console)? {
        Answer::Restarting { seconds } => {
            let minutes = u64::from(seconds.div_ceil(60));
            print_answer(&match power {
                true => say!("power-may-go", minutes = minutes),
                false => say!("restart-begins", minutes = minutes),
            });
            Ok(0)
        }
        answer => Err(not_granted(&answer)),
    }
}

pub(super) fn put_to_client(
    id: Option<String>,
    question: Question,
    console: &Console,
) -> Result<Answer, Failure> {
    dialogue::check_question(&question).map_err(Failure::usage)?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id.as_slice())?;
    console.say(&say!("waiting-for-answer"));
    put_at(&runtime, id, question)
}

/// Puts what the scanner answers by itself.
pub(super) fn put(id: Option<String>, question: Question) -> Result<Answer, Failure> {
    dialogue::check_question(&question).map_err(Failure::usage)?;
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let id = choose(&runtime, id.as_slice())?;
    put_at(&runtime, id, question)
}

fn put_at(runtime: &RuntimeDirectory, id: SupportId, question: Question) -> Result<Answer, Failure> {
    let socket = runtime.session(id).join("control.sock");
    match client::ask(&socket, Request::Ask { question }).map(|(_, reply)| reply) {
        Ok(Reply::Answered { answer }) => Ok(answer),
        other => Err(unanswered(other)),
    }
}

/// Why a session did not do as it was asked.
pub(super) fn unanswered(reply: io::Result<Reply>) -> Failure {
    match reply {
        Ok(Reply::Refused { reason }) => Failure::new(Kind::Failed, text::sentence(&reason)),
        Ok(Reply::TooOld { reason }) => Failure::new(Kind::Version, text::sentence(&reason)),
        Ok(Reply::Ended { message, .. }) => Failure::new(Kind::SessionOver, text::sentence(&message)),
        Ok(_) => Failure::new(Kind::Failed, say!("session-answered-else")),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Failure::new(Kind::Failed, say!("holder-does-not-answer"))
        }
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            Failure::new(Kind::SessionOver, say!("holder-broke-off"))
        }
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Failure::new(Kind::Failed, error.to_string())
        }
        Err(_) => no_session(),
    }
}

/// Why the client's answer is not what was asked for.
pub(super) fn not_granted(answer: &Answer) -> Failure {
    let (kind, message) = match answer {
        Answer::Refused {} => (Kind::ClientRefused, say!("client-said-no")),
        Answer::NoAnswer {} => (Kind::NoAnswer, say!("client-did-not-answer")),
        Answer::Busy {} => (Kind::Busy, say!("client-is-being-asked")),
        Answer::NoMoreTime {} => {
            (Kind::Failed, say!("no-more-time", minutes = limits::SESSION_MAX.as_secs() / 60))
        }
        Answer::NotNow { why: NotNow::OperationRuns } => {
            (Kind::Busy, dialogue::not_now(NotNow::OperationRuns))
        }
        Answer::NotNow { why: why @ (NotNow::Nobody | NotNow::NameTaken) } => {
            (Kind::Usage, dialogue::not_now(*why))
        }
        Answer::NotNow { why } => (Kind::Failed, dialogue::not_now(*why)),
        Answer::Granted { .. }
        | Answer::Restarting { .. }
        | Answer::Text { .. }
        | Answer::Choice { .. }
        | Answer::Done {}
        | Answer::Link { .. }
        | Answer::JoinCode { .. }
        | Answer::Taken {}
        | Answer::Runbook { .. } => (Kind::Failed, say!("scanner-answered-else")),
    };
    Failure::new(kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts branch on these.
    #[test]
    fn every_answer_that_is_no_yes_has_its_exit_code() {
        for (answer, code) in [
            (Answer::Refused {}, 215),
            (Answer::NoAnswer {}, 216),
            (Answer::Busy {}, 221),
            (Answer::NoMoreTime {}, 1),
            (Answer::Granted { seconds: 1 }, 1),
        ] {
            assert_eq!(not_granted(&answer).kind.code(), code, "{answer:?}");
        }
        assert!(not_granted(&Answer::NoMoreTime {}).message.contains("120 minutes at most"));
    }

    #[test]
    fn a_session_that_does_not_answer_is_told_from_one_that_is_over() {
        let reason = "too old\u{1b}".to_owned();
        let too_old = unanswered(Ok(Reply::TooOld { reason: reason.clone() }));
        assert_eq!((too_old.kind, &*too_old.message), (Kind::Version, "too old\u{fffd}"));
        assert_eq!(unanswered(Ok(Reply::Refused { reason })).kind, Kind::Failed);
        for (error, kind) in [
            (ErrorKind::TimedOut, Kind::Failed),
            (ErrorKind::WouldBlock, Kind::Failed),
            (ErrorKind::UnexpectedEof, Kind::SessionOver),
            (ErrorKind::NotFound, Kind::SessionOver),
            (ErrorKind::ConnectionRefused, Kind::SessionOver),
        ] {
            assert_eq!(unanswered(Err(error.into())).kind, kind, "{error:?}");
        }
    }
}
