//! What each command does.

use std::io::IsTerminal;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;
use serde_json::json;
use tokio::time::timeout;

use super::args::{Command, QuestionArgument};
use super::show::done;
use super::{attended, diagnose, health, records, show, verify};
use crate::client::{self, Device};
use crate::console::choose;
use crate::failure::{Failure, Kind};
use crate::order::ClientAnswer;
use crate::order::Order;
use crate::panel::{Credentials, describe_credentials, describe_notification, time_left};
use crate::status::{Phase, Question, QuestionKind, Status, Visitor};
use crate::verdict::Verdict;
use crate::viewing::{self, Manner, ViewEnd};
use crate::watch::{News, Watch};
use crate::words::Words;

/// How long `start` waits until the relay knows the pair.
const READY: Duration = Duration::from_secs(30);

/// The order of a command that only ever ends something, and the message that confirms it.
pub(super) fn stop_of(command: &Command) -> Option<(Order, &'static str)> {
    match command {
        Command::Stop => Some((Order::Stop(Reason::ClientEnded), "done-stop")),
        Command::End => Some((Order::End, "done-end")),
        _ => None,
    }
}

/// Carries out a command, and returns the exit code. Stops are done elsewhere.
pub(super) async fn run(words: &Words, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Version => return version(words).await,
        Command::Verify(arguments) => return verify::run(words, &arguments),
        Command::Diagnose(arguments) => return diagnose::run(words, arguments).await,
        Command::Status { watch: true, json } => return watch(words, json).await,
        _ => {}
    }
    let device = Device::connect().await?;
    match command {
        Command::Status { json, .. } => print_status(words, &device.status().await?, json),
        Command::Start { no_wait, .. } => start(words, device, no_wait).await,
        Command::Credentials { json } => print_credentials(words, &device.credentials().await?, json),
        Command::Allow(argument) => decide(words, &device, argument, ClientAnswer::Yes).await,
        Command::Done(argument) => decide(words, &device, argument, ClientAnswer::Yes).await,
        Command::Refuse(argument) => decide(words, &device, argument, ClientAnswer::No).await,
        Command::Extend { minutes } => extend(words, &device, minutes).await,
        Command::Chat { words: line } => chat(words, &device, &line.join(" ")).await,
        Command::Answer { words: line, question } => answer(words, &device, &line.join(" "), question).await,
        Command::Verdict { verdict, words: said } => {
            give_verdict(words, &device, verdict.into(), said.join(" ")).await
        }
        Command::Watch { json } => view(words, &device, json).await,
        Command::Remove { words: name } => {
            let name = name.join(" ");
            device.give(Order::Remove(name.clone())).await?;
            done(words.say_with("done-removed", &[("name", text::name(&name).into())]))
        }
        Command::Here => {
            device.give(Order::Here).await?;
            done(words.say("done-here"))
        }
        Command::Network { json } => network(words, &device, json).await,
        Command::Health { watch, json } => health::run(words, &device, watch, json).await,
        Command::Records(command) => records::run(words, &device, command).await,
        Command::Diagnose(_) | Command::Verify(_) | Command::Version | Command::Stop | Command::End => Ok(0),
    }
}

fn print_status(words: &Words, status: &Status, json: bool) -> Result<u8, Failure> {
    show::print(&if json { show::to_json(words, status) } else { show::to_text(words, status) })?;
    Ok(0)
}

async fn view(words: &Words, device: &Device, json: bool) -> Result<u8, Failure> {
    let stream = device.watch_terminals().await?;
    match viewing::run(words, stream, Manner::of(json)).await? {
        ViewEnd::SessionOver | ViewEnd::Left if json => Ok(0),
        ViewEnd::SessionOver => done(words.say("view-session-over")),
        ViewEnd::Left => done(words.say("view-left")),
        ViewEnd::Cut => Err(Failure::new(Kind::NoService, "view-cut")),
    }
}

async fn watch(words: &Words, json: bool) -> Result<u8, Failure> {
    let mut watch = Watch::open().await?;
    let mut shown = watch.status()?;
    print_status(words, &shown, json)?;
    while let Some(news) = watch.next().await {
        match news {
            News::Notified(notification) if json => {
                show::print(&show::notification_to_json(words, &notification))?
            }
            News::Notified(notification) => {
                show::print(&format!("\n{}", describe_notification(words, &notification)))?;
            }
            News::Stopped if json => {}
            News::Stopped => show::print(&format!("\n{}\n", words.say("service-stopped")))?,
            News::Status(status) if *status == shown => {}
            News::Status(status) | News::Back(status) => {
                if !json {
                    show::print("\n")?;
                }
                print_status(words, &status, json)?;
                shown = *status;
            }
        }
    }
    Err(client::no_bus())
}

async fn start(words: &Words, device: Device, no_wait: bool) -> Result<u8, Failure> {
    let is_attended = !no_wait && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut watch = Watch::open().await?;
    if watch.status()?.phase == Phase::Off {
        device.give(Order::Start).await?;
    }
    if is_attended {
        return attended::run(words, device).await;
    }
    let mut status = device.status().await?;
    let ready = async {
        while status.phase == Phase::Connecting {
            match watch.next().await.ok_or_else(client::no_bus)? {
                News::Status(now) | News::Back(now) => status = *now,
                News::Notified(_) => {}
                News::Stopped => {
                    return Err(Failure::new(Kind::NoService, "failed-service-stopped"));
                }
            }
        }
        Ok::<(), Failure>(())
    };
    // The state after the wait is reported below.
    timeout(READY, ready).await.unwrap_or(Ok(()))?;
    match status.phase {
        Phase::Ready => print_credentials(words, &device.credentials().await?, false),
        Phase::Connecting => {
            let problem = status.problem.unwrap_or_else(|| words.say("failed-no-answer-yet"));
            Err(Failure::new(Kind::Failed, "failed-not-connected").with("problem", problem))
        }
        _ => print_status(words, &status, false),
    }
}

