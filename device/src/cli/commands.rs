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
use super::attended;
use super::show;
use crate::client::{self, Device};
use crate::console::choose;
use crate::failure::{Failure, Kind};
use crate::order::ClientAnswer;
use crate::order::Order;
use crate::panel::{Credentials, describe_credentials, describe_time, time_left};
use crate::status::{Phase, Question, QuestionKind, Status};
use crate::watch::{News, Watch};

/// How long `start` waits for the relay to know of it.
const READY: Duration = Duration::from_secs(30);

/// Does it, and returns the exit code.
pub(super) async fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Version => return version().await,
        Command::Status { watch: true, json } => return watch(json).await,
        Command::Stop => return stop(Order::Stop(Reason::ClientEnded), "Remote access is off.").await,
        Command::End => return stop(Order::End, "The session has ended. Remote access is off.").await,
        _ => {}
    }
    let device = Device::connect().await?;
    match command {
        Command::Status { json, .. } => print_status(&device.status().await?, json),
        Command::Start { no_wait, .. } => start(device, no_wait).await,
        Command::Credentials { json } => print_credentials(&device.credentials().await?, json),
        Command::Allow(argument) => decide(&device, argument, ClientAnswer::Yes).await,
        Command::Refuse(argument) => decide(&device, argument, ClientAnswer::No).await,
        Command::Extend { minutes } => extend(&device, minutes).await,
        Command::Chat { words } => chat(&device, &words.join(" ")).await,
        Command::Answer { words, question } => answer(&device, &words.join(" "), question).await,
        Command::Network { json } => network(&device, json).await,
        Command::Version | Command::Stop | Command::End => Ok(0),
    }
}

/// Says that something is done: whoever typed it may be no friend of silence.
fn done(outcome: Result<(), Failure>, sentence: &str) -> Result<u8, Failure> {
    outcome?;
    show::print(&format!("{sentence}\n"))?;
    Ok(0)
}

async fn stop(order: Order, sentence: &str) -> Result<u8, Failure> {
    done(client::stop_now(order).await, sentence)
}

fn print_status(status: &Status, json: bool) -> Result<u8, Failure> {
    show::print(&if json { show::to_json(status) } else { show::to_text(status) })?;
    Ok(0)
}

async fn watch(json: bool) -> Result<u8, Failure> {
    let mut watch = Watch::open().await?;
    let mut shown = watch.status()?;
    print_status(&shown, json)?;
    while let Some(news) = watch.next().await {
        match news {
            News::Notified(notification) if json => show::print(&show::notification_to_json(&notification))?,
            News::Notified(notification) => show::print(&format!("\n{}", notification.describe()))?,
            News::Stopped if json => {}
            News::Stopped => show::print("\nThe remote access service has stopped.\n")?,
            News::Status(status) if *status == shown => {}
            News::Status(status) | News::Back(status) => {
                if !json {
                    show::print("\n")?;
                }
                print_status(&status, json)?;
                shown = *status;
            }
        }
    }
    Err(client::no_bus())
}

async fn start(device: Device, no_wait: bool) -> Result<u8, Failure> {
    let is_attended = !no_wait && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut watch = Watch::open().await?;
    if watch.status()?.phase == Phase::Off {
        device.give(Order::Start).await?;
    }
    if is_attended {
        return attended::run(device).await;
    }
    let mut status = device.status().await?;
    let ready = async {
        while status.phase == Phase::Connecting {
            match watch.next().await.ok_or_else(client::no_bus)? {
                News::Status(now) | News::Back(now) => status = *now,
                News::Notified(_) => {}
                News::Stopped => {
                    return Err(Failure::new(Kind::NoService, "the remote access service has stopped"));
                }
            }
        }
        Ok::<(), Failure>(())
    };
    // What is so after the wait is told below.
    timeout(READY, ready).await.unwrap_or(Ok(()))?;
    match status.phase {
        Phase::Ready => print_credentials(&device.credentials().await?, false),
        Phase::Connecting => {
            let problem = status.problem.unwrap_or_else(|| "no answer yet".to_owned());
            let message = format!(
                "not connected to the support service yet ({problem}); remote access stays on, tries again, and has an ID and a PIN then (fieldlink credentials)"
            );
            Err(Failure::new(Kind::Failed, message))
        }
        _ => print_status(&status, false),
    }
}

