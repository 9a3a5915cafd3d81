//! Questions to the client, and lines between client and engineer.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::{feature, limits};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::Server;
use crate::control::Undelivered;
use crate::dialogue::{self, Speaker};
use crate::local_socket::{Reply, encode};
use crate::platform::{self, LocalStream};
use crate::session::{Live, State};
use crate::words::say;

/// How long an answer may take. The scanner gives one in time by itself; an interruption may lie before
/// it, and another behind it.
fn patience(question: &Question) -> Duration {
    let answerable = match question {
        // Until the session is over.
        Question::Extension { .. } => limits::SESSION_MAX,
        _ => limits::QUESTION_PATIENCE,
    };
    answerable + 2 * limits::INTERRUPTION
}

impl Server {
    /// Asks the client. A program that breaks off, or dies, takes its question back.
    pub(super) async fn ask(&self, mut stream: LocalStream, question: Question) -> io::Result<()> {
        let (reader, _) = stream.split();
        let reply = tokio::select! {
            biased;
            () = self.over.cancelled() => self.end_as_reply(),
            () = platform::hung_up(&reader) => return Ok(()),
            reply = self.answer(question) => reply,
        };
        stream.write_all(&encode(&reply)).await
    }

    /// Tells the client something.
    pub(super) async fn announce(
        &self,
        mut stream: LocalStream,
        announcement: Announcement,
    ) -> io::Result<()> {
        let (reader, _) = stream.split();
        let reply = tokio::select! {
            biased;
            () = self.over.cancelled() => self.end_as_reply(),
            () = platform::hung_up(&reader) => return Ok(()),
            reply = self.tell(announcement) => reply,
        };
        stream.write_all(&encode(&reply)).await
    }

    async fn tell(&self, announcement: Announcement) -> Reply {
        let fit = dialogue::check_announcement(&announcement);
        let live = match self.live_with(feature::ANNOUNCEMENTS, fit) {
            Ok(live) => live,
            Err(reply) => return *reply,
        };
        let told = live.voice.announce(announcement.clone()).await;
        if told == Some(Answer::Taken {}) {
            self.client.send_modify(|client| client.was_told(&announcement, Instant::now()));
        }
        self.reply_with(told).await
    }

    pub(super) async fn reply_with(&self, answer: Option<Answer>) -> Reply {
        match answer {
            Some(answer) => Reply::Answered { answer },
            None => {
                // The session follows its control channel in a moment, and knows why.
                self.over.cancelled().await;
                self.end_as_reply()
            }
        }
    }

    async fn answer(&self, question: Question) -> Reply {
        let feature = match &question {
            Question::Restart { .. } => feature::RESTART,
            question if question.is_of_steps() => feature::STEPS,
            question if question.is_of_people() => feature::PEOPLE,
            _ => feature::QUESTIONS,
        };
        let live = match self.live_with(feature, dialogue::check_question(&question)) {
            Ok(live) => live,
            Err(reply) => return *reply,
        };
        let answer = timeout(patience(&question), live.voice.ask(question.clone())).await;
        // Of who takes part nothing is kept: an answer may be a secret.
        if let (Ok(Some(answer)), false) = (&answer, question.is_of_people()) {
            self.transcript.send_modify(|transcript| transcript.add_answer(&question, answer));
        }
        match answer {
            Ok(answer) => self.reply_with(answer).await,
            Err(_) => Reply::Answered { answer: Answer::NoAnswer {} },
        }
    }

    /// Sends the client a line.
    pub(super) fn say(&self, text: String) -> Reply {
        let live = match self.live_with(feature::CHAT, dialogue::check_line(&text)) {
            Ok(live) => live,
            Err(reply) => return *reply,
        };
        match live.voice.say(text.clone()) {
            Ok(()) => {
                self.transcript.send_modify(|transcript| transcript.add(Speaker::Engineer, &text));
                Reply::Sent { trouble: self.state.borrow().trouble().cloned() }
            }
            Err(Undelivered::TooMany) => Reply::Refused { reason: say!("too-many-lines-wait") },
            Err(Undelivered::Over) => Reply::Refused { reason: say!("session-is-ending") },
        }
    }

    /// Tells what was said.
    pub(super) async fn tell_lines(&self, mut stream: LocalStream) -> io::Result<()> {
        let told = {
            let transcript = self.transcript.borrow();
            let count = transcript.lines().len();
            let first = encode(&Reply::Lines { count });
            transcript.lines().map(encode).fold(first, |told, line| [told, line].concat())
        };
        stream.write_all(&told).await
    }

    /// The session, if the client can be talked to and the scanner knows `feature`; what is not `fit` is
    /// refused.
    pub(super) fn live_with(&self, feature: &str, fit: Result<(), String>) -> Result<Arc<Live>, Box<Reply>> {
        let refused = |reason| Reply::Refused { reason };
        fit.map_err(refused)?;
        let state = self.state.borrow();
        if let State::Ended(end) = &*state {
            return Err(Reply::ended(end).into());
        }
        let live = state.admitted().map_err(refused)?;
        if live.agent.features.has(feature) {
            return Ok(live);
        }
        Err(Reply::TooOld { reason: say!("scanner-too-old", feature = feature) }.into())
    }
}

#[cfg(all(test, unix))]
mod tests;