fn print_credentials(words: &Words, credentials: &Credentials, json: bool) -> Result<u8, Failure> {
    let text = if json {
        let value = json!({ "support_id": credentials.support_id, "pin": credentials.pin.expose() });
        format!("{value}\n")
    } else {
        describe_credentials(words, credentials)
    };
    show::print(&text)?;
    Ok(0)
}

/// What is typed after reading one question must not answer the next unnoticed: a user who names none is told
/// which one it was, and scripts had better name it.
async fn decide(
    words: &Words,
    device: &Device,
    argument: QuestionArgument,
    answer: ClientAnswer,
) -> Result<u8, Failure> {
    let (said, said_to) = match answer {
        ClientAnswer::Yes => ("done-agreed", "done-agreed-to"),
        _ => ("done-refused", "done-refused-to"),
    };
    let (question, sentence) = match argument.question {
        Some(id) => (parse_question(&id)?, words.say(said)),
        None => {
            let (question, visitor) = open_question(device).await?;
            let asked = words.question(&question, visitor.as_ref());
            (question.id, words.say_with(said_to, &[("question", asked.into())]))
        }
    };
    device.give(Order::Answer(question, answer)).await?;
    done(sentence)
}

fn parse_question(id: &str) -> Result<QuestionId, Failure> {
    id.parse::<QuestionId>().map_err(|error| {
        Failure::new(Kind::Usage, "failed-question-id").with("question", id).with("why", error.to_string())
    })
}

async fn open_question(device: &Device) -> Result<(Question, Option<Visitor>), Failure> {
    let Status { question, visitor, .. } = device.status().await?;
    let none = || Failure::new(Kind::Stale, "failed-nothing-asked");
    Ok((question.ok_or_else(none)?, visitor))
}

async fn extend(words: &Words, device: &Device, minutes: u32) -> Result<u8, Failure> {
    let none = || Failure::new(Kind::Failed, "failed-no-engineer");
    let visitor = device.status().await?.visitor.ok_or_else(none)?;
    device.give(Order::Grant(visitor.session, minutes)).await?;
    done(match device.status().await {
        Ok(status) => {
            let time = words.time(time_left(status.deadline));
            words.say_with("done-extended-until", &[("time", time.into())])
        }
        Err(_) => words.say("done-extended"),
    })
}

async fn give_verdict(words: &Words, device: &Device, verdict: Verdict, said: String) -> Result<u8, Failure> {
    let none = || Failure::new(Kind::Stale, "failed-no-verdict");
    let session = device.status().await?.verdict_for.ok_or_else(none)?;
    device.give(Order::Verdict(session, verdict, said.clone())).await?;
    done(words.verdict(verdict, said.trim()))
}

async fn chat(words: &Words, device: &Device, line: &str) -> Result<u8, Failure> {
    text::check("the message", line.trim(), limits::CHAT)
        .map_err(|error| Failure::new(Kind::Usage, "failed-message").with("why", error.to_string()))?;
    device.give(Order::Chat(line.to_owned())).await?;
    let is_interrupted = device.status().await.is_ok_and(|status| status.phase == Phase::Interrupted);
    done(words.say(if is_interrupted { "done-sent-later" } else { "done-sent" }))
}

async fn answer(words: &Words, device: &Device, line: &str, named: Option<String>) -> Result<u8, Failure> {
    let (question, _) = open_question(device).await?;
    if named.is_some_and(|named| named != question.id.to_string()) {
        return Err(Failure::new(Kind::Stale, "failed-stale-question"));
    }
    if question.kind != QuestionKind::Text {
        return Err(Failure::new(Kind::Usage, "failed-yes-or-no"));
    }
    let unfit =
        || Failure::new(Kind::Usage, "failed-no-choice").with("choices", words.choices(&question).join(", "));
    let said = choose(words, &question, line.trim()).ok_or_else(unfit)?;
    let said = ClientAnswer::InLanguage(said, words.language());
    device.give(Order::Answer(question.id, said)).await?;
    done(words.say("done-answered"))
}

async fn network(words: &Words, device: &Device, json: bool) -> Result<u8, Failure> {
    let checked = device.check_network().await?;
    let sentence = words.network(&checked.notice);
    show::print(&match json {
        true => show::checked_to_json(&checked.json, sentence),
        false => format!("{}  {sentence}\n\n{}", checked.notice.code(), checked.details),
    })?;
    Ok(u8::try_from(checked.exit_code).unwrap_or(1))
}

async fn version(words: &Words) -> Result<u8, Failure> {
    show::print(concat!("fieldlink ", env!("CARGO_PKG_VERSION"), "\n"))?;
    let service = async { Device::connect().await?.version().await }.await;
    match service {
        Ok(version) => show::print(&format!("fieldlink-agent {version} (running)\n"))?,
        Err(failure) => show::print(&format!("fieldlink-agent: {}\n", failure.text(words)))?,
    }
    Ok(0)
}
