//! What the scanner is told of the runbook that is kept in the session's directory.

use std::io;

use fieldlink_protocol::feature;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::messages::runbook::{RunbookStanding, RunbookWord};
use tokio::io::AsyncWriteExt;

use super::Server;
use crate::local_socket::{Reply, RunbookNews, encode};
use crate::platform::{self, LocalStream};
use crate::runbook_file::KeptRunbook;
use crate::words::say;

impl Server {
    /// Tells the scanner what is new of it.
    pub(super) async fn tell_of_runbook(&self, mut stream: LocalStream, news: RunbookNews) -> io::Result<()> {
        let (reader, _) = stream.split();
        let reply = tokio::select! {
            biased;
            () = self.over.cancelled() => self.end_as_reply(),
            () = platform::hung_up(&reader) => return Ok(()),
            reply = self.tell_runbook(news) => reply,
        };
        stream.write_all(&encode(&reply)).await
    }

    async fn tell_runbook(&self, news: RunbookNews) -> Reply {
        let live = match self.live_with(feature::RUNBOOKS, Ok(())) {
            Ok(live) => live,
            Err(reply) => return *reply,
        };
        if news == RunbookNews::GivenUp {
            return self.reply_with(live.voice.tell_of_runbook(RunbookWord::GivenUp {}).await).await;
        }
        let Some(kept) = KeptRunbook::load(&self.directory) else {
            return Reply::Refused { reason: say!("runbook-not-kept") };
        };
        if let (RunbookNews::Settled, Some(word)) = (news, kept.last_word()) {
            let answer = live.voice.tell_of_runbook(word).await;
            let is_unknown =
                |answer: &Answer| matches!(answer, Answer::Runbook { standing: RunbookStanding::Unknown {} });
            // The scanner has restarted, or followed another one meanwhile: it is told all of this one.
            if !answer.as_ref().is_some_and(is_unknown) {
                return self.reply_with(answer).await;
            }
        }
        self.reply_with(live.voice.tell_of_runbook(RunbookWord::Runs(kept.run)).await).await
    }
}
