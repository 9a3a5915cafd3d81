use std::time::Duration;

use tokio::time::{advance, timeout};

use super::*;

/// A channel's side that speaks, and what it says.
struct Spoken {
    voice: ControlHandle,
    requests: MessageSender,
    said: mpsc::Receiver<FromEngineer>,
}

fn speak() -> Spoken {
    let (voice, requests) = voice();
    let (outgoing, said) = mpsc::channel(8);
    Spoken { voice, requests: MessageSender::new(outgoing, requests), said }
}

impl Spoken {
    /// Asks in a task of its own, which waits for the answer for as long as it lives.
    fn ask(&self, minutes: u32) -> tokio::task::JoinHandle<Option<Answer>> {
        let voice = self.voice.clone();
        tokio::spawn(async move { voice.ask(Question::Extension { minutes, reason: String::new() }).await })
    }

    /// What is said next.
    async fn next(&mut self) -> FromEngineer {
        loop {
            self.requests.say_next(true).await;
            if let Ok(message) = self.said.try_recv() {
                return message;
            }
        }
    }

    /// Whether nothing is to be said, for now.
    async fn is_silent(&mut self, connected: bool) -> bool {
        timeout(Duration::ZERO, self.requests.say_next(connected)).await.is_err()
    }
}

fn asked(request: u32, minutes: u32) -> FromEngineer {
    FromEngineer::Ask { request, question: Question::Extension { minutes, reason: String::new() } }
}

#[tokio::test]
async fn answers_reach_who_asked() {
    let mut spoken = speak();
    let first = spoken.ask(10);
    assert_eq!(spoken.next().await, asked(1, 10));
    let second = spoken.ask(20);
    assert_eq!(spoken.next().await, asked(2, 20));
    spoken.requests.answered(2, Answer::Busy {}).expect("asked");
    spoken.requests.answered(1, Answer::Granted { seconds: 60 }).expect("asked");
    assert_eq!(first.await.expect("no panic"), Some(Answer::Granted { seconds: 60 }));
    assert_eq!(second.await.expect("no panic"), Some(Answer::Busy {}));
    assert_eq!(
        spoken.requests.answered(3, Answer::Busy {}),
        Err(Broken(fieldlink_protocol::reason::Reason::Incompatible))
    );
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_is_taken_back() {
    let mut spoken = speak();
    let asking = spoken.ask(10);
    assert_eq!(spoken.next().await, asked(1, 10));
    asking.abort();
    assert_eq!(spoken.next().await, FromEngineer::Withdraw { request: 1 });
    spoken.requests.answered(1, Answer::Refused {}).expect("it was under way");

    // Given up before it was put, it is never put.
    let asking = spoken.ask(20);
    tokio::task::yield_now().await;
    asking.abort();
    assert!(asking.await.is_err());
    let _asking = spoken.ask(30);
    assert_eq!(spoken.next().await, asked(2, 30));
}

#[tokio::test]
async fn too_many_questions_are_not_put() {
    let mut spoken = speak();
    let mut asking = Vec::new();
    for request in 1..=OPEN as u32 {
        asking.push(spoken.ask(10));
        assert_eq!(spoken.next().await, asked(request, 10));
    }
    let refused = spoken.ask(10);
    spoken.requests.say_next(true).await;
    assert_eq!(refused.await.expect("no panic"), Some(Answer::Busy {}));
    assert!(spoken.said.try_recv().is_err());
}

#[tokio::test]
async fn who_waits_learns_that_the_channel_is_over() {
    let mut spoken = speak();
    let (put, waiting) = (spoken.ask(10), spoken.ask(20));
    spoken.next().await;
    drop(spoken.requests);
    assert_eq!(put.await.expect("no panic"), None);
    assert_eq!(waiting.await.expect("no panic"), None);
    assert_eq!(spoken.voice.say("hello".into()), Err(Undelivered::Over));
}

#[tokio::test(start_paused = true)]
async fn lines_wait_for_a_connection_and_keep_the_pace() {
    let mut spoken = speak();
    (0..LINES).for_each(|number| spoken.voice.say(number.to_string()).expect("room"));
    assert_eq!(spoken.voice.say("more".into()), Err(Undelivered::TooMany));
    assert!(spoken.is_silent(false).await);
    // Questions go out at once: the pipe keeps them until there is a connection.
    let _asking = spoken.ask(10);
    tokio::task::yield_now().await;
    spoken.requests.say_next(false).await;
    assert_eq!(spoken.said.recv().await, Some(asked(1, 10)));

    for number in 0..LINES / 2 {
        assert_eq!(spoken.next().await, FromEngineer::Chat { text: number.to_string() });
    }
    assert!(spoken.is_silent(true).await);
    advance(Duration::from_secs(10)).await;
    assert_eq!(spoken.next().await, FromEngineer::Chat { text: (LINES / 2).to_string() });
}

#[tokio::test]
async fn nothing_is_lost_while_there_is_no_room() {
    let mut spoken = speak();
    (0..8).for_each(|_| spoken.requests.try_say(FromEngineer::Heartbeat {}));
    spoken.voice.say("hello".into()).expect("room");
    assert!(spoken.is_silent(true).await);
    assert_eq!(spoken.said.recv().await, Some(FromEngineer::Heartbeat {}));
    spoken.requests.say_next(true).await;
    let last = std::iter::from_fn(|| spoken.said.try_recv().ok()).last();
    assert_eq!(last, Some(FromEngineer::Chat { text: "hello".into() }));
}
