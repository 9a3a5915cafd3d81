use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::runbook::{RunbookRun, RunbookStanding, RunbookWord, StepResult};
use fieldlink_protocol::reason::Reason;
use fieldlink_transport::{Dialer, client_config};
use tokio::sync::mpsc;

use super::*;
use crate::control::requests::MessageSender;
use crate::control::{AgentHello, Trouble, voice};
use crate::dialogue::{KEPT, Line};
use crate::end::{End, Told};
use crate::local_socket::{Request, RunbookNews, client};
use crate::relay_session::RelayHandle;
use crate::runbook_file::KeptRunbook;
use crate::session::server::tests::{Served, serve};
use crate::ssh_key::EXAMPLE;

/// A served session that the client has allowed, with a scanner that understands `features`.
struct Talked {
    served: Served,
    live: Arc<Live>,
    requests: MessageSender,
    said: mpsc::Receiver<FromEngineer>,
}

fn talk(features: &[&str]) -> Talked {
    let served = serve();
    let certificate = rcgen::generate_simple_self_signed(["relay".to_owned()]).expect("a certificate");
    let authority = served.resources.path().join("ca.pem");
    std::fs::write(&authority, certificate.cert.pem()).expect("written");
    let tls = client_config(Some(&authority)).expect("a configuration");
    let (voice, requests) = voice();
    let (outgoing, said) = mpsc::channel(8);
    let live = Arc::new(Live {
        agent: AgentHello {
            host_key: EXAMPLE.parse().expect("a key"),
            user: "support".into(),
            hostname: "scanner".into(),
            features: Features(features.iter().map(|&name| name.into()).collect()),
        },
        relay: RelayHandle::idle(),
        dialer: Dialer::new("wss://relay.example.com".parse().expect("an address"), tls),
        bounds: Default::default(),
        keys: SessionKeys::derive(&[0; 64], b""),
        voice,
    });
    let until = std::time::Instant::now() + limits::SESSION;
    served.state.send_replace(State::Active { live: live.clone(), until });
    Talked { served, live, requests: MessageSender::new(outgoing, requests), said }
}

const BOTH: &[&str] = &[feature::CHAT, feature::QUESTIONS];

impl Talked {
    /// The next message to the scanner.
    async fn next(&mut self) -> FromEngineer {
        self.requests.say_next(true).await;
        self.said.try_recv().expect("said")
    }

    async fn reply(&self, request: Request) -> Reply {
        self.served.ask(request).await.expect("no panic").expect("a reply")
    }
}

fn question() -> Request {
    Request::Ask { question: Question::Text { text: "Is it green?".into(), choices: vec!["yes".into()] } }
}

fn line(text: &str) -> Request {
    Request::Chat { text: text.into() }
}

#[tokio::test]
async fn an_answer_comes_back() {
    let mut talked = talk(BOTH);
    let asking = talked.served.ask(question());
    assert!(matches!(talked.next().await, FromEngineer::Ask { request: 1, .. }));
    let answer = Answer::Text { text: "yes".into(), language: String::new() };
    talked.requests.answered(1, answer.clone()).expect("asked");
    assert_eq!(asking.await.expect("no panic").expect("a reply"), Reply::Answered { answer });
}

#[tokio::test]
async fn who_breaks_off_takes_the_question_back() {
    let mut talked = talk(BOTH);
    let asking = client::begin(&talked.served.resources.path().join("s"), question()).expect("sent");
    assert!(matches!(talked.next().await, FromEngineer::Ask { request: 1, .. }));
    drop(asking);
    assert_eq!(talked.next().await, FromEngineer::Withdraw { request: 1 });
}

#[tokio::test]
async fn an_open_question_learns_why_the_session_is_over() {
    let mut talked = talk(BOTH);
    let asking = talked.served.ask(question());
    talked.next().await;
    // The channel is over a moment before the session is.
    drop(talked.requests);
    tokio::task::yield_now().await;
    let end = End::new(Reason::ClientEnded, Told::Scanner);
    talked.served.state.send_replace(State::Ended(end.clone()));
    talked.served.over.cancel();
    assert_eq!(asking.await.expect("no panic").expect("a reply"), Reply::ended(&end));
}

#[tokio::test]
async fn an_older_scanner_is_sent_nothing_it_does_not_know() {
    for (known, request) in [(feature::CHAT, question()), (feature::QUESTIONS, line("hello"))] {
        let mut talked = talk(&[known]);
        let reply = talked.reply(request).await;
        assert!(matches!(&reply, Reply::TooOld { reason } if reason.contains("too old for")), "{reply:?}");
        assert!(talked.said.try_recv().is_err());
    }
}

/// What is kept of a runbook, with one result.
fn keep_runbook(talked: &Talked) -> RunbookRun {
    let (text, results) = ("name = \"x\"".to_owned(), vec![StepResult::Done {}]);
    let run = RunbookRun { text, signature: None, from: 0, results };
    KeptRunbook::new(run.clone()).store(talked.served.resources.path()).expect("stored");
    run
}