fn print_credentials(credentials: &Credentials, json: bool) -> Result<u8, Failure> {
    let text = if json {
        let value = json!({ "support_id": credentials.support_id, "pin": credentials.pin.expose() });
        format!("{value}\n")
    } else {
        describe_credentials(credentials)
    };
    show::print(&text)?;
    Ok(0)
}

/// What is typed after reading one question must not answer the next unnoticed: whoever names none is told
/// which one it was, and scripts had better name it.
async fn decide(device: &Device, argument: QuestionArgument, answer: ClientAnswer) -> Result<u8, Failure> {
    let said = if answer == ClientAnswer::Yes { "You agreed" } else { "You refused" };
    let (question, sentence) = match argument.question {
        Some(id) => {
            let unfit =
                |error| Failure::new(Kind::Usage, format!("could not use the question {id}: {error}"));
            (id.parse::<QuestionId>().map_err(unfit)?, format!("{said}."))
        }
        None => {
            let question = open_question(device).await?;
            (question.id, format!("{said}: {}", question.text))
        }
    };
    done(device.give(Order::Answer(question, answer)).await, &sentence)
}

async fn open_question(device: &Device) -> Result<Question, Failure> {
    let none = || Failure::new(Kind::Stale, "nothing is being asked now");
    device.status().await?.question.ok_or_else(none)
}

async fn extend(device: &Device, minutes: u32) -> Result<u8, Failure> {
    let none = || Failure::new(Kind::Failed, "no engineer is connected");
    let visitor = device.status().await?.visitor.ok_or_else(none)?;
    device.give(Order::Grant(visitor.session, minutes)).await?;
    let left = device.status().await.ok().map(|status| describe_time(time_left(status.deadline)));
    let when = left.map_or_else(String::new, |left| format!(": the session ends in {left}"));
    done(Ok(()), &format!("The engineer has more time{when}."))
}

async fn chat(device: &Device, line: &str) -> Result<u8, Failure> {
    text::check("the message", line.trim(), limits::CHAT)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    device.give(Order::Chat(line.to_owned())).await?;
    let is_interrupted = device.status().await.is_ok_and(|status| status.phase == Phase::Interrupted);
    let when = if is_interrupted { ", who reads it once the connection is back" } else { "" };
    done(Ok(()), &format!("Sent to the engineer{when}."))
}

async fn answer(device: &Device, line: &str, named: Option<String>) -> Result<u8, Failure> {
    let question = open_question(device).await?;
    if named.is_some_and(|named| named != question.id.to_string()) {
        return Err(Failure::new(Kind::Stale, "that question is not open any more"));
    }
    if question.kind != QuestionKind::Text {
        let message = "this question takes a yes or no: fieldlink allow, or fieldlink refuse";
        return Err(Failure::new(Kind::Usage, message));
    }
    let unfit = || {
        let message = format!("there is no such choice; choose from: {}", question.choices.join(", "));
        Failure::new(Kind::Usage, message)
    };
    let words = choose(&question, line.trim()).ok_or_else(unfit)?;
    done(device.give(Order::Answer(question.id, ClientAnswer::Text(words))).await, "Answered.")
}

async fn network(device: &Device, json: bool) -> Result<u8, Failure> {
    let (code, as_text, as_json) = device.check_network().await?;
    show::print(&if json { as_json + "\n" } else { as_text })?;
    Ok(u8::try_from(code).unwrap_or(1))
}

async fn version() -> Result<u8, Failure> {
    show::print(concat!("fieldlink ", env!("CARGO_PKG_VERSION"), "\n"))?;
    let service = async { Device::connect().await?.version().await }.await;
    match service {
        Ok(version) => show::print(&format!("fieldlink-agent {version} (running)\n"))?,
        Err(failure) => show::print(&format!("fieldlink-agent: {failure}\n"))?,
    }
    Ok(0)
}