#[tokio::test]
async fn a_scanner_that_does_not_know_a_runbook_is_told_all_of_it() {
    let mut talked = talk(&[feature::RUNBOOKS]);
    let run = keep_runbook(&talked);
    let telling = talked.served.ask(Request::Runbook { news: RunbookNews::Settled });
    let word = RunbookWord::Settled { before: 0, result: StepResult::Done {} };
    assert_eq!(talked.next().await, FromEngineer::Runbook { request: 1, word });
    let unknown = Answer::Runbook { standing: RunbookStanding::Unknown {} };
    talked.requests.answered(1, unknown).expect("asked");
    let word = RunbookWord::Runs(run);
    assert_eq!(talked.next().await, FromEngineer::Runbook { request: 2, word });
    let answer = Answer::Runbook { standing: RunbookStanding::Own {} };
    talked.requests.answered(2, answer.clone()).expect("asked");
    assert_eq!(telling.await.expect("no panic").expect("a reply"), Reply::Answered { answer });
}

/// It forgets what it was told when it restarts.
#[tokio::test]
async fn a_scanner_that_is_back_is_told_again() {
    let mut talked = talk(&[feature::RUNBOOKS]);
    let run = keep_runbook(&talked);
    let (live, directory) = (talked.live.clone(), talked.served.resources.path().to_owned());
    let telling = tokio::spawn(crate::session::runbook::tell_again(live, directory));
    let word = RunbookWord::Runs(run);
    assert_eq!(talked.next().await, FromEngineer::Runbook { request: 1, word });
    talked.requests.answered(1, Answer::Taken {}).expect("asked");
    telling.await.expect("no panic");
}

#[tokio::test]
async fn an_older_scanner_hears_nothing_of_runbooks() {
    let mut talked = talk(BOTH);
    keep_runbook(&talked);
    for news in [RunbookNews::Runs, RunbookNews::Settled, RunbookNews::GivenUp] {
        let reply = talked.reply(Request::Runbook { news }).await;
        assert!(matches!(&reply, Reply::TooOld { .. }), "{reply:?}");
    }
    crate::session::runbook::tell_again(talked.live.clone(), talked.served.resources.path().to_owned()).await;
    assert!(talked.said.try_recv().is_err());
    let none = talk(&[feature::RUNBOOKS]).reply(Request::Runbook { news: RunbookNews::Runs }).await;
    assert!(
        matches!(&none, Reply::Refused { reason } if reason.contains("no runbook is under way")),
        "{none:?}"
    );
}

#[tokio::test]
async fn unfit_words_go_no_further() {
    let talked = talk(BOTH);
    let long = Request::Ask { question: Question::Extension { minutes: 61, reason: String::new() } };
    for unfit in [line("a\u{1b}[2J"), line(" "), long] {
        let reply = talked.reply(unfit).await;
        assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}");
    }
    talked.served.state.send_replace(State::Pairing);
    let reason = "the session has not begun yet; wait for it".to_owned();
    assert_eq!(talked.reply(line("hello")).await, Reply::Refused { reason });
}

#[tokio::test]
async fn lines_are_sent_and_remembered() {
    let mut talked = talk(BOTH);
    assert_eq!(talked.reply(line("look at the LED")).await, Reply::Sent { trouble: None });
    assert_eq!(talked.next().await, FromEngineer::Chat { text: "look at the LED".into() });
    let trouble = Trouble { problem: "it was cut".into(), tries: 2 };
    let (live, until) = (talked.live.clone(), std::time::Instant::now());
    talked.served.state.send_replace(State::Interrupted { live, until, trouble: trouble.clone() });
    assert_eq!(talked.reply(line("and?")).await, Reply::Sent { trouble: Some(trouble) });
    talked.served.transcript.send_modify(|transcript| transcript.add(Speaker::Client, "it blinks"));
    let lines = remembered(&talked.served).await;
    let said: Vec<_> = lines.iter().map(|line| (line.speaker, line.text.as_str())).collect();
    assert_eq!(
        said,
        [(Speaker::Engineer, "look at the LED"), (Speaker::Engineer, "and?"), (Speaker::Client, "it blinks")]
    );
}

#[tokio::test]
async fn the_longest_lines_fit() {
    let talked = talk(BOTH);
    assert!(remembered(&talked.served).await.is_empty());
    // A character that is not shown is the longest that one byte becomes.
    let longest = fieldlink_protocol::text::clean(&"\u{7}".repeat(limits::CHAT), limits::CHAT);
    talked.served.transcript.send_modify(|transcript| {
        (0..KEPT).for_each(|_| transcript.add(Speaker::Client, &longest));
    });
    assert_eq!(remembered(&talked.served).await.len(), KEPT);
    let quotes = "\"".repeat(limits::CHAT);
    assert_eq!(talked.reply(line(&quotes)).await, Reply::Sent { trouble: None });
}

async fn remembered(served: &Served) -> Vec<Line> {
    let path = served.resources.path().join("s");
    tokio::task::spawn_blocking(move || client::lines(&path)).await.expect("no panic").expect("lines")
}
